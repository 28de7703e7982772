import type { TextVectors } from '../../ml/engine.ts';
import type { Snapshot } from '../model/snapshot.ts';

/** New names up to this number are waited for; more are read in the background. */
const WAITED_FOR = 500;
const AT_ONCE = 100;

/** The names of the catalogue's genres and tags as vectors. Each name is encoded once, off the event loop. */
export class NameVectors {
  readonly #vectors: TextVectors;
  readonly #known = new Map<string, Float32Array>();
  #of: readonly string[] | null = null;
  #names: ReadonlyMap<string, string> = new Map();
  #reading: Promise<void> | null = null;

  constructor(vectors: TextVectors) {
    this.#vectors = vectors;
  }

  /** By feature. The same object as long as the catalogue has the same. */
  namesIn(snapshot: Snapshot): ReadonlyMap<string, string> {
    if (this.#of !== snapshot.featureNames) {
      this.#names = namesOf(snapshot);
      this.#of = snapshot.featureNames;
    }
    return this.#names;
  }

  of(name: string): Float32Array | undefined {
    return this.#known.get(name);
  }

  /** @throws ModelUnavailableError, OverloadedError */
  async encode(text: string): Promise<Float32Array> {
    const [encoded] = await this.#vectors.encode([text], { signal: new AbortController().signal });
    return encoded?.embedding ?? new Float32Array();
  }

  /**
   * Encodes the names that are new.
   * @returns whether all are known now. Otherwise they are read in the background
   * @throws ModelUnavailableError, OverloadedError
   */
  async follow(snapshot: Snapshot): Promise<boolean> {
    const missing = [...new Set(this.namesIn(snapshot).values())].filter((name) => !this.#known.has(name));
    if (missing.length === 0) return true;
    this.#reading ??= this.#read(missing).finally(() => (this.#reading = null));
    if (missing.length <= WAITED_FOR) {
      await this.#reading;
      return this.follow(snapshot);
    }
    this.#reading.catch(() => undefined);
    return false;
  }

  async #read(names: readonly string[]): Promise<void> {
    const { signal } = new AbortController();
    for (let from = 0; from < names.length; from += AT_ONCE) {
      const some = names.slice(from, from + AT_ONCE);
      const encoded = await this.#vectors.encode(some, { signal });
      encoded.forEach(({ embedding }, i) => this.#known.set(some[i] ?? '', embedding));
    }
  }
}

/** What genres and tags are called, by feature. Artists have names that mean something else. */
function namesOf({ featureNames, genreNames }: Snapshot): Map<string, string> {
  return new Map(
    featureNames.flatMap((feature) => {
      const name = feature.slice(2);
      if (feature.startsWith('g:')) return [[feature, genreNames.get(name) ?? name] as const];
      return feature.startsWith('t:') ? [[feature, name] as const] : [];
    }),
  );
}

export function product(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] ?? 0) * (b[i] ?? 0);
  return sum;
}
