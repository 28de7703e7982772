import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { NewDraft } from '../../../src/db/drafts/draft-inserts.ts';
import { type LogEvent, logTokens } from '../../../src/drafts/log/log-events.ts';
import { DivergedError, type Fence, type LogStore } from '../../../src/drafts/log/log-store.ts';
import type { DraftRecord, Turn } from '../../../src/drafts/log/stored.ts';
import type { Ownership } from '../../../src/drafts/nodes/ownership.ts';
import { ended, statusEvent } from '../../../src/drafts/turns/draft-writer.ts';
import { nextTurn, writtenTurns } from '../../../src/drafts/turns/turn-events.ts';
import { firstEvents, newDraft, oneToken, samplingOf, unused } from './new-draft.ts';

export interface LogUnderTest {
  store: LogStore;
  ownership: Ownership;
  listenerId: number;
  rowOf: (draftId: string) => Promise<DraftRecord | undefined>;
}

const at = new Date('2026-01-02T00:00:00Z');
const later = new Date('2026-01-03T00:00:00Z');
const used = { ...unused, completionTokens: 2 };

const anotherTurn = (from: number): Turn => {
  return {
    instruction: 'more',
    sampling: samplingOf(),
    from,
    before: unused,
    model: null,
    asked: null,
    at: null,
    verse: null,
    format: null,
    tune: null,
  };
};

