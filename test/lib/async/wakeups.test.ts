import { describe, expect, it } from 'vitest';
import { LocalWakeups, onEach } from '../../../src/lib/async/wakeups.ts';

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

  it('[WAKE1] changes are the same without the one at the start: from then on none is missed', async () => {
    const wakeups = new LocalWakeups();
    const changes = wakeups.changes('a');
    wakeups.wake('a');
    expect((await changes.next()).done).toBe(false);
    const next = changes.next();
    let isSettled = false;
    void next.then(() => (isSettled = true));
    await new Promise(setImmediate);
    expect(isSettled).toBe(false);
    void changes.return?.();
    expect((await next).done).toBe(true);
    expect(wakeups.size).toBe(0);
  });

  it('acts after each wake-up, one after another, until the end', async () => {
    const wakeups = new LocalWakeups();
    const ending = new AbortController();
    const acts: string[] = [];
    const acting = onEach(wakeups.changes('a', ending.signal), async () => {
      acts.push('begun');
      // Those that come meanwhile are one.
      if (acts.length === 1) for (let n = 0; n < 2; n++) wakeups.wake('a');
      await new Promise(setImmediate);
      if (acts.push('done') === 4) ending.abort();
    });
    wakeups.wake('a');
    await acting;
    expect(acts).toEqual(['begun', 'done', 'begun', 'done']);
  });
});
