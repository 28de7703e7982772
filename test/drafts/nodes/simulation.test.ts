import { describe, expect, it } from 'vitest';
import type { LogEntry } from '../../../src/drafts/log/log-events.ts';
import type { LogStore } from '../../../src/drafts/log/log-store.ts';
import { type History, problemsOf } from '../../support/drafts/history.ts';
import type { MemoryCluster } from '../../support/drafts/memory-cluster.ts';
import { Simulation } from '../../support/drafts/simulation.ts';

const INTERLEAVINGS = 1_000;

it(
  '[LOG1] [LOG4] [LOG6] [OWN1] [OWN2] [OWN3] [OWN5] whatever is lost, late or doubled and whoever crashes, each draft is written once',
  { timeout: 300_000 },
  async () => {
    let [crashes, faults, takeovers] = [0, 0, 0];
    for (let seed = 1; seed <= INTERLEAVINGS; seed++) {
      const history = await new Simulation(seed).run().catch((error: unknown) => {
        throw new Error(`seed ${seed}`, { cause: error });
      });
      const problems = problemsOf(history);
      if (problems.length > 0) throw new Error(`seed ${seed}: ${problems.join('; ')}`);
      crashes += history.crashes;
      faults += history.faults;
      takeovers += history.made.filter(({ epoch }) => epoch > 1).length;
    }
    // Otherwise nothing was tried.
    expect(Math.min(crashes, faults, takeovers)).toBeGreaterThan(INTERLEAVINGS);
  },
);

it('the same seed is the same run', async () => {
  const [one, two] = [await new Simulation(3).run(), await new Simulation(3).run()];
  expect(two).toEqual(one);
  expect(await new Simulation(4).run()).not.toEqual(one);
});

describe('the checker', () => {
  const whole = () => new Simulation(11).run();
  const spoil = async (change: (entries: LogEntry[]) => LogEntry[]) => {
    const history = await whole();
    const last = history.readings.findLast(({ draftId }) => draftId === 'draft-0');
    const spoilt = { draftId: 'draft-0', entries: change(structuredClone(last?.entries ?? [])) };
    const others = history.readings.filter(({ draftId }) => draftId !== 'draft-0');
    return problemsOf({ ...history, readings: [...others, spoilt] });
  };

  it('finds nothing in a complete history', async () => {
    expect(problemsOf(await whole())).toEqual([]);
  });

  it('detects a planted loss, repetition and swap at every position', async () => {
    const { entries } = (await whole()).readings.findLast(({ draftId }) => draftId === 'draft-0') ?? { entries: [] };
    expect(entries.length).toBeGreaterThan(5);
    for (let at = 2; at < entries.length - 1; at++) {
      const renumbered = (list: LogEntry[]) => list.map((entry, i) => ({ ...entry, sequence: i + 1 }));
      expect(await spoil((list) => list.toSpliced(at, 1))).not.toEqual([]);
      expect(await spoil((list) => renumbered(list.toSpliced(at, 1)))).not.toEqual([]);
      expect(await spoil((list) => list.toSpliced(at, 0, list[at] as LogEntry))).not.toEqual([]);
      expect(await spoil((list) => renumbered(list.toSpliced(at, 0, list[at] as LogEntry)))).not.toEqual([]);
      expect(
        await spoil((list) => renumbered(list.toSpliced(at, 2, list[at + 1] as LogEntry, list[at] as LogEntry))),
      ).not.toEqual([]);
    }
  });

  it('detects a reader that saw what is not there, and an append of an earlier epoch', async () => {
    const history = await whole();
    const stray = {
      draftId: 'draft-0',
      entries: [{ sequence: 2, epoch: 1, event: { type: 'tokens', text: 'x', tokens: [] } }],
    };
    expect(problemsOf({ ...history, readings: [...history.readings, stray] as History['readings'] })).not.toEqual([]);
    const made = history.made.map((append, i) => (i === 0 ? { ...append, epoch: 99 } : append));
    expect(problemsOf({ ...history, made })).not.toEqual([]);
  });

  /** A store that takes appends although somebody else has the draft, or although they are there already. */
  const sabotages: Record<string, (store: LogStore, cluster: MemoryCluster) => LogStore> = {
    'knows no fence at all': (store, cluster) =>
      tampered(store, (append) => {
        const row = cluster.drafts.get(append.fence.draftId)?.row;
        const { epoch, sequence } = row ?? append.fence;
        return { ...append, fence: { ...append.fence, epoch, sequence } };
      }),
    'takes appends wherever they belong': (store, cluster) =>
      tampered(store, (append) => {
        const row = cluster.drafts.get(append.fence.draftId)?.row;
        return { ...append, fence: { ...append.fence, sequence: row?.sequence ?? append.fence.sequence } };
      }),
  };

  it.each(Object.entries(sabotages))('detects a store that %s', async (_, sabotage) => {
    let caught = 0;
    for (let seed = 1; seed <= 40; seed++) {
      const run = new Simulation(seed, { sabotage }).run();
      caught += await run.then((history) => Number(problemsOf(history).length > 0)).catch(() => 1);
    }
    expect(caught).toBeGreaterThan(0);
  });
});

function tampered(
  store: LogStore,
  change: (append: Parameters<LogStore['append']>[0]) => Parameters<LogStore['append']>[0],
): LogStore {
  return new Proxy(store, {
    get: (target, key) => {
      const method = (Reflect.get(target, key) as (...args: unknown[]) => unknown).bind(target);
      return key === 'append' ? (append: Parameters<LogStore['append']>[0]) => method(change(append)) : method;
    },
  });
}