/** What every place for logs must do (SPEC [LOG1], [LOG4], [LOG6], [LOG8]). */
export function itKeepsLogs(name: string, open: () => Promise<LogUnderTest>): void {
  describe(`the log in ${name}`, () => {
    async function begun(changes: Partial<NewDraft> = {}) {
      const log = await open();
      const draft = newDraft({ listenerId: log.listenerId, ...changes });
      expect(await log.store.create([{ draft, events: firstEvents() }])).toBe(true);
      const fence = { draftId: draft.id, epoch: 1, sequence: 1 };
      const append = (from: Fence, events: LogEvent[]) =>
        log.store.append({ type: 'progress', fence: from, events, at });
      const beginTurn = (fence: Fence, events: LogEvent[], before: DraftRecord, turn: Turn) =>
        log.store.append({ type: 'turn', fence, events, ...nextTurn(before, turn), at });
      const now = async () => {
        const row = await log.rowOf(draft.id);
        return row && (await log.store.refresh([row]))[0];
      };
      const all = () => log.store.read(draft.id, 0, 1_000);
      const texts = async () => (await all()).map(({ event }) => (event.type === 'tokens' ? event.text : event.type));
      const finish = async (from: Fence) => {
        expect(await append(from, [oneToken('z'), ended('LENGTH', used)])).toBe(true);
        return from.sequence + 2;
      };
      return { ...log, id: draft.id, fence, append, beginTurn, now, all, texts, finish };
    }

    it('[LOG1] keeps events in order, and the draft always agrees with them', async () => {
      const { fence, append, now, all, texts, store, id } = await begun();
      expect(await now()).toMatchObject({ sequence: 1, text: '', status: 'QUEUED' });
      const generating = statusEvent('GENERATING', null, { ...unused, promptTokens: 5 });
      expect(await append(fence, [generating, oneToken('a')])).toBe(true);
      expect(await now()).toMatchObject({
        sequence: 3,
        text: 'a',
        status: 'GENERATING',
        usage: { promptTokens: 5, completionTokens: 1 },
      });
      expect(await store.summaryOf(id)).toMatchObject({ sequence: 3, status: 'GENERATING', visibility: 'PRIVATE' });
      const failed = ended('ERROR', used, 'it broke');
      expect(await append({ ...fence, sequence: 3 }, [oneToken('b'), oneToken('雪'), failed])).toBe(true);
      const over = { status: 'FAILED', finishReason: 'ERROR', usage: { completionTokens: 2 }, failure: 'it broke' };
      expect(await now()).toMatchObject({ sequence: 6, text: 'ab雪', ...over, updatedAt: at });
      expect(await texts()).toEqual(['status', 'status', 'a', 'b', '雪', 'status']);
      expect((await all()).map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4, 5, 6]);
      expect((await store.read(id, 2, 2)).map(({ sequence }) => sequence)).toEqual([3, 4]);
      expect(await store.read(id, 6, 10)).toEqual([]);
    });

    it('[LOG1] keeps a token that the model held to be impossible', async () => {
      const { fence, append, all } = await begun();
      const alternatives = [{ text: 'rain', logprob: -0.5 }];
      const event = logTokens('snow', [{ id: 7, text: 'snow', logprob: -Infinity, alternatives }]);
      expect(await append(fence, [event])).toBe(true);
      expect((await all())[1]?.event).toEqual(event);
    });

    it('[LOG4] a repeated append is made once', async () => {
      const { fence, append, texts } = await begun();
      for (let i = 0; i < 3; i++) expect(await append(fence, [oneToken('a'), oneToken('b')])).toBe(true);
      const both = await Promise.all([1, 2].map(() => append({ ...fence, sequence: 3 }, [oneToken('c')])));
      expect(both).toEqual([true, true]);
      expect(await texts()).toEqual(['status', 'a', 'b', 'c']);
    });

    it('[LOG6] a gap and a stale epoch are refused', async () => {
      const { id, fence, append, texts, store, ownership } = await begun();
      expect(await append({ ...fence, sequence: 5 }, [oneToken('x')])).toBe(false);
      expect(await append(fence, [oneToken('a')])).toBe(true);
      const row = await ownership.seize(randomUUID(), id);
      const { epoch } = row!;
      expect(epoch).toBeGreaterThan(1);
      const taken = await store.take(id, epoch);
      expect(taken).toEqual({ draftId: id, epoch, sequence: 2 });
      expect(await append({ ...fence, sequence: 2 }, [oneToken('x')])).toBe(false);
      expect(await store.take(id, 1)).toBeNull();
      expect(await append(taken!, [oneToken('b')])).toBe(true);
      expect(await append({ ...fence, sequence: 3 }, [oneToken('x')])).toBe(false);
      expect(await texts()).toEqual(['status', 'a', 'b']);
    });

    it('[LOG13] a reader whose event the log does not have is told so, wherever it is', async () => {
      const { id, fence, append, store, ownership, now, finish } = await begun();
      expect(await append(fence, [oneToken('a'), oneToken('b')])).toBe(true);
      const { epoch } = (await ownership.seize(randomUUID(), id))!;
      const taken = (await store.take(id, epoch))!;
      expect(await append(taken, [oneToken('c')])).toBe(true);
      const diverges = async (after: number, of: number, limit = 10) => {
        const [news] = await store.news([{ draftId: id, after, epoch: of, limit }]);
        await expect(store.read(id, after, limit, of)).rejects.toThrow(DivergedError);
        expect(news).toBeInstanceOf(DivergedError);
      };
      const follows = async (after: number, of: number) => {
        const sequences = (await store.read(id, after, 10, of)).map((entry) => [entry.sequence, entry.epoch]);
        const all = [1, 1, 1, epoch].map((its, i) => [i + 1, its]);
        expect(sequences).toEqual(all.slice(after));
      };
      for (const [after, of] of [
        [0, 0],
        [1, 1],
        [3, 1],
        [4, epoch],
      ] as const)
        await follows(after, of);
      for (const [after, of] of [
        [4, 1],
        [3, epoch],
        [2, epoch],
        [9, epoch],
        [9, 1],
        [1, 7],
      ] as const)
        await diverges(after, of);
      expect(await now()).toMatchObject({ sequence: 4, lastEpoch: epoch });
      expect(await store.summaryOf(id)).toMatchObject({ sequence: 4, lastEpoch: epoch });
      const end = await finish({ ...taken, sequence: 4 });
      expect(await now()).toMatchObject({ sequence: end, lastEpoch: epoch });
      await diverges(end, 1);
      expect(await store.compact(later, 10)).toBe(1);
      expect(await store.summaryOf(id)).toMatchObject({ sequence: end, lastEpoch: epoch });
      // What came after is known by its text alone.
      expect(await store.read(id, 1, 10, 1)).toEqual([]);
      await diverges(end, 1);
    });

    it('[LOG6] taking a draft races with an append of the previous writer, which comes first or not at all', async () => {
      for (let i = 0; i < 10; i++) {
        const { id, fence, append, texts, store, ownership } = await begun();
        const row = await ownership.seize(randomUUID(), id);
        const [made, taken] = await Promise.all([append(fence, [oneToken('a')]), store.take(id, row!.epoch)]);
        expect(taken?.sequence).toBe(made ? 2 : 1);
        expect(await append(taken!, [oneToken('b')])).toBe(true);
        expect(await texts()).toEqual(made ? ['status', 'a', 'b'] : ['status', 'b']);
      }
    });

    it('an ended draft cannot be taken, but can be continued by a later epoch', async () => {
      const { id, fence, append, beginTurn, store, ownership, texts, now } = await begun();
      expect(await append(fence, [oneToken('z'), ended('ERROR', used, 'it broke')])).toBe(true);
      const sequence = fence.sequence + 2;
      const draft = (await ownership.seize(null, id))!;
      expect(await store.take(id, draft.epoch)).toBeNull();
      const begins = [statusEvent('QUEUED', null, unused), oneToken('y')];
      const turn = anotherTurn(sequence);
      expect(await beginTurn({ draftId: id, epoch: draft.epoch, sequence }, begins, draft, turn)).toBe(true);
      const turns = [...draft.turns, turn];
      expect(await now()).toMatchObject({ status: 'QUEUED', finishReason: null, failure: null, text: 'zy', turns });
      expect(await texts()).toEqual(['status', 'z', 'status', 'status', 'y']);
    });

    it('[DRAFT1] the same key of the same listener creates one draft', async () => {
      const { store, listenerId, texts } = await begun({ idempotencyKey: 'k' });
      const again = newDraft({ listenerId, idempotencyKey: 'k' });
      expect(await store.create([{ draft: again, events: firstEvents() }])).toBe(false);
      expect(await store.read(again.id, 0, 10)).toEqual([]);
      expect(await texts()).toEqual(['status']);
    });

    it('a removed draft accepts nothing more', async () => {
      const { id, fence, append, store, rowOf } = await begun();
      await append(fence, [oneToken('a')]);
      await store.remove(id);
      expect(await append({ ...fence, sequence: 2 }, [oneToken('b')])).toBe(false);
      expect(await store.take(id, 1)).toBeNull();
      expect(await store.read(id, 0, 10)).toEqual([]);
      expect(await rowOf(id)).toBeUndefined();
    });

    it('[RETAIN1] a draft is removed for its age only once it has ended, and not if it is continued meanwhile', async () => {
      const { id, fence, beginTurn, finish, store, rowOf, ownership } = await begun();
      expect(await store.remove(id, later)).toBe(false);
      const sequence = await finish(fence);
      expect(await store.remove(id, at)).toBe(false);
      const seized = (await ownership.seize(null, id))!;
      const next = { draftId: id, epoch: seized.epoch, sequence };
      await beginTurn(next, [statusEvent('QUEUED', null, unused)], seized, anotherTurn(sequence));
      expect(await store.remove(id, later)).toBe(false);
      await finish({ ...next, sequence: sequence + 1 });
      expect(await rowOf(id)).toBeDefined();
      expect(await store.remove(id, later)).toBe(true);
      expect(await rowOf(id)).toBeUndefined();
      expect(await store.read(id, 0, 10)).toEqual([]);
    });

    it('[LOG8] an old log is compacted to its text, and can be continued', async () => {
      const { id, fence, beginTurn, finish, store, now, all, ownership } = await begun();
      expect(await store.compact(later, 10)).toBe(0);
      const sequence = await finish(fence);
      expect(await store.compact(at, 10)).toBe(0);
      const before = await now();
      expect(await store.compact(later, 10)).toBe(1);
      expect(await store.compact(later, 10)).toBe(0);
      expect(await now()).toMatchObject({ text: 'z', sequence, status: 'COMPLETED', usage: before?.usage });
      expect(await store.summaryOf(id)).toMatchObject({ sequence, status: 'COMPLETED' });
      for (const after of [0, sequence - 1, sequence]) expect(await store.read(id, after, 10)).toEqual([]);

      const seized = (await ownership.seize(null, id))!;
      const next = { draftId: id, epoch: seized.epoch, sequence };
      const begins = [statusEvent('QUEUED', null, unused), oneToken('\n\n')];
      expect(await beginTurn(next, begins, seized, anotherTurn(sequence))).toBe(true);
      await finish({ ...next, sequence: sequence + 2 });
      expect(await now()).toMatchObject({ text: 'z\n\nz', sequence: sequence + 4 });
      expect((await store.read(id, sequence, 10)).map((entry) => entry.sequence)).toEqual([4, 5, 6, 7]);
      expect((await all())[0]).toMatchObject({ sequence: sequence + 1 });
      expect(await store.compact(later, 10)).toBe(1);
      const whole = await now();
      expect(whole).toMatchObject({ text: 'z\n\nz', sequence: sequence + 4, texts: ['z', '\n\nz'] });
      expect(writtenTurns(whole!).map(({ text }) => text)).toEqual(['z', 'z']);
      expect(await all()).toEqual([]);
    });
  });
}
