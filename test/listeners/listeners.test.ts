import { beforeEach, describe, expect, it } from 'vitest';
import type { Database } from '../../src/db/client.ts';
import { LocalWakeups } from '../../src/lib/async/wakeups.ts';
import { systemClock } from '../../src/lib/clock.ts';
import {
  createListeners,
  type FeedbackInput,
  type FeedbackKind,
  listenerKey,
  type Listeners,
  type Role,
  type Viewer,
} from '../../src/listeners/listeners.ts';
import { addTracks, someTracks } from '../support/catalogue/catalogue.ts';
import { testDatabase } from '../support/postgres/database.ts';

let database: Database;
let listeners: Listeners;
let wakeups: LocalWakeups;
let tracks: number[];
let ann: Viewer;
let bob: Viewer;

beforeEach(async () => {
  database = await testDatabase();
  wakeups = new LocalWakeups();
  listeners = createListeners({ database, wakeups, clock: systemClock });
  tracks = (await addTracks(database, someTracks(8))).ids;
  [ann, bob] = [await viewer('ann', 'LISTENER'), await viewer('bob', 'LISTENER')];
});

async function viewer(externalId: string, ...roles: Role[]): Promise<Viewer> {
  return { listener: await listeners.ensure(externalId), roles: new Set(roles) };
}

const play = (i: number, extra: Partial<FeedbackInput> = {}): FeedbackInput => ({
  trackId: tracks[i]!,
  kind: 'PLAY',
  ...extra,
});

async function kept(who: Viewer): Promise<number> {
  return (await listeners.feedback(who.listener.id, { first: 1 })).total();
}

describe('who', () => {
  it('[WHO1] creates a listener on first sight, once, however many requests are concurrent', async () => {
    const fresh = Array.from({ length: 5 }, () => createListeners({ database, wakeups, clock: systemClock }));
    const made = await Promise.all(fresh.flatMap((room) => [room.ensure('carol'), room.ensure('carol', 'Carol')]));
    expect(new Set(made.map((listener) => listener.id)).size).toBe(1);
    await expect(listeners.ensure('x'.repeat(129))).rejects.toMatchObject({ field: 'listenerId' });
    expect(await listeners.byExternalId('nobody')).toBeNull();
  });
});

