import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import WebSocket from 'ws';
import {
  followDraft,
  GraphQLRequestError,
  request,
  type ClientOptions,
  type DraftEvent,
} from '../../examples/client/client.ts';
import {
  ModelsDocument,
  ReactDocument,
  RecommendDocument,
  StartDraftDocument,
} from '../../examples/client/generated/graphql.ts';
import { dataFolder, startServer } from '../support/server.ts';
import { writeTirelessCatalogue } from '../support/tiny-engine.ts';
import { writerReady } from '../support/wire.ts';

const example = fileURLToPath(new URL('../../examples/client/main.ts', import.meta.url));

/** A server with the demo and a writer, and a client of one listener. */
async function demo(): Promise<ClientOptions> {
  const models = await writeTirelessCatalogue(await dataFolder());
  const server = await startServer({ CADENZA_DEMO: 'auto', CADENZA_MODELS: models, CADENZA_FETCH_MODELS: 'auto' });
  await writerReady(server);
  return { url: `${server.url}/graphql`, listenerId: 'ann', webSocket: WebSocket };
}

const started = async (options: ClientOptions, maxTokens: number) => {
  const variables = { kind: 'STORY' as const, prompt: 'The first snow', maxTokens, seed: 7 };
  const { startDraft } = await request(options, StartDraftDocument, variables);
  if (startDraft.__typename !== 'StartDraftSuccess') throw new Error(startDraft.message);
  return startDraft.draft;
};

const textOf = (events: readonly DraftEvent[]): string =>
  events.map((event) => (event.__typename === 'TokensAppended' ? event.text : '')).join('');

test('[REC6] a client recommends, reacts, and sees its next list follow', async () => {
  const options = await demo();
  const { recommendations: before } = await request(options, RecommendDocument, { first: 10 });
  expect(before.nodes).toHaveLength(10);
  for (const { score, explanation } of before.nodes) {
    const explained = explanation.reasons.reduce((sum, { contribution }) => sum + contribution, explanation.baseline);
    expect(explained + explanation.remainder).toBeCloseTo(score, 6);
    expect(explanation.summary).not.toBe('');
  }
  const { track } = before.nodes[0]!;
  const reaction = { trackId: track.id, kind: 'LIKE' as const, requestId: before.requestId, key: 'one' };
  const first = await request(options, ReactDocument, reaction);
  expect(first.recordFeedback).toMatchObject({ __typename: 'RecordFeedbackSuccess', feedback: { kind: 'LIKE' } });
  expect(await request(options, ReactDocument, reaction)).toEqual(first);

  const { recommendations: after } = await request(options, RecommendDocument, { first: 10 });
  const titles = (list: typeof before) => list.nodes.map((node) => node.track.id);
  expect(titles(after)).not.toContain(track.id);
  const reasons = after.nodes.flatMap(({ explanation }) => explanation.reasons.map(({ summary }) => summary));
  expect(reasons.some((summary) => summary.includes(track.title))).toBe(true);
});

test('[LOG2] a client’s connection is cut again and again, and its text is whole', async () => {
  const options = await demo();
  const { models } = await request(options, ModelsDocument, {});
  expect(models[0]).toMatchObject({ status: 'READY', fetched: 1, failure: null });

  const draft = await started(options, 1_500);
  const sockets: WebSocket[] = [];
  const events: DraftEvent[] = [];
  const onSocket = (socket: unknown) => void sockets.push(socket as WebSocket);
  for await (const event of followDraft(options, draft.id, { after: draft.cursor, onSocket })) {
    events.push(event);
    if (event.__typename === 'TokensAppended' && sockets.length <= 3) sockets.at(-1)?.terminate();
  }
  expect(sockets.length).toBeGreaterThan(1);
  expect(events.at(-1)).toMatchObject({ status: 'COMPLETED', usage: { completionTokens: 1_500 } });
  const cursors = events.map(({ cursor }) => cursor);
  expect(new Set(cursors).size).toBe(cursors.length);

  const whole: string[] = [];
  for await (const event of followDraft(options, draft.id)) {
    if (event.__typename === 'DraftSnapshot') whole.push(event.draft.text);
  }
  expect(whole).toEqual([textOf(events)]);
});

test('a client is told at once about a request that no reconnecting can help', async () => {
  const options = await demo();
  const draft = await started(options, 1);
  const of = (id: string, after?: string) => followDraft(options, id, after === undefined ? {} : { after }).next();
  const codes = async (promise: Promise<unknown>) => {
    const error = await promise.catch((reason: unknown) => reason);
    return error instanceof GraphQLRequestError ? error.codes : error;
  };
  const gone = Buffer.from('Draft:00000000-0000-4000-8000-000000000000').toString('base64');
  expect(await codes(of(gone))).toEqual(['NOT_FOUND']);
  expect(await codes(of(draft.id, 'elsewhere'))).toEqual(['INVALID_INPUT']);
});

test('the example’s main program does what its README says', async () => {
  const { url } = await demo();
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', example, url]);
  expect(stdout.match(/^\d\. .+, .+: .+$/gm)).toHaveLength(5);
  expect(stdout).toMatch(/^Liked ".+": RecordFeedbackSuccess$/m);
  expect(stdout).toMatch(/\[COMPLETED\]\s*$/);
});
