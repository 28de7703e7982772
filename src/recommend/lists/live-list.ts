import { abortable } from '../../lib/async/streams.ts';
import type { Wakeups } from '../../lib/async/wakeups.ts';
import type { Sleep } from '../../lib/clock.ts';
import type { RecommendationPage } from '../contract.ts';
import type { FirstPage } from './opened-list.ts';

/** What changes within this time of a look leads to one more look, however much it is. */
const REST_MS = 200;

export interface LiveOptions {
  wakeups: Wakeups;
  sleep: Sleep;
  /** Wake-ups of any of these may change the list. */
  keys: readonly string[];
  /** Looks that find the same state share one list: the list cache sees to that. */
  look: () => Promise<FirstPage>;
}

/**
 * The list now, and again after each wake-up of any of the keys, when it differs: other tracks, another order or another
 * score. The first wake-up leads to a look at once. Those that come while a list is being made, or soon after, lead to one
 * more: a mutation may have dozens of reactions, and a listener dozens of live lists. Ends at once on return or abort.
 */
export function live(options: LiveOptions, signal?: AbortSignal): AsyncIterableIterator<RecommendationPage> {
  return abortable(signal, (ended) => follow(options, ended));
}

async function* follow(
  { wakeups, sleep, keys, look }: LiveOptions,
  signal: AbortSignal,
): AsyncGenerator<RecommendationPage, void> {
  const watchers = keys.map((key) => wakeups.watch(key, signal));
  const changes = new Changes();
  for (const watcher of watchers) void changes.follow(watcher);
  let last = '';
  while (!signal.aborted) {
    changes.seen();
    const { page, sent } = await look();
    // It rejects when the list ends, and so does the loop.
    const rested = sleep(REST_MS, signal).catch(() => undefined);
    const content = contentOf(page);
    if (content !== last) {
      sent();
      yield page;
    }
    last = content;
    await changes.next(signal);
    await rested;
  }
}

const contentOf = ({ edges, modelVersion }: RecommendationPage): string =>
  JSON.stringify([modelVersion, edges.map(({ node }) => [node.trackId, node.score])]);

/** Several watchers as one flag. */
class Changes {
  #changed = false;
  #wake: (() => void) | null = null;

  async follow(watcher: AsyncIterableIterator<void>): Promise<void> {
    // The wake-up that every watcher begins with is the look that we take anyway.
    await watcher.next();
    for await (const _ of watcher) {
      this.#changed = true;
      this.#wake?.();
    }
  }

  seen(): void {
    this.#changed = false;
  }

  next(signal: AbortSignal): Promise<void> {
    if (this.#changed || signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const settle = (): void => {
        signal.removeEventListener('abort', settle);
        this.#wake = null;
        resolve();
      };
      this.#wake = settle;
      signal.addEventListener('abort', settle, { once: true });
    });
  }
}
