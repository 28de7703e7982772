import type { EventLoopDelay } from './graphql-side.ts';
import type { SideName } from './options.ts';
import type { Evenness, Speed } from './work.ts';

/** All that was measured, one entry a round where there is a list. */
export interface Results {
  /** By side, then by how many drafts were written together. */
  speeds: Map<SideName, Map<number, Speed[]>>;
  /** Prompt tokens a second, of eight prompts at once. */
  prefill: Map<SideName, number[]>;
  /** One more token of eight drafts, in milliseconds: the compiled graph alone, a median a round. */
  kernelsMs: number[];
  /** Eight drafts read over the socket: alone, and while long prompts arrive. */
  alone: Evenness[];
  whilePrefilling: Evenness | null;
  /** Of the server while the most drafts are written. */
  delays: EventLoopDelay[];
  serverPeakMb: number[];
  perplexity: { ours: number; llama: number; tokens: number } | null;
  peakRssMb: Map<SideName, number>;
}

export function emptyResults(): Results {
  return {
    speeds: new Map(),
    prefill: new Map(),
    kernelsMs: [],
    alone: [],
    whilePrefilling: null,
    delays: [],
    serverPeakMb: [],
    perplexity: null,
    peakRssMb: new Map(),
  };
}

/** The list under these keys, made when it is not there. */
export function listOf<Key, Value>(lists: Map<Key, Value[]>, key: Key): Value[] {
  const list = lists.get(key) ?? [];
  lists.set(key, list);
  return list;
}
