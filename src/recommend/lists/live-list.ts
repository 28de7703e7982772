import { abortable } from '../../lib/async/streams.ts';
import type { Wakeups } from '../../lib/async/wakeups.ts';
import type { RecommendationPage } from '../contract.ts';

/**
 * The list now, and again after each wake-up of any of the keys, when it differs: other tracks, another order or another
 * score. Wake-ups that come while a list is being made lead to one more look. Ends at once on return or abort.
 */
export function live(
  wakeups: Wakeups,
  keys: readonly string[],
  look: () => Promise<RecommendationPage>,
  signal: AbortSignal,
): AsyncIterableIterator<RecommendationPage> {
  return abortable(signal, (ended) => follow(wakeups, keys, look, ended));
}

async function* follow(
  wakeups: Wakeups,
  keys: readonly string[],
  look: () => Promise<RecommendationPage>,
  signal: AbortSignal,
): AsyncGenerator<RecommendationPage, void> {
  const watchers = keys.map((key) => wakeups.watch(key, signal));
  const changes = new Changes();
  for (const watcher of watchers) void changes.follow(watcher);
  let last = '';
  while (!signal.aborted) {
    changes.seen();
    const list = await look();
    const content = contentOf(list);
    if (content !== last) yield list;
    last = content;
    await changes.next(signal);
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
