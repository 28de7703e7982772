import { createHash, randomBytes } from 'node:crypto';

/** Keys that are counted each for itself; of the others many share one of so many counts. */
const MOST = { alone: 20_000, shared: 1_024 };

/**
 * Bounds the memory that counting takes: however many addresses come, there are so many counts. Whoever was here before the
 * flood keeps a count of their own; which of the shared ones a newcomer gets cannot be foretold, or a stranger could choose
 * to use up somebody else's.
 */
export class BoundedKeys {
  readonly #salt = randomBytes(16);
  readonly #durationMs: number;
  /** When each key's count is over, the earliest first. */
  readonly #until = new Map<string, number>();

  constructor(durationMs: number) {
    this.#durationMs = durationMs;
  }

  /** What to count a key under. @param now monotonic, in ms */
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
