import { describe, expect, it } from 'vitest';
import type WebSocket from 'ws';
import { theRealModel, tinyModel } from '../support/drafts/writers.ts';
import { realModel } from '../support/models/real-model.ts';
import {
  collect,
  collectUntilBroken,
  dataOf,
  type DraftEvent,
  expectOnceAndInOrder,
  followOverSocket,
  followOverSse,
  startDraft,
  textOf,
  tokensOf,
  writerReady,
} from '../support/network/wire.ts';
import { startServer, type TestServer } from '../support/server.ts';

/** Enough tokens that a draft is still being written when its server is killed after the first of them. */
const models = [
  { name: 'the tiny model', environment: tinyModel, skip: false, crashTokens: 2_000 },
  { name: 'the real model', environment: theRealModel, skip: realModel === null, crashTokens: 200 },
];

const story = (maxTokens: number) => ({
  kind: 'STORY',
  prompt: 'A lighthouse keeper finds a letter in a bottle – 灯塔 🗼',
  sampling: { maxTokens, seed: 11 },
});

const textOnServer = async (server: TestServer, id: string): Promise<string> => {
  const query = 'query ($id: ID!) { draft(id: $id) { text status } }';
  const { draft } = await dataOf<{ draft: { text: string; status: string } }>(server, query, { id });
  expect(draft.status).toBe('COMPLETED');
  return draft.text;
};

const isText = ({ __typename }: DraftEvent): boolean => __typename === 'TokensAppended';

describe.each(models)('readers of $name', ({ environment, skip, crashTokens }) => {
  it.skipIf(skip)(
    '[LOG2] early, late, torn away and too late: all have the same bytes, once and in order',
    async () => {
      const server = await startServer(await environment());
      await writerReady(server);
      const { id, cursor: start } = await startDraft(server, story(200));

      const early = collect(followOverSocket(server, { id, after: start }));
      let socket: WebSocket | null = null;
      const torn = await collectUntilBroken(
        followOverSocket(server, { id, after: start }, (connected) => (socket = connected)),
        (event) => isText(event) && socket?.terminate(),
      );
      const late = collect(followOverSse(server, { id }));
      const back = collect(followOverSocket(server, { id, after: torn.seen.at(-1)!.cursor }));

      const readers = [await early, [...torn.seen, ...(await back)], await late];
      readers.push(await collect(followOverSse(server, { id, after: start })));
      readers.push(await collect(followOverSocket(server, { id, after: start })));
      const text = await textOnServer(server, id);
      expect(torn.broken).toBe(true);
      for (const events of readers) {
        expect(Buffer.from(textOf(events)).equals(Buffer.from(text))).toBe(true);
        expectOnceAndInOrder(events);
      }
      const [, ...others] = readers.filter((events) => events[0]?.__typename !== 'DraftSnapshot').map(tokensOf);
      expect(others).toHaveLength(3);
      for (const tokens of others) expect(tokens).toEqual(tokensOf(readers[0]!));
      expect(textOf(await collect(followOverSocket(server, { id })))).toBe(text);
    },
  );

  it.skipIf(skip)(
    '[LOG5] [LOG2] killed in the middle: the draft goes on at the next start, and so do its readers',
    async () => {
      const env = await environment();
      const first = await startServer(env);
      await writerReady(first);
      const { id, cursor: start } = await startDraft(first, story(crashTokens));
      const kill = (event: DraftEvent) => isText(event) && first.process.kill('SIGKILL');
      const before = await Promise.all([
        collectUntilBroken(followOverSocket(first, { id, after: start }), kill),
        collectUntilBroken(followOverSse(first, { id, after: start }), kill),
      ]);
      expect(before.map(({ broken }) => broken)).toEqual([true, true]);
      await first.exited;

      const second = await startServer(env);
      const after = await Promise.all([
        collect(followOverSocket(second, { id, after: before[0].seen.at(-1)?.cursor ?? start })),
        collect(followOverSse(second, { id, after: before[1].seen.at(-1)?.cursor ?? start })),
      ]);
      const text = await textOnServer(second, id);
      for (const i of [0, 1] as const) {
        const events = [...before[i].seen, ...after[i]];
        expect(textOf(after[i])).not.toBe('');
        expect(textOf(events)).toBe(text);
        expectOnceAndInOrder(events);
      }
      const again = await startDraft(second, story(crashTokens));
      expect(textOf(await collect(followOverSocket(second, { id: again.id })))).toBe(text);
    },
  );
});
