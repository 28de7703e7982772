import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type Draft, type DraftQuery, openLogStore } from '../../src/drafts/drafts.ts';
import { DraftRoom, ended } from '../support/drafts/draft-room.ts';
import { hasNats, type Nats, startNats } from '../support/network/nats.ts';

function itFindsDrafts(name: string, open: () => Promise<DraftRoom>): void {
  describe(`drafts in ${name}`, () => {
    async function library() {
      const room = await open();
      const ann = await room.viewer('ann', 'LISTENER');
      const { drafts, engine } = await room.node();
      const start = async (kind: 'POEM' | 'STORY', prompt: string, text: string, title?: string) => {
        const input = { kind, prompt, sampling: { maxTokens: 2 }, ...(title !== undefined && { title }) };
        const draft = await ended(drafts, ann, await drafts.start(ann, input));
        return drafts.update(ann, { draftId: draft.id, text, ifRevision: draft.sequence });
      };
      const found = async (query: Omit<DraftQuery, 'first'> = {}, viewer = ann): Promise<string[]> => {
        const page = await drafts.ofListener(viewer, ann.listener.id, { first: 10, ...query });
        expect(await page.total()).toBe(page.edges.length);
        return page.edges.map(({ node }) => node.title);
      };
      return { room, ann, drafts, engine, start, found };
    }

    it('[DRAFT15] are found by words of title, prompt and text, in normal form, and as they are now', async () => {
      const { ann, drafts, start, found } = await library();
      const harbour = await start('POEM', 'Snow on a harbour', 'Über den Dächern liegt Schnee', 'Winterreise');
      await start('STORY', 'A café in Lisbon', '雪落在港口，海很安静', 'Bica');
      expect(await found({ search: 'DACHERN schn' })).toEqual(['Winterreise']);
      expect(await found({ search: 'cafe' })).toEqual(['Bica']);
      expect(await found({ search: '港口' })).toEqual(['Bica']);
      expect(await found({ search: 'reise' })).toEqual(['Winterreise']);
      expect(await found({ search: 'chnee' })).toEqual([]);
      expect(await found({ search: 'snow lisbon' })).toEqual([]);
      expect(await found({ search: ' ' })).toEqual(['Bica', 'Winterreise']);
      const changed = await drafts.update(ann, { draftId: harbour.id, text: 'Regen', ifRevision: harbour.sequence });
      expect(await found({ search: 'schnee' })).toEqual([]);
      expect(await found({ search: 'regen' })).toEqual(['Winterreise']);
      await drafts.update(ann, { draftId: changed.id, title: 'Sommer' });
      expect(await found({ search: 'somm' })).toEqual(['Sommer']);
      await drafts.delete(ann, changed.id);
      expect(await found({ search: 'regen' })).toEqual([]);
    });

    it('[DRAFT15] are found while they are written', async () => {
      const { room, ann, found } = await library();
      const { drafts, engine } = await room.node({ granted: 3 });
      const started = await drafts.start(ann, {
        kind: 'POEM',
        prompt: 'tides',
        title: 'T',
        sampling: { maxTokens: 9 },
      });
      const now = async (): Promise<Draft> => (await drafts.byIds(ann, [started.id])).get(started.id)!;
      while ((await now()).usage.completionTokens < 3) await new Promise(setImmediate);
      const { text } = await now();
      expect(await found({ search: text })).toEqual(['T']);
      expect(await found({ filter: { statuses: ['GENERATING'] } })).toEqual(['T']);
      engine.grant(Infinity);
      const { text: whole } = await ended(drafts, ann, started);
      expect(await found({ search: whole.replaceAll('\n', ' ') })).toEqual(['T']);
      expect(await found({ filter: { statuses: ['QUEUED', 'GENERATING'] } })).toEqual([]);
    });

    it('[DRAFT15] are filtered by kind, status and time of change, page by page', async () => {
      const { ann, drafts, start, found } = await library();
      for (let i = 0; i < 3; i++) await start(i === 1 ? 'STORY' : 'POEM', 'tides', 'low', `${i}`);
      expect(await found({ filter: { kinds: ['POEM'] } })).toEqual(['2', '0']);
      expect(await found({ filter: { kinds: [] } })).toEqual([]);
      expect(await found({ filter: { statuses: ['CANCELLED'] } })).toEqual([]);
      const page = await drafts.ofListener(ann, ann.listener.id, {
        first: 1,
        filter: { kinds: ['POEM'] },
        search: 'low',
      });
      expect([page.edges.map(({ node }) => node.title), page.hasNextPage, await page.total()]).toEqual([
        ['2'],
        true,
        2,
      ]);
      const after = page.edges[0]!.cursor;
      const next = await drafts.ofListener(ann, ann.listener.id, { first: 1, after, filter: { kinds: ['POEM'] } });
      expect(next.edges.map(({ node }) => node.title)).toEqual(['0']);
      const [{ updatedAt }] = [next.edges[0]!.node];
      expect(await found({ filter: { updatedSince: updatedAt } })).toEqual(['2', '1', '0']);
      expect(await found({ filter: { updatedSince: new Date(updatedAt.getTime() + 1) } })).toEqual(['2', '1']);
    });

    it('[DRAFT15] a search finds only what its viewer may read', async () => {
      const { room, ann, drafts, start, found } = await library();
      const [one] = [await start('POEM', 'tides', 'low', 'shared'), await start('POEM', 'tides', 'low', 'private')];
      await drafts.update(ann, { draftId: one.id, visibility: 'SHARED' });
      expect(await found({ search: 'tide' }, await room.viewer('bob', 'LISTENER'))).toEqual(['shared']);
    });

    it('[ERR2] refuses a search that is too long', async () => {
      const { found } = await library();
      await expect(found({ search: 'x'.repeat(201) })).rejects.toMatchObject({
        code: 'INVALID_INPUT',
        field: 'search',
      });
    });
  });
}

itFindsDrafts('PostgreSQL', () => DraftRoom.open());

describe.runIf(hasNats)('with NATS', () => {
  let nats: Nats;
  beforeAll(async () => {
    nats = await startNats();
  });
  afterAll(() => nats.stop());

  itFindsDrafts('NATS JetStream', () => {
    const stream = `t-${randomUUID()}`;
    return DraftRoom.open(async (database, wakeups) => {
      const config = { kind: 'nats', url: nats.url, replicas: 1 } as const;
      const { store, release } = await openLogStore({ database, config, wakeups, stream });
      onTestFinished(release);
      return store;
    });
  });
});

it('[DRAFT15] of a text that is too long for the index its beginning is found', async () => {
  const room = await DraftRoom.open();
  const ann = await room.viewer('ann', 'LISTENER');
  const { drafts } = await room.node();
  const start = { kind: 'POEM', prompt: 'tides', sampling: { maxTokens: 2 } } as const;
  const draft = await ended(drafts, ann, await drafts.start(ann, start));
  const text = Array.from({ length: 100_000 }, (_, i) => String.fromCodePoint(0x4e00 + ((i * 7_919) % 20_000))).join(
    '',
  );
  await drafts.update(ann, { draftId: draft.id, text, ifRevision: draft.sequence });
  const page = await drafts.ofListener(ann, ann.listener.id, { first: 1, search: text.slice(100, 110) });
  expect(page.edges.map(({ node }) => node.id)).toEqual([draft.id]);
});
