import type { Prefix } from '../../decoder/kv-cache.ts';

/** For fewer tokens, computing them again is as fast as a lookup. */
const SHORTEST = 16;

interface Entry {
  tokens: readonly number[];
  prefix: Prefix;
}

/**
 * Keys and values of processed prompts, for prompts with the same beginning: a common system prompt, or a draft that is
 * continued. Only what the prefill computed is kept, because decoded values differ in the last bits, and a text must
 * not depend on earlier requests ([GEN14]). Beyond its budget the least recently used entry is evicted.
 */
export class PrefixCache {
  readonly #budget: number;
  /** Least recently used first. */
  #entries: Entry[] = [];
  bytes = 0;
  lookups = 0;
  hits = 0;
  tokensSaved = 0;

  /** @param budget in bytes; 0 disables the cache */
  constructor(budget: number) {
    this.#budget = budget;
  }

  /**
   * The longest cached beginning of a prompt. At least two tokens are left over: the last one's logits are needed, and
   * a single token would be decoded instead of prefilled.
   */
  find(prompt: readonly number[]): { prefix: Prefix; length: number } | null {
    this.lookups++;
    const shared = (entry: Entry) => Math.min(commonLength(entry.tokens, prompt), prompt.length - 2);
    const best = this.#entries.reduce<Entry | null>(
      (found, entry) => (shared(entry) > (found ? shared(found) : SHORTEST - 1) ? entry : found),
      null,
    );
    if (!best) return null;
    this.#touch(best);
    const length = shared(best);
    this.#save(length);
    return { prefix: best.prefix, length };
  }

  /** A prompt of this length was taken from a draft that is being written, without a lookup among the kept ones. */
  countReuse(length: number): void {
    this.lookups++;
    this.#save(length);
  }

  #save(length: number): void {
    this.hits++;
    this.tokensSaved += length;
  }

  /** Keeps a prompt unless an entry covers it. `save` is called only if it is kept. */
  add(prompt: readonly number[], bytesPerToken: number, save: () => Prefix): void {
    const bytes = prompt.length * bytesPerToken;
    if (prompt.length < SHORTEST || bytes > this.#budget) return;
    const covering = this.#entries.find(({ tokens }) => commonLength(tokens, prompt) === prompt.length);
    if (covering) {
      this.#touch(covering);
      return;
    }
    for (const entry of this.#entries)
      if (commonLength(entry.tokens, prompt) === entry.tokens.length) this.#drop(entry);
    while (this.#entries[0] && this.bytes + bytes > this.#budget) this.#drop(this.#entries[0]);
    this.#entries.push({ tokens: prompt, prefix: save() });
    this.bytes += bytes;
  }

  #touch(entry: Entry): void {
    this.#entries = [...this.#entries.filter((other) => other !== entry), entry];
  }

  #drop(entry: Entry): void {
    this.#entries = this.#entries.filter((other) => other !== entry);
    this.bytes -= entry.prefix.bytes;
  }
}

/** Number of tokens at the beginning that are the same. */
export function commonLength(a: readonly number[], b: readonly number[]): number {
  const most = Math.min(a.length, b.length);
  let length = 0;
  while (length < most && a[length] === b[length]) length++;
  return length;
}
