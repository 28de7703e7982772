import { describe, expect, it } from 'vitest';
import { LocalWakeups } from '../../src/lib/async/wakeups.ts';

describe('wake-ups', () => {
  it('[WAKE1] yields once at the start, then after each wake-up, several counting as one', async () => {
    const wakeups = new LocalWakeups();
    const watcher = wakeups.watch('a');
    expect((await watcher.next()).done).toBe(false);
    wakeups.wake('a');
    wakeups.wake('a');
    wakeups.wake('b');
    expect((await watcher.next()).done).toBe(false);
    const next = watcher.next();
    let settled = false;
    void next.then(() => (settled = true));
    await new Promise(setImmediate);
    expect(settled).toBe(false);
    wakeups.wake('a');
    expect((await next).done).toBe(false);
  });

  it('[WAKE2] ends at once on return and on abort, even while idle, and leaves nothing behind', async () => {
    const wakeups = new LocalWakeups();
    const abort = new AbortController();
    const [returned, aborted] = [wakeups.watch('a'), wakeups.watch('a', abort.signal)];
    await Promise.all([returned.next(), aborted.next()]);
    const idle = [returned.next(), aborted.next()];
    void returned.return?.();
    abort.abort();
    expect((await Promise.all(idle)).map((result) => result.done)).toEqual([true, true]);
    expect(wakeups.size).toBe(0);
  });
});
