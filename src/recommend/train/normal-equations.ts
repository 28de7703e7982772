import { precisionFor, SymmetricMatrix } from '../math/linear-algebra.ts';
import type { Interactions } from './interactions.ts';

export interface NormalOptions {
  /** λ, the weight of the ridge: larger keeps rows flatter. */
  ridge: number;
  /**
   * The share of tracks that is thought away at random while they are to be foretold from the rest, in expectation: a ridge
   * of dropout / (1 − dropout) of each track's own square more (Steck, "Autoencoders that don't overfit towards the
   * Identity", NeurIPS 2020).
   */
  dropout: number;
  /** Share, from 0 to below 1, of what came later that is to be foretold, beside what belongs together in any order. */
  order: number;
  /** How fast a track loses its say in what comes later, and what comes later its weight, with each track in between: 0–1. */
  reach: number;
  /** Listeners weigh (tracks of theirs / mean)^−`levelling`: at 0 all tracks are alike, at 1 all listeners. */
  levelling: number;
}

/** `(G)·B = G + gap`, the ridge within G: what the item–item weights B solve. */
export interface NormalEquations {
  /** XᵀX and WᵀW together, and the ridge: [items, items]. */
  gram: SymmetricMatrix;
  /** WᵀY − WᵀW, target by source, [targets, items]; null without order, where it would be 0. */
  gap: Float32Array | null;
}

/** Some of the items, numbered anew. */
export interface Part {
  /** By item its number, or −1. */
  numbers: Int32Array;
  size: number;
  /** Items below this number are solved for; the others only speak for them. */
  targets: number;
}

/**
 * The sums that training needs, in one pass over pairs of a listener's tracks. With x a listener's tracks, w_t their tracks
 * up to the t-th, each counting `reach` less with every later one, and y_t those that came after it, counting likewise:
 * B reproduces x from x (EASE: Steck, WWW 2019) and foretells y from w (as SLIST does: Choi et al., "Session-aware Linear
 * Item-Item Models", WWW 2021), `order` being the weight of the second. The sums over t are geometric and in closed form.
 */
export function normalEquations(
  interactions: Interactions,
  options: NormalOptions,
  part: Part = allOf(interactions),
): NormalEquations {
  const { starts } = interactions;
  const gap = options.order > 0 ? new Float32Array(part.targets * part.size) : null;
  const decay = decaysOf(interactions, options.reach);
  const weights = listenerWeights(interactions, options.levelling);
  const gram = new SymmetricMatrix(part.size, precisionFor(largestSquare(interactions, weights), options.ridge));
  const share = gap ? options.order * orderScale(interactions, weights, decay) : 0;
  const row = new PartialRow(interactions, part);
  for (let u = 0; u + 1 < starts.length; u++) {
    const weight = weights[u] ?? 0;
    row.read(u);
    if (gap) addOrdered(row, gram, gap, { decay, together: (1 - options.order) * weight, after: share * weight });
    else addTogether(row, gram, weight);
  }
  const more = options.dropout / (1 - options.dropout);
  for (let i = 0; i < part.size; i++) gram.add(i, i, options.ridge + more * gram.at(i, i));
  gram.mirror();
  return { gram, gap };
}

function allOf({ itemCount }: Interactions): Part {
  const numbers = Int32Array.from({ length: itemCount }, (_, item) => item);
  return { numbers, size: itemCount, targets: itemCount };
}

/** Of any track, which is what its place on the diagonal comes to at most. */
function largestSquare({ itemCount, starts, items, values }: Interactions, weights: Float64Array): number {
  const squares = new Float64Array(itemCount);
  for (let u = 0; u + 1 < starts.length; u++) {
    for (let at = starts[u] ?? 0; at < (starts[u + 1] ?? 0); at++) {
      squares[items[at] ?? 0] = (squares[items[at] ?? 0] ?? 0) + (weights[u] ?? 0) * (values[at] ?? 0) ** 2;
    }
  }
  return squares.reduce((largest, square) => Math.max(largest, square), 0);
}

/** One listener's tracks as far as they are of the part, by ascending number. */
class PartialRow {
  readonly part: Part;
  readonly numbers: Int32Array;
  readonly values: Float64Array;
  /** Of each track its place in the whole history. */
  readonly places: Int32Array;
  count = 0;
  /** Of the whole history. */
  length = 0;
  readonly #interactions: Interactions;
  readonly #keys: Float64Array;

  constructor(interactions: Interactions, part: Part) {
    const longest = longestOf(interactions);
    this.#interactions = interactions;
    this.part = part;
    this.numbers = new Int32Array(longest);
    this.values = new Float64Array(longest);
    this.places = new Int32Array(longest);
    this.#keys = new Float64Array(longest);
  }

