import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type NewDraft } from '../../../src/db/drafts/draft-inserts.ts';
import { selectDrafts } from '../../../src/db/drafts/draft-queries.ts';
import type { LogStore } from '../../../src/drafts/log/log-store.ts';
import { PostgresLog } from '../../../src/drafts/log/postgres/postgres-log.ts';
import { readableModels } from '../../../src/drafts/nodes/node-models.ts';
import { type ClaimSearch, type Ownership, PostgresOwnership } from '../../../src/drafts/nodes/ownership.ts';
import { noUsage, statusEvent } from '../../../src/drafts/turns/draft-writer.ts';
import { LocalWakeups } from '../../../src/lib/async/wakeups.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { createListeners } from '../../../src/listeners/listeners.ts';
import { MODEL_TASKS } from '../../../src/ml/contract.ts';
import { MemoryCluster } from '../../support/drafts/memory-cluster.ts';
import { firstEvents, newDraft, oneToken } from '../../support/drafts/new-draft.ts';
import { ScriptedEngine } from '../../support/models/scripted-engine.ts';
import { testDatabase } from '../../support/postgres/database.ts';

interface UnderTest {
  ownership: Ownership;
  store: LogStore;
  listenerId: number;
  ownerOf: (id: string) => Promise<string | null | undefined>;
}

async function postgres(): Promise<UnderTest> {
  const database = await testDatabase();
  const listeners = createListeners({ database, wakeups: new LocalWakeups(), clock: systemClock });
  return {
    ownership: new PostgresOwnership(database),
    store: new PostgresLog(database),
    listenerId: (await listeners.ensure('ann')).id,
    ownerOf: async (id) => (await selectDrafts(database, [id]))[0]?.owner,
  };
}

function memory(): Promise<UnderTest> {
  const { ownership, store, drafts } = new MemoryCluster();
  return Promise.resolve({
    ownership,
    store,
    listenerId: 1,
    ownerOf: (id) => Promise.resolve(drafts.get(id)?.row.owner),
  });
}

const [a, b] = [randomUUID(), randomUUID()];
const later = (than: number): number => expect.toSatisfy((epoch: number) => epoch > than) as number;
const scripted = ['scripted'];
const searchOf = (
  node: string,
  models: readonly string[],
  busy: readonly string[],
  more: Partial<ClaimSearch> = {},
): ClaimSearch => ({
  node,
  models: models.map((id) => ({ id, fingerprint: 'own' })),
  busy,
  overdue: [],
  ...more,
});

