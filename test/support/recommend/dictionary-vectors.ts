import { ModelUnavailableError } from '../../../src/lib/errors.ts';
import type { TextVectors } from '../../../src/ml/engine.ts';

/** An encoder with a dictionary: directions of what is said, and none for anything else. */
export class DictionaryVectors implements TextVectors {
  available = true;
  readonly asked: string[] = [];
  readonly #directions: Readonly<Record<string, readonly number[]>>;

  constructor(directions: Readonly<Record<string, readonly number[]>>) {
    this.#directions = directions;
  }

  encode(texts: readonly string[]) {
    if (!this.available) return Promise.reject(new ModelUnavailableError('it is away'));
    this.asked.push(...texts);
    return Promise.resolve(
      texts.map((text) => {
        const embedding = Float32Array.from(this.#directions[text] ?? [0, 0]);
        return { tokens: 1, embedding, states: new Float64Array(0), words: null };
      }),
    );
  }
}
