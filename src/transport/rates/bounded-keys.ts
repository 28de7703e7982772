import { createHash, randomBytes } from 'node:crypto';

/** Number of keys with a count of their own, and number of counts that all other keys share. */
const MOST = { alone: 20_000, shared: 1_024 };

/**
 * Limits the memory for counting: however many addresses there are, the number of counts is fixed. Addresses that were
 * seen before a flood keep their own counts. The shared count of a new address is unpredictable, so that a stranger
 * cannot choose to use up another's.
 */
export class BoundedKeys {
  readonly #salt = randomBytes(16);
  readonly #durationMs: number;
  /** When each key's count ends, earliest first. */
  readonly #until = new Map<string, number>();

  constructor(durationMs: number) {
    this.#durationMs = durationMs;
  }

  /** The key to count under. @param now monotonic milliseconds */
  of(key: string, now: number): string {
    this.#forget(now);
    if (this.#until.has(key)) return key;
    if (this.#until.size >= MOST.alone) return this.#shared(key);
    this.#until.set(key, now + this.#durationMs);
    return key;
  }

  #forget(now: number): void {
    for (const [key, until] of this.#until) {
      if (until > now) return;
      this.#until.delete(key);
    }
  }

  #shared(key: string): string {
    const digest = createHash('sha256').update(this.#salt).update(key).digest();
    return `shared ${digest.readUInt32BE(0) % MOST.shared}`;
  }
}