describe.each([
  ['PostgreSQL', postgres],
  ['memory', memory],
])('ownership in %s', (_, open) => {
  async function opened() {
    const under = await open();
    const add = async (changes: Partial<NewDraft> = {}) => {
      const draft = newDraft({ listenerId: under.listenerId, ...changes });
      await under.store.create([{ draft, events: firstEvents() }]);
      return draft.id;
    };
    await under.ownership.join(a, []);
    await under.ownership.join(b, []);
    return { ...under, add };
  }

  it('[OWN3] an unowned draft is taken by one node, the oldest first', async () => {
    const { ownership, add } = await opened();
    const late = await add({ at: new Date('2026-01-02') });
    const early = await add();
    await add({ modelId: 'other', at: new Date('2025-12-31') });
    await add({ owner: b });
    expect(await ownership.awaited(searchOf(a, [], []))).toEqual([]);
    expect(await ownership.awaited(searchOf(a, [...scripted, 'other', 'third'], []))).toEqual(['other', 'scripted']);
    expect(await ownership.claim(searchOf(a, [], []))).toBeNull();
    expect(await ownership.claim(searchOf(a, scripted, []))).toMatchObject({ id: early, epoch: later(1), owner: a });
    expect(await ownership.claim(searchOf(b, scripted, [early, late]))).toMatchObject({ epoch: later(1), owner: b });
    expect(await ownership.claim(searchOf(a, scripted, [early]))).toMatchObject({ id: late });
    expect(await ownership.claim(searchOf(a, scripted, [early, late]))).toBeNull();
    expect(await ownership.awaited(searchOf(a, [...scripted, 'other'], [early, late]))).toEqual(['other']);
  });

  it('[OWN3] concurrent nodes take different drafts', async () => {
    const { ownership, add } = await opened();
    const ids = await Promise.all(Array.from({ length: 12 }, () => add()));
    const nodes = Array.from({ length: 12 }, () => randomUUID());
    await Promise.all(nodes.map((node) => ownership.join(node, [])));
    const taken = new Set<string>();
    while (taken.size < ids.length) {
      const claimed = await Promise.all(nodes.map((node) => ownership.claim(searchOf(node, scripted, [...taken]))));
      const fresh = claimed.flatMap((row) => (row ? [row.id] : []));
      for (const id of fresh) {
        expect(taken.has(id)).toBe(false);
        taken.add(id);
      }
      if (fresh.length === 0) break;
    }
    expect([...taken].sort()).toEqual([...ids].sort());
  });

  it('[OWN2] a removed node can append nothing more, and its drafts are free', async () => {
    const { ownership, store, add, ownerOf } = await opened();
    const id = await add({ owner: a });
    const fence = { draftId: id, epoch: 1, sequence: 1 };
    const append = (sequence: number) =>
      store.append({ type: 'progress', fence: { ...fence, sequence }, events: [oneToken('x')], at: new Date() });
    expect(await append(1)).toBe(true);
    const seen = await ownership.beat(b, []);
    const beatOf = (nodes: typeof seen) => nodes.find((node) => node.id === a)?.beat ?? -1;
    await ownership.beat(a, []);
    expect(await ownership.bury(a, beatOf(seen))).toBe(false);
    expect(await ownership.claim(searchOf(b, scripted, []))).toBeNull();
    expect(await append(2)).toBe(true);
    expect(await ownership.bury(a, beatOf(await ownership.beat(b, [])))).toBe(true);
    expect(await append(3)).toBe(false);
    expect(await ownerOf(id)).toBeNull();
    expect((await ownership.beat(a, [])).map((node) => node.id)).toEqual([b]);
    expect(await ownership.claim(searchOf(b, scripted, []))).toMatchObject({ id, epoch: later(2), sequence: 3 });
  });

  it('[OWN3] a draft that a node owns without knowing it, because the claim’s answer was lost, is claimed again', async () => {
    const { ownership, add } = await opened();
    const id = await add();
    await ownership.claim(searchOf(a, scripted, []));
    expect(await ownership.claim(searchOf(b, scripted, []))).toBeNull();
    expect(await ownership.claim(searchOf(a, scripted, [id]))).toBeNull();
    expect(await ownership.claim(searchOf(a, scripted, []))).toMatchObject({ id, epoch: later(2) });
  });

  it('[OWN8] a draft that was being written is left to a living node that computes as what wrote it, unless it is overdue', async () => {
    const { ownership, store, add } = await opened();
    const [model] = new ScriptedEngine({ fingerprint: 'theirs' }).models();
    const begun = async (computedBy?: string) => {
      const id = await add();
      const events = [
        statusEvent('GENERATING', null, { ...noUsage, ...(computedBy && { computedBy }) }),
        oneToken('x'),
      ];
      const fence = { draftId: id, epoch: 1, sequence: 1 };
      expect(await store.append({ type: 'progress', fence, events, at: new Date() })).toBe(true);
      return id;
    };
    const theirs = await begun('theirs');
    const search = searchOf(a, scripted, []);
    const claimed = async (changes: Partial<ClaimSearch> = {}) =>
      (await ownership.claim({ ...search, ...changes }))?.id;
    await ownership.beat(b, [{ ...model!, status: 'FETCHING' }]);
    expect(await ownership.leftToOthers(search)).toEqual([]);
    expect(await ownership.awaited(search)).toEqual(scripted);
    await ownership.beat(b, [model!]);
    expect(await ownership.leftToOthers(search)).toEqual([theirs]);
    expect(await ownership.awaited(search)).toEqual([]);
    expect(await claimed()).toBeUndefined();
    // What was begun alike or by what is unknown, or not at all, is anybody's.
    const anybodys = [await begun('own'), await begun(), await add()];
    const taken: string[] = [];
    for (const _ of anybodys) taken.push((await claimed({ busy: taken })) ?? 'none');
    expect(taken.sort()).toEqual(anybodys.sort());
    expect(await ownership.leftToOthers(search)).toEqual([theirs]);
    expect(await claimed({ busy: anybodys, overdue: [theirs] })).toBe(theirs);
    await ownership.seize(null, theirs);
    expect(await claimed({ busy: anybodys, models: [{ id: 'scripted', fingerprint: 'theirs' }] })).toBe(theirs);
    await ownership.seize(null, theirs);
    expect(await ownership.bury(b, null)).toBe(true);
    expect(await claimed({ busy: anybodys })).toBe(theirs);
  });

  it('seizing raises the epoch, whoever owns the draft', async () => {
    const { ownership, add } = await opened();
    const id = await add({ owner: a });
    const seized = await ownership.seize(null, id);
    expect(seized).toMatchObject({ id, epoch: later(1), owner: null });
    expect(await ownership.seize(b, randomUUID())).toBeNull();
    const none = randomUUID();
    expect(await ownership.epochsOf([id, none])).toEqual(new Map([[id, seized?.epoch]]));
  });
});

it('[OWN2] a node counts whatever it says of its models: those that cannot be read, as of another version, are left out', () => {
  const [model] = new ScriptedEngine().models();
  const models = MODEL_TASKS.map((task) => ({ ...model, task }));
  expect(readableModels([...models, { ...models[0], status: 'DREAMING' }, 7])).toEqual(models);
  expect(readableModels('none')).toEqual([]);
});