  read(u: number): void {
    const { starts, items, values } = this.#interactions;
    const from = starts[u] ?? 0;
    this.length = (starts[u + 1] ?? 0) - from;
    this.count = 0;
    for (let place = 0; place < this.length; place++) {
      const number = this.part.numbers[items[from + place] ?? 0] ?? -1;
      if (number >= 0) this.#keys[this.count++] = number * PLACES + place;
    }
    const keys = this.#keys.subarray(0, this.count).sort();
    for (let k = 0; k < this.count; k++) {
      const key = keys[k] ?? 0;
      const place = key % PLACES;
      this.numbers[k] = (key - place) / PLACES;
      this.places[k] = place;
      this.values[k] = values[from + place] ?? 0;
    }
  }
}

/** More than any history's length. */
const PLACES = 1 << 20;

function addTogether({ numbers, values, count }: PartialRow, gram: SymmetricMatrix, weight: number): void {
  for (let a = 0; a < count; a++) {
    const { data, from } = gram.half(numbers[a] ?? 0);
    const value = weight * (values[a] ?? 0);
    for (let b = 0; b <= a; b++) {
      const at = from + (numbers[b] ?? 0);
      data[at] = (data[at] ?? 0) + value * (values[b] ?? 0);
    }
  }
}

interface OrderedSums {
  decay: Decays;
  together: number;
  after: number;
}

function addOrdered(row: PartialRow, gram: SymmetricMatrix, gap: Float32Array, sums: OrderedSums): void {
  const { numbers, values, places, count, length } = row;
  const { decay, together, after } = sums;
  const { size, targets } = row.part;
  for (let a = 0; a < count; a++) {
    const [i, place] = [numbers[a] ?? 0, places[a] ?? 0];
    const { data, from } = gram.half(i);
    for (let b = 0; b <= a; b++) {
      const [j, other] = [numbers[b] ?? 0, places[b] ?? 0];
      const product = (values[a] ?? 0) * (values[b] ?? 0);
      const apart = place > other ? place - other : other - place;
      // After the last track nothing is to be foretold: its `squares` are 0.
      const left = length - 1 - (place > other ? place : other);
      const both = after * (decay.powers[apart] ?? 0) * (decay.squares[left] ?? 0);
      data[from + j] = (data[from + j] ?? 0) + product * (together + both);
      if (j >= targets) continue;
      const next = after * (decay.convolved[apart] ?? 0);
      const foretold = j * size + i;
      gap[foretold] = (gap[foretold] ?? 0) + product * ((other > place ? next : 0) - both);
      if (i >= targets || a === b) continue;
      const mirrored = i * size + j;
      gap[mirrored] = (gap[mirrored] ?? 0) + product * ((place > other ? next : 0) - both);
    }
  }
}

interface Decays {
  /** r^k */
  powers: Float64Array;
  /** Σ r^2i over i < k */
  squares: Float64Array;
  /** Σ r^i · r^(k − 1 − i) over i < k: by how many the later is after the earlier, over all t in between. */
  convolved: Float64Array;
}

function decaysOf(interactions: Interactions, reach: number): Decays {
  const longest = longestOf(interactions);
  const powers = Float64Array.from({ length: longest + 1 }, (_, k) => reach ** k);
  const squares = new Float64Array(longest + 1);
  const convolved = new Float64Array(longest + 1);
  for (let k = 1; k <= longest; k++) {
    squares[k] = (squares[k - 1] ?? 0) + reach ** (2 * (k - 1));
    convolved[k] = k * reach ** (k - 1);
  }
  return { powers, squares, convolved };
}

function longestOf({ starts }: Interactions): number {
  let longest = 0;
  for (let u = 0; u + 1 < starts.length; u++) longest = Math.max(longest, (starts[u + 1] ?? 0) - (starts[u] ?? 0));
  return longest;
}

/** (tracks / mean)^−levelling, by listener. */
export function listenerWeights({ starts, items }: Interactions, levelling: number): Float64Array {
  const listeners = starts.length - 1;
  const mean = items.length / Math.max(1, listeners);
  return Float64Array.from({ length: listeners }, (_, u) => {
    const length = (starts[u + 1] ?? 0) - (starts[u] ?? 0);
    return length === 0 ? 0 : (length / mean) ** -levelling;
  });
}

/** Brings both traces to the same size, so that `order` is a share. */
function orderScale({ starts, values }: Interactions, weights: Float64Array, { squares }: Decays): number {
  let [together, after] = [0, 0];
  for (let u = 0; u + 1 < starts.length; u++) {
    const [from, end] = [starts[u] ?? 0, starts[u + 1] ?? 0];
    for (let at = from; at < end; at++) {
      const square = (weights[u] ?? 0) * (values[at] ?? 0) ** 2;
      together += square;
      after += square * (squares[end - 1 - at] ?? 0);
    }
  }
  return after === 0 ? 0 : together / after;
}

/** What one system, or one of blocks, is solved with. */
export interface SystemOptions extends NormalOptions {
  /** Weights kept in all: as many a row as that gives, those furthest from 0, for or against. */
  entries: number;
  /** Side of the largest system that all items are solved in together. */
  largestSystem: number;
  /** Side of the systems that blocks of them are solved in where they are more. */
  system: number;
  /** Only weights above 0 are kept: those that speak for a track. */
  onlyFor?: boolean;
}
