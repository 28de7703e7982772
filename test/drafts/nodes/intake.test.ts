import { randomUUID } from 'node:crypto';
import { expect, it, onTestFinished, vi } from 'vitest';
import type { DraftRecord } from '../../../src/drafts/log/stored.ts';
import { Intake } from '../../../src/drafts/nodes/intake.ts';
import type { UnreadableDraft } from '../../../src/drafts/nodes/ownership.ts';
import { noUsage, statusEvent } from '../../../src/drafts/turns/draft-writer.ts';
import { LocalWakeups } from '../../../src/lib/async/wakeups.ts';
import { systemSleep } from '../../../src/lib/clock.ts';
import { silentLogger } from '../../../src/lib/log.ts';
import { MemoryCluster } from '../../support/drafts/memory-cluster.ts';
import { firstEvents, newDraft } from '../../support/drafts/new-draft.ts';
import { ScriptedEngine } from '../../support/models/scripted-engine.ts';
import { eventually } from '../../support/time/eventually.ts';
import { ManualSleep } from '../../support/time/manual-sleep.ts';

it('[OWN3][GEN19] [GEN25] checking the queue reserves no place and opens no model except one that a draft waits for', async () => {
  const { ownership, store } = new MemoryCluster();
  const engine = new ScriptedEngine();
  const [scripted] = engine.models();
  const asleep = { ...scripted!, id: 'asleep' };
  vi.spyOn(engine, 'models').mockReturnValue([asleep, scripted!]);
  const admit = vi.spyOn(engine, 'admit');
  const looks = vi.spyOn(ownership, 'awaited');
  const node = { id: randomUUID() };
  await ownership.join(node.id, []);
  const ending = new AbortController();
  onTestFinished(() => ending.abort());
  const taken: (DraftRecord | UnreadableDraft)[] = [];
  const intake = new Intake({
    ...{ ownership, engine, node, logger: silentLogger, sleep: systemSleep, signal: ending.signal },
    wakeups: new LocalWakeups(),
    busy: () => taken.map(({ id }) => id),
    isFull: () => false,
    takeUp: (row) => void taken.push(row),
  });
  intake.start();
  await eventually(() => expect(looks).toHaveBeenCalled());
  const draft = newDraft({ modelId: scripted!.id });
  await store.create([{ draft, events: firstEvents() }]);
  expect(admit).not.toHaveBeenCalled();
  intake.kick();
  await eventually(() => expect(taken).toMatchObject([{ id: draft.id }]));
  expect(admit.mock.calls).toEqual([[scripted!.id]]);
});

it('[OWN8] a draft that nodes which compute alike leave alone from one check to the next is taken by any', async () => {
  const { ownership, store } = new MemoryCluster();
  const engine = new ScriptedEngine({ fingerprint: 'other' });
  const node = { id: randomUUID() };
  await ownership.join(node.id, engine.models());
  await ownership.join(randomUUID(), new ScriptedEngine({ fingerprint: 'one' }).models());
  const draft = newDraft({ modelId: 'scripted' });
  await store.create([{ draft, events: firstEvents() }]);
  const events = [statusEvent('GENERATING', null, { ...noUsage, computedBy: 'one' })];
  await store.append({ type: 'progress', fence: { draftId: draft.id, epoch: 1, sequence: 1 }, events, at: new Date() });
  const looks = vi.spyOn(ownership, 'awaited');
  const [ending, time] = [new AbortController(), new ManualSleep()];
  onTestFinished(() => ending.abort());
  const taken: string[] = [];
  const intake = new Intake({
    ...{ ownership, engine, node, logger: silentLogger, sleep: time.sleep, signal: ending.signal },
    wakeups: new LocalWakeups(),
    busy: () => taken,
    isFull: () => false,
    takeUp: ({ id }) => void taken.push(id),
  });
  intake.start();
  const check = async (): Promise<void> => {
    const before = looks.mock.calls.length;
    time.pass();
    await eventually(() => expect(looks.mock.calls.length).toBeGreaterThan(before));
    await eventually(() => expect(time.sleepers).toBe(1));
  };
  await eventually(() => expect(looks).toHaveBeenCalled());
  await check();
  expect(taken).toEqual([]);
  await check();
  await eventually(() => expect(taken).toEqual([draft.id]));
});