describe('feedback', () => {
  it('[FB1] repeating an idempotency key returns the first result, even concurrently', async () => {
    const again = play(0, { idempotencyKey: 'k' });
    const results = await Promise.all([1, 2, 3, 4].map(() => listeners.record(ann, again)));
    expect(new Set(results.map((row) => row.id)).size).toBe(1);
    expect(await kept(ann)).toBe(1);
    await listeners.record(bob, play(0, { idempotencyKey: 'k' }));
    expect(await kept(bob)).toBe(1);
  });

  const at = new Date('2026-01-02T03:04:05.678Z');
  const first = { kind: 'PLAY', listenedMs: 5_000, at, requestId: '0b1e6a3c-9d3f-4c53-8d0c-2d1f6a7b8c9d' } as const;
  it.each([
    { kind: 'LIKE' as const },
    { listenedMs: 6_000 },
    { listenedMs: null },
    { at: new Date(at.getTime() + 1) },
    { requestId: null },
    { requestId: '1b1e6a3c-9d3f-4c53-8d0c-2d1f6a7b8c9d' },
    { trackId: 2 },
  ])(
    '[FB5] a key repeated with another input, $kind $listenedMs $at $requestId $trackId, is refused',
    async (other) => {
      const input = play(0, { ...first, idempotencyKey: 'k' });
      const changed = { ...input, ...other, ...(other.trackId && { trackId: play(1).trackId }) };
      const conflict = { code: 'IDEMPOTENCY_CONFLICT' };
      const made = await listeners.record(ann, input);
      await expect(listeners.record(ann, changed)).rejects.toMatchObject({
        ...conflict,
        field: 'input.idempotencyKey',
      });
      // A batch is refused whole: for a key that was used before, and for one that it uses twice itself.
      const refused = { ...conflict, field: 'input.1.idempotencyKey' };
      await expect(listeners.recordBatch(ann, [play(1), changed])).rejects.toMatchObject(refused);
      const twice = [input, changed].map((item) => ({ ...item, idempotencyKey: 'twice' }));
      await expect(listeners.recordBatch(ann, twice)).rejects.toMatchObject(refused);
      expect(await kept(ann)).toBe(1);
      expect(await listeners.record(ann, { ...input, at: null })).toMatchObject({ id: made.id });
      expect(await listeners.recordBatch(ann, [input, input])).toEqual({ recorded: 0, duplicates: 2 });
    },
  );

  it('[FB5] of two inputs that come at once with one key, one is recorded and the other refused', async () => {
    const kinds = ['PLAY', 'LIKE'] satisfies FeedbackKind[];
    const results = await Promise.allSettled(
      kinds.map((kind) => listeners.record(ann, play(0, { kind, idempotencyKey: 'k' }))),
    );
    expect(results.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    expect(await kept(ann)).toBe(1);
  });

  it('[FB2] a batch is recorded whole or not at all, and duplicates are counted', async () => {
    const good = [play(0, { idempotencyKey: 'a' }), play(1), play(0, { idempotencyKey: 'a' })];
    expect(await listeners.recordBatch(ann, good)).toEqual({ recorded: 2, duplicates: 1 });
    await expect(listeners.recordBatch(ann, [play(0), play(1, { trackId: 999_999 })])).rejects.toThrow(
      /input\.1\.trackId/,
    );
    await expect(listeners.recordBatch(ann, [play(0), play(1, { listenedMs: -1 })])).rejects.toMatchObject({
      field: 'input.1.listenedMs',
    });
    await expect(
      listeners.recordBatch(
        ann,
        Array.from({ length: 1_001 }, () => play(0)),
      ),
    ).rejects.toMatchObject({ field: 'input' });
    expect(await listeners.recordBatch(ann, [])).toEqual({ recorded: 0, duplicates: 0 });
    expect(await kept(ann)).toBe(2);
  });

  it.each([
    [{ listenedMs: 86_400_001 }, 'input.listenedMs'],
    [{ at: new Date(Date.now() + 3_600_000) }, 'input.at'],
    [{ at: new Date(-1) }, 'input.at'],
    [{ at: new Date(NaN) }, 'input.at'],
    [{ requestId: 'not-a-uuid' }, 'input.requestId'],
    [{ idempotencyKey: '' }, 'input.idempotencyKey'],
    [{ idempotencyKey: 'x'.repeat(201) }, 'input.idempotencyKey'],
  ])('[ERR2] bad $1 is refused and changes nothing', async (bad, field) => {
    await expect(listeners.record(ann, play(0, bad))).rejects.toMatchObject({ code: 'INVALID_INPUT', field });
    expect(await kept(ann)).toBe(0);
  });

  it("[FB3] recording or removing another listener's feedback needs the SERVICE role", async () => {
    const forBob = play(0, { listenerId: bob.listener.id });
    await expect(listeners.record(ann, forBob)).rejects.toMatchObject({ code: 'FORBIDDEN' });
    const service = await viewer('app', 'SERVICE');
    const made = await listeners.record(service, forBob);
    expect(made.listenerId).toBe(bob.listener.id);
    await expect(listeners.record(service, play(0, { listenerId: 999_999 }))).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
    await expect(listeners.remove(ann, made.id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await listeners.remove(bob, made.id);
    await expect(listeners.remove(bob, made.id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('[PAGE2] pages newest first, neither repeating nor skipping while events arrive', async () => {
    const at = (i: number) => new Date(Date.UTC(2026, 0, 1 + Math.floor(i / 3)));
    await listeners.recordBatch(
      ann,
      Array.from({ length: 20 }, (_, i) => play(i % 8, { at: at(i) })),
    );
    const seen: number[] = [];
    let after: string | null = null;
    for (;;) {
      const page = await listeners.feedback(ann.listener.id, { first: 6, after });
      seen.push(...page.edges.map((edge) => edge.node.id));
      after = page.edges.at(-1)?.cursor ?? null;
      if (!page.hasNextPage) break;
      await listeners.record(ann, play(0));
    }
    expect(seen.length).toBe(20);
    expect(new Set(seen).size).toBe(20);
    const likes = await listeners.feedback(ann.listener.id, { first: 6, kinds: ['LIKE'] });
    expect(likes.edges).toEqual([]);
  });

  it('[PAGE3] pages of several listeners, requested at once, are those of each', async () => {
    await listeners.recordBatch(ann, [play(0), play(1, { kind: 'LIKE' }), play(2)]);
    await listeners.recordBatch(bob, [play(3, { kind: 'LIKE' })]);
    const of = async (who: Viewer, kinds: FeedbackKind[] | null) => {
      const page = await listeners.feedback(who.listener.id, { first: 2, kinds });
      return [page.edges.map(({ node }) => tracks.indexOf(node.trackId)), page.hasNextPage, await page.total()];
    };
    const cem = await viewer('cem');
    const lists = [of(ann, null), of(bob, null), of(cem, null), of(ann, ['LIKE']), of(bob, ['LIKE'])];
    const none = [[], false, 0];
    expect(await Promise.all(lists)).toEqual([
      [[2, 1], true, 3],
      [[3], false, 1],
      none,
      [[1], false, 1],
      [[3], false, 1],
    ]);
  });

  it('wakes the watchers of a listener after the change can be read', async () => {
    const watcher = wakeups.watch(listenerKey(ann.listener.id));
    await watcher.next();
    const woken = watcher.next();
    await listeners.record(ann, play(0));
    await woken;
    expect(await kept(ann)).toBe(1);
    await watcher.return?.();
  });
});

describe('preferences', () => {
  const state = async () => (await listeners.preferences([ann.listener.id])).get(ann.listener.id);

  it('[PREF1] absent fields keep their values, empty lists and texts clear', async () => {
    const { id } = ann.listener;
    const [artist] = await database.sql<{ id: string }[]>`select id from artists limit 1`;
    const artistIds = [Number(artist?.id)];
    await listeners.setPreferences(id, {
      genres: [{ genre: 'jazz', weight: 0.5 }],
      artistIds,
      tags: ['Mellow'],
      text: ' slow ',
    });
    await listeners.setPreferences(id, { allowExplicit: false });
    expect(await state()).toMatchObject({
      genres: [{ slug: 'jazz', name: 'Jazz', weight: 0.5 }],
      artistIds,
      tags: ['mellow'],
      text: 'slow',
      allowExplicit: false,
      updatedAt: expect.any(Date) as Date,
    });
    await listeners.setPreferences(id, { genres: [], artistIds: [], tags: [], text: '' });
    expect(await state()).toMatchObject({ genres: [], artistIds: [], tags: [], text: null, allowExplicit: false });
  });

  it.each([
    [{ genres: [{ genre: 'jazz', weight: 1.01 }] }, 'input.genres.0.weight'],
    [{ genres: [{ genre: 'jazz', weight: NaN }] }, 'input.genres.0.weight'],
    [{ genres: [{ genre: 'polka', weight: 1 }] }, 'input.genres.0.genre'],
    [{ genres: [1, 2].map(() => ({ genre: 'jazz', weight: 1 })) }, 'input.genres.1.genre'],
    [{ tags: [''] }, 'input.tags.0'],
    [{ tags: Array.from({ length: 51 }, (_, i) => `${i}`) }, 'input.tags'],
    [{ text: 'x'.repeat(1_001) }, 'input.text'],
  ])('[ERR2] bad $1 is refused and changes nothing', async (bad, field) => {
    await listeners.setPreferences(ann.listener.id, { tags: ['kept'] });
    await expect(
      listeners.setPreferences(ann.listener.id, { text: 'new', tags: ['new'], ...bad }),
    ).rejects.toMatchObject({ field });
    expect(await state()).toMatchObject({ tags: ['kept'], text: null });
  });

  it('[ERR2] an unknown artist is refused', async () => {
    await expect(listeners.setPreferences(ann.listener.id, { artistIds: [999_999] })).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
  });
});
