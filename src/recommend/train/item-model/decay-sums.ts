import { f64 } from '../../../lib/typed-arrays.ts';

/** Σ_t of one scale's decay from one track to t times another scale's from another track, in a closed form. */
export interface DecayProducts {
  /** The first scale's decay to the power k, for a track of the first scale k before that of the second. */
  first: Float64Array;
  /** The second scale's, for the other order. */
  second: Float64Array;
  /** Σ (first · second)^i over i < k, for k moments from the later track on. */
  squares: Float64Array;
}

/** The sums of decays over a history's moments, by the distance of two tracks. */
export class DecaySums {
  readonly scales: readonly number[];
  readonly #foresight: number;
  readonly #longest: number;
  readonly #products = new Map<string, DecayProducts>();
  readonly #foretelling = new Map<number, Float64Array>();

  /** @param longest number of tracks in a history */
  constructor(scales: readonly number[], foresight: number, longest: number) {
    this.scales = scales;
    this.#foresight = foresight;
    this.#longest = longest;
  }

  products(s: number, other: number): DecayProducts {
    const key = `${s} ${other}`;
    const known = this.#products.get(key);
    if (known) return known;
    const [a, b] = [this.scales[s] ?? 0, this.scales[other] ?? 0];
    const made = { first: this.#powers(a), second: this.#powers(b), squares: this.#sums(a * b) };
    this.#products.set(key, made);
    return made;
  }

  /** The weight of a later track k after an earlier one, over all moments in between: Σ d^i · f^(k − 1 − i) over i < k. */
  foretelling(s: number): Float64Array {
    const known = this.#foretelling.get(s);
    if (known) return known;
    const decay = this.scales[s] ?? 0;
    const sums = new Float64Array(this.#longest + 1);
    for (let k = 1; k <= this.#longest; k++) sums[k] = this.#foresight * f64(sums, k - 1) + decay ** (k - 1);
    this.#foretelling.set(s, sums);
    return sums;
  }

  #powers(decay: number): Float64Array {
    return Float64Array.from({ length: this.#longest + 1 }, (_, k) => decay ** k);
  }

  #sums(ratio: number): Float64Array {
    const sums = new Float64Array(this.#longest + 1);
    for (let k = 1; k <= this.#longest; k++) sums[k] = f64(sums, k - 1) + ratio ** (k - 1);
    return sums;
  }
}
