import { expect, it } from 'vitest';
import type { LogEntry } from '../../src/drafts/log/log-events.ts';
import { DivergedError } from '../../src/drafts/log/log-store.ts';
import { type PolledTail, type ReadNewEntries, TailPoller } from '../../src/drafts/readers/tail-poller.ts';
import { silentLogger } from '../../src/lib/log.ts';
import { StoredDataError } from '../../src/lib/stored-data.ts';

const entry = (sequence: number): LogEntry => ({
  sequence,
  epoch: 1,
  event: { type: 'tokens', text: 'a', tokens: [] },
});

/** A reader that counts what it is handed. */
class CountingReader implements PolledTail {
  readonly #draftId: string;
  taken = 0;
  answers = 0;
  divergences = 0;
  isClosed = false;
  failure: Error | null = null;

  constructor(draftId: string) {
    this.#draftId = draftId;
  }

  get wanted() {
    return { draftId: this.#draftId, after: this.taken, epoch: 1, limit: 10 };
  }

  take(entries: readonly LogEntry[]): void {
    this.taken += entries.length;
    this.answers++;
  }

  diverge(): void {
    this.divergences++;
  }

  fail(error: Error): void {
    this.failure = error;
  }
}

const readerOf = (draftId: string): CountingReader => new CountingReader(draftId);

/** News over a log in which each draft has what is here said of it. */
function newsOf(read: ReadNewEntries) {
  const asked: string[][] = [];
  const news = new TailPoller((wanted) => {
    asked.push(wanted.map(({ draftId }) => draftId));
    return read(wanted);
  }, silentLogger);
  return { news, asked };
}

it('[SERVE8] tails that are woken together or during a read are read together, each once', async () => {
  let release = (): void => undefined;
  const held = new Promise<void>((resolve) => (release = resolve));
  const { news, asked } = newsOf(async (wanted) => {
    await held;
    return wanted.map(({ after }) => [entry(after + 1)]);
  });
  const readers = Array.from({ length: 600 }, (_, n) => readerOf(String(n)));
  for (const reader of [...readers, ...readers]) news.want(reader);
  await expect.poll(() => asked.length).toBe(1);
  // Woken again after the read that it is in began: what that brings may be too old for it.
  news.want(readers[0]!);
  release();
  await expect.poll(() => readers[0]!.answers).toBe(2);
  expect(asked.map((drafts) => drafts.length)).toEqual([256, 256, 89]);
  expect(readers.map(({ answers }) => answers)).toEqual([2, ...Array<number>(599).fill(1)]);
});

it('[LOG4] a tail that cannot be read waits and is retried, and no other waits with it', async () => {
  let broken = true;
  const [a, b, left] = [readerOf('a'), readerOf('b'), readerOf('b')];
  const { news, asked } = newsOf((wanted) => {
    // It goes while it is read for.
    left.isClosed = true;
    return Promise.resolve(
      wanted.map(({ draftId, after }) => (broken && draftId === 'b' ? new Error('away') : [entry(after + 1)])),
    );
  });
  for (const reader of [a, b, left]) news.want(reader);
  await expect.poll(() => a.taken).toBe(1);
  expect(b.answers).toBe(0);
  news.want(a);
  await expect.poll(() => a.taken).toBe(2);
  broken = false;
  await expect.poll(() => b.taken).toBe(1);
  expect(left.answers).toBe(0);
  expect(asked[0]).toEqual(['a', 'b', 'b']);
});

it('[LOG4] an unavailable database is retried for all', async () => {
  let tries = 0;
  const { news } = newsOf((wanted) =>
    ++tries < 3 ? Promise.reject(new Error('away')) : Promise.resolve(wanted.map(({ after }) => [entry(after + 1)])),
  );
  const readers = [readerOf('a'), readerOf('b')];
  for (const reader of readers) news.want(reader);
  await expect.poll(() => readers.map(({ taken }) => taken)).toEqual([1, 1]);
  expect(tries).toBe(3);
});

it('[LOG11] whose log cannot be read is told so, once, and is not asked for again', async () => {
  const damage = new StoredDataError('damaged');
  const { news, asked } = newsOf((wanted) =>
    Promise.resolve(wanted.map(({ draftId, after }) => (draftId === 'b' ? damage : [entry(after + 1)]))),
  );
  const [a, b] = [readerOf('a'), readerOf('b')];
  for (const reader of [a, b]) news.want(reader);
  await expect.poll(() => b.failure).toBe(damage);
  news.want(a);
  await expect.poll(() => a.taken).toBe(2);
  expect(asked).toEqual([['a', 'b'], ['a']]);
});

it('[LOG13] whose log has lost what was read is told so, and others are served', async () => {
  const { news } = newsOf((wanted) =>
    Promise.resolve(wanted.map(({ draftId, after }) => (draftId === 'b' ? new DivergedError() : [entry(after + 1)]))),
  );
  const [a, b] = [readerOf('a'), readerOf('b')];
  for (const reader of [a, b]) news.want(reader);
  await expect.poll(() => [a.taken, b.divergences, b.failure]).toEqual([1, 1, null]);
});
