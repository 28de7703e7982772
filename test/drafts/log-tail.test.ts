import { expect, it } from 'vitest';
import type { LogEntry } from '../../src/drafts/log/log-events.ts';
import { LogTail } from '../../src/drafts/log/log-tail.ts';

/** The entries from one sequence number to another. */
const entries = (from: number, to: number): LogEntry[] =>
  Array.from({ length: to - from + 1 }, (_, i) => ({
    sequence: from + i,
    event: { type: 'tokens', text: String(from + i), tokens: [] },
  }));
const sequences = (found: LogEntry[] | null) => found?.map(({ sequence }) => sequence);
const cursorAt = String;

it('answers from what it keeps, and says so when it keeps no more what is asked for', () => {
  const tail = new LogTail(4, 4);
  expect(tail.after(4, 10)).toEqual([]);
  tail.add(entries(5, 7));
  expect(sequences(tail.after(4, 10))).toEqual([5, 6, 7]);
  expect(sequences(tail.after(5, 1))).toEqual([6]);
  expect(tail.after(7, 10)).toEqual([]);
  expect(tail.after(3, 10)).toBeNull();
  expect(tail.last).toBe(7);
});

it('keeps at most twice what it is to keep, and the latest', () => {
  const tail = new LogTail(0, 4);
  for (let n = 1; n <= 8; n++) tail.add(entries(n, n));
  expect(sequences(tail.after(0, 10))).toHaveLength(8);
  tail.add(entries(9, 9));
  expect(tail.after(4, 10)).toBeNull();
  expect(sequences(tail.after(5, 10))).toEqual([6, 7, 8, 9]);
});

it('keeps nothing from before a gap', () => {
  const tail = new LogTail(0, 4);
  tail.add(entries(1, 2));
  tail.add(entries(5, 6));
  expect(tail.after(2, 10)).toBeNull();
  expect(sequences(tail.after(4, 10))).toEqual([5, 6]);
});

it('makes the next event of any position that it keeps', () => {
  const tail = new LogTail(0, 4);
  tail.add(entries(1, 3));
  expect(tail.stepAfter(0, cursorAt)).toMatchObject({ sequence: 3, event: { text: '123', cursor: '3' } });
  expect(tail.stepAfter(2, cursorAt)).toMatchObject({ sequence: 3, event: { text: '3' } });
  expect(tail.stepAfter(3, cursorAt)).toBeNull();
  tail.drop(1);
  expect(tail.stepAfter(0, cursorAt)).toBeNull();
  expect(tail.stepAfter(1, cursorAt)).toMatchObject({ sequence: 3, event: { text: '23' } });
});

it('drops what everybody has taken, and what is more than it is to keep', () => {
  const tail = new LogTail(0, 2);
  tail.add(entries(1, 4));
  tail.drop(1);
  expect(tail.after(1, 10)).toBeNull();
  expect(sequences(tail.after(2, 10))).toEqual([3, 4]);
  tail.drop(Infinity);
  expect(tail.isEmpty).toBe(true);
  expect(tail.after(4, 10)).toEqual([]);
});
