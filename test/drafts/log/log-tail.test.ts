import { expect, it } from 'vitest';
import type { LogEntry, LogPosition } from '../../../src/drafts/log/log-events.ts';
import { LogTail } from '../../../src/drafts/log/log-tail.ts';

/** The entries from one sequence number to another. */
const entries = (from: number, to: number): LogEntry[] =>
  Array.from({ length: to - from + 1 }, (_, i) => ({
    sequence: from + i,
    epoch: 1,
    event: { type: 'tokens', text: String(from + i), tokens: [] },
  }));
const sequences = (found: LogEntry[] | null) => found?.map(({ sequence }) => sequence);
const cursorAt = ({ sequence }: LogPosition): string => String(sequence);

it('answers from what it keeps, and says so when it keeps no more what is asked for', () => {
  const tail = new LogTail({ sequence: 4, epoch: 1 }, 4);
  expect(tail.after(4, null, 10)).toEqual([]);
  tail.add(entries(5, 7));
  expect(sequences(tail.after(4, null, 10))).toEqual([5, 6, 7]);
  expect(sequences(tail.after(5, null, 1))).toEqual([6]);
  expect(tail.after(7, null, 10)).toEqual([]);
  expect(tail.after(3, null, 10)).toBeNull();
  expect(tail.last).toBe(7);
});

it('keeps at most twice what it is to keep, and the latest', () => {
  const tail = new LogTail({ sequence: 0, epoch: 1 }, 4);
  for (let n = 1; n <= 8; n++) tail.add(entries(n, n));
  expect(sequences(tail.after(0, null, 10))).toHaveLength(8);
  tail.add(entries(9, 9));
  expect(tail.after(4, null, 10)).toBeNull();
  expect(sequences(tail.after(5, null, 10))).toEqual([6, 7, 8, 9]);
});

it('keeps nothing from before a gap', () => {
  const tail = new LogTail({ sequence: 0, epoch: 1 }, 4);
  tail.add(entries(1, 2));
  tail.add(entries(5, 6));
  expect(tail.after(2, null, 10)).toBeNull();
  expect(sequences(tail.after(4, null, 10))).toEqual([5, 6]);
});

it('makes the next event of any position that it keeps', () => {
  const tail = new LogTail({ sequence: 0, epoch: 1 }, 4);
  tail.add(entries(1, 3));
  expect(tail.stepAfter({ sequence: 0, epoch: 1 }, cursorAt)).toMatchObject({
    sequence: 3,
    event: { text: '123', cursor: '3' },
  });
  expect(tail.stepAfter({ sequence: 2, epoch: 1 }, cursorAt)).toMatchObject({ sequence: 3, event: { text: '3' } });
  expect(tail.stepAfter({ sequence: 3, epoch: 1 }, cursorAt)).toBeNull();
  tail.drop(1);
  expect(tail.stepAfter({ sequence: 0, epoch: 1 }, cursorAt)).toBeNull();
  expect(tail.stepAfter({ sequence: 1, epoch: 1 }, cursorAt)).toMatchObject({ sequence: 3, event: { text: '23' } });
});

it('drops what everybody has taken, and what is more than it is to keep', () => {
  const tail = new LogTail({ sequence: 0, epoch: 1 }, 2);
  tail.add(entries(1, 4));
  tail.drop(1);
  expect(tail.after(1, null, 10)).toBeNull();
  expect(sequences(tail.after(2, null, 10))).toEqual([3, 4]);
  tail.drop(Infinity);
  expect(tail.isEmpty).toBe(true);
  expect(tail.after(4, null, 10)).toEqual([]);
});

it('[LOG13] follows only entries of the epochs that it knows', () => {
  const tail = new LogTail({ sequence: 2, epoch: 5 }, 4);
  tail.add([...entries(3, 4), ...entries(5, 6).map((entry) => ({ ...entry, epoch: 9 }))]);
  expect(sequences(tail.after(2, 5, 1))).toEqual([3]);
  expect(tail.after(2, 1, 1)).toBeNull();
  expect(sequences(tail.after(4, 1, 1))).toEqual([5]);
  expect(tail.after(4, 9, 1)).toBeNull();
  expect(tail.stepAfter({ sequence: 6, epoch: 1 }, cursorAt)).toBeNull();
  tail.drop(5);
  expect(tail.after(5, 1, 1)).toBeNull();
  expect(sequences(tail.after(5, 9, 1))).toEqual([6]);
  expect(tail.lastEpoch).toBe(9);
  // Behind a gap it is unknown what the entries follow.
  tail.add(entries(20, 20));
  expect(tail.after(19, 9, 1)).toBeNull();
  expect(sequences(tail.after(20, 1, 1))).toEqual([]);
});
