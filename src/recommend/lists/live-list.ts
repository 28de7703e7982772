import { abortable } from '../../lib/async/streams.ts';
import { onEach, type Wakeups } from '../../lib/async/wakeups.ts';
import type { Sleep } from '../../lib/clock.ts';
import type { ListChange, RecommendationPage } from '../contract.ts';
import type { FirstPage } from './opened-list.ts';

/** All changes within this time after a computation cause one more computation. */
const REST_MS = 200;

export interface LiveOptions {
  wakeups: Wakeups;
  sleep: Sleep;
  /** The keys whose wake-ups may change the list: of the listener, and of what is served to all. */
  keys: { listener: string; serving: string };
  /** Computes the list. Calls that find the same state share one list, through the list cache. */
  look: () => Promise<FirstPage>;
}

/**
 * The list now, and again after a wake-up of any of the keys if it differs in tracks, order or scores. The first
 * wake-up causes a computation at once. Those that arrive during it or soon after cause one more, because a mutation
 * may contain dozens of reactions, and a listener may have dozens of live lists. It ends at once on return or abort.
 */
export function live(
  options: LiveOptions,
  isStaff: boolean,
  signal?: AbortSignal,
): AsyncIterableIterator<RecommendationPage> {
  return abortable(signal, async function* (ended) {
    for await (const { first } of lists(options, ended)) {
      first.sent(isStaff);
      yield first.page;
    }
  });
}

/** When the list has become another one and why, without the list: nothing counts as served. */
export function listChanges(options: LiveOptions, signal?: AbortSignal): AsyncIterableIterator<ListChange> {
  return abortable(signal, async function* (ended) {
    let served: string | null = null;
    for await (const { first, isByListener } of lists(options, ended)) {
      const { modelVersion, requestId } = first.page;
      const cause = modelVersion !== served ? 'MODEL' : isByListener ? 'LISTENER' : 'CATALOGUE';
      if (served !== null) yield { cause, requestId };
      served = modelVersion;
    }
  });
}

/** The list now and each time it has become another one, and whether the listener has done anything meanwhile. */
async function* lists(
  { wakeups, sleep, keys, look }: LiveOptions,
  signal: AbortSignal,
): AsyncGenerator<{ first: FirstPage; isByListener: boolean }, void> {
  const changes = new Changes();
  for (const key of Object.values(keys)) void onEach(wakeups.changes(key, signal), () => changes.add(key));
  let [last, isByListener] = ['', false];
  while (!signal.aborted) {
    isByListener ||= changes.seen().has(keys.listener);
    const first = await look();
    // Rejects when the list ends, which ends the loop as well.
    const rested = sleep(REST_MS, signal).catch(() => undefined);
    const content = contentOf(first.page);
    if (content !== last) {
      yield { first, isByListener };
      isByListener = false;
    }
    last = content;
    await changes.next(signal);
    await rested;
  }
}

const contentOf = ({ edges, modelVersion }: RecommendationPage): string =>
  JSON.stringify([modelVersion, edges.map(({ node }) => [node.trackId, node.score])]);

/** Combines several watchers into one. */
class Changes {
  #keys = new Set<string>();
  #wake: (() => void) | null = null;

  add(key: string): void {
    this.#keys.add(key);
    this.#wake?.();
  }

  /** The keys that were woken since the last call. */
  seen(): ReadonlySet<string> {
    const keys = this.#keys;
    this.#keys = new Set();
    return keys;
  }

  next(signal: AbortSignal): Promise<void> {
    if (this.#keys.size > 0 || signal.aborted) return Promise.resolve();
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
