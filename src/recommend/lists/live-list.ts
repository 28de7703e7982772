import { abortable } from '../../lib/async/streams.ts';
import { onEach, type Wakeups } from '../../lib/async/wakeups.ts';
import type { Sleep } from '../../lib/clock.ts';
import type { RecommendationPage } from '../contract.ts';
import type { FirstPage } from './opened-list.ts';

/** All changes within this time after a computation cause one more computation. */
const REST_MS = 200;

export interface LiveOptions {
  wakeups: Wakeups;
  sleep: Sleep;
  /** Keys whose wake-ups may change the list. */
  keys: readonly string[];
  /** Computes the list. Calls that find the same state share one list, through the list cache. */
  look: () => Promise<FirstPage>;
}

/**
 * The list now, and again after a wake-up of any of the keys if it differs in tracks, order or scores. The first
 * wake-up causes a computation at once. Those that arrive during it or soon after cause one more, because a mutation
 * may contain dozens of reactions, and a listener may have dozens of live lists. It ends at once on return or abort.
 */
export function live(options: LiveOptions, signal?: AbortSignal): AsyncIterableIterator<RecommendationPage> {
  return abortable(signal, (ended) => follow(options, ended));
}

async function* follow(
  { wakeups, sleep, keys, look }: LiveOptions,
  signal: AbortSignal,
): AsyncGenerator<RecommendationPage, void> {
  const changes = new Changes();
  for (const key of keys) void onEach(wakeups.changes(key, signal), () => changes.add());
  let last = '';
  while (!signal.aborted) {
    changes.seen();
    const { page, sent } = await look();
    // Rejects when the list ends, which ends the loop as well.
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

/** Combines several watchers into one flag. */
class Changes {
  #changed = false;
  #wake: (() => void) | null = null;

  add(): void {
    this.#changed = true;
    this.#wake?.();
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
