import { f32, f64, i32, u32 } from '../../../lib/typed-arrays.ts';
import { precisionFor, SymmetricMatrix } from '../../math/linear-algebra.ts';
import type { Interactions } from '../interactions.ts';
import { DecaySums } from './decay-sums.ts';

export interface NormalOptions {
  /** λ, the weight of the ridge. Larger values make rows flatter. */
  ridge: number;
  /**
   * The expected share of tracks that are dropped at random while they are predicted from the rest: an additional ridge
   * of dropout / (1 − dropout) of each track's own square (Steck, "Autoencoders that don't overfit towards the
   * Identity", NeurIPS 2020).
   */
  dropout: number;
  /**
   * Weight, from 0 to below 1, of predicting later tracks, against predicting tracks that belong together in any order.
   */
  order: number;
  /** How fast a track loses its influence on later tracks with each track in between: 0–1. */
  reach: number;
  /** How fast later tracks lose their weight as what is predicted: at 0 only the very next one counts, at 1 all do. */
  foresight: number;
  /**
   * Further, faster scales: in each a track keeps this share of its influence with each track after it. They have a
   * block of features each, and are solved together with the first.
   */
  faster: readonly number[];
  /** The ridge of the faster scales, as a multiple of `ridge`. */
  fasterRidge: number;
  /** Listeners weigh (number of their tracks / mean)^−`levelling`: at 0 all tracks are equal, at 1 all listeners. */
  levelling: number;
}

/**
 * `G·B = G₀ + gap`, with the ridge in G and G₀ its columns of the first scale: the equations that the item–item weights
 * B solve, those of one scale below the other.
 */
export interface NormalEquations {
  /** XᵀX in the first scale, and WᵀW, and the ridge: [scales · items, scales · items]. */
  gram: SymmetricMatrix;
  /** WᵀY − WᵀW₀, target by source, [targets, scales · items]. Null without order, where it would be 0. */
  gap: Float32Array | null;
}

/** A subset of the items, renumbered. */
export interface Part {
  /** The number of each item, or −1. */
  numbers: Int32Array;
  size: number;
  /** Items below this number are solved for. The others only provide weights. */
  targets: number;
}

/**
 * The sums for training, in one pass over pairs of a listener's tracks. Let x be a listener's tracks; w_t the tracks up
 * to the t-th, in each scale weighted by its decay for every later one; and y_t the tracks after it, weighted by
 * `foresight`. The first scale of B reproduces x from x (EASE: Steck, WWW 2019), and all of them together predict y from
 * w (as SLIST does in one: Choi et al., "Session-aware Linear Item-Item Models", WWW 2021), the latter with weight
 * `order`. The sums over t are geometric and have a closed form.
 */
export function normalEquations(
  interactions: Interactions,
  options: NormalOptions,
  part: Part = allOf(interactions),
): NormalEquations {
  const { starts } = interactions;
  const scales = scalesOf(options);
  const unknowns = scales.length * part.size;
  const gap = options.order > 0 ? new Float32Array(part.targets * unknowns) : null;
  const sums = new DecaySums(scales, options.foresight, longestOf(interactions));
  const weights = listenerWeights(interactions, options.levelling);
  const ridges = scales.map((_, s) => options.ridge * (s === 0 ? 1 : options.fasterRidge));
  const precision = precisionFor(largestSquare(interactions, weights), Math.min(...ridges));
  const gram = new SymmetricMatrix(unknowns, precision);
  const share = gap ? options.order * orderScale(interactions, weights, sums) : 0;
  const row = new PartialRow(interactions, part);
  for (let u = 0; u + 1 < starts.length; u++) {
    const weight = f64(weights, u);
    row.read(u);
    if (!gap) {
      addTogether(row, gram, weight);
      continue;
    }
    addTogether(row, gram, (1 - options.order) * weight);
    scales.forEach((_, s) => addOrdered(row, { gram, gap, sums, weight: share * weight }, s));
  }
  const more = options.dropout / (1 - options.dropout);
  for (let i = 0; i < unknowns; i++) {
    gram.add(i, i, (ridges[Math.floor(i / part.size)] ?? 0) + more * gram.at(i, i));
  }
  gram.mirror();
  return { gram, gap };
}

/** The decays of all scales. Without order there is nothing that a faster one could be learned from. */
export const scalesOf = ({ order, reach, faster }: NormalOptions): readonly number[] =>
  order > 0 ? [reach, ...faster] : [reach];

function allOf({ itemCount }: Interactions): Part {
  const numbers = Int32Array.from({ length: itemCount }, (_, item) => item);
  return { numbers, size: itemCount, targets: itemCount };
}

/** An upper bound of any track's value on the diagonal. */
function largestSquare({ itemCount, starts, items, values }: Interactions, weights: Float64Array): number {
  const squares = new Float64Array(itemCount);
  for (let u = 0; u + 1 < starts.length; u++) {
    for (let at = u32(starts, u); at < u32(starts, u + 1); at++) {
      squares[u32(items, at)] = f64(squares, u32(items, at)) + f64(weights, u) * f32(values, at) ** 2;
    }
  }
  return squares.reduce((largest, square) => Math.max(largest, square), 0);
}

/** One listener's tracks in this part, in ascending order of number. */
class PartialRow {
  readonly part: Part;
  readonly numbers: Int32Array;
  readonly values: Float64Array;
  /** The position of each track in the whole history. */
  readonly positions: Int32Array;
  count = 0;
  /** Length of the whole history. */
  length = 0;
  readonly #interactions: Interactions;
  readonly #keys: Float64Array;

  constructor(interactions: Interactions, part: Part) {
    const longest = longestOf(interactions);
    this.#interactions = interactions;
    this.part = part;
    this.numbers = new Int32Array(longest);
    this.values = new Float64Array(longest);
    this.positions = new Int32Array(longest);
    this.#keys = new Float64Array(longest);
  }

  read(u: number): void {
    const { starts, items, values } = this.#interactions;
    const from = u32(starts, u);
    this.length = u32(starts, u + 1) - from;
    this.count = 0;
    for (let position = 0; position < this.length; position++) {
      const number = this.part.numbers[u32(items, from + position)] ?? -1;
      if (number >= 0) this.#keys[this.count++] = number * POSITIONS + position;
    }
    const keys = this.#keys.subarray(0, this.count).sort();
    for (let k = 0; k < this.count; k++) {
      const key = f64(keys, k);
      const position = key % POSITIONS;
      this.numbers[k] = (key - position) / POSITIONS;
      this.positions[k] = position;
      this.values[k] = f32(values, from + position);
    }
  }
}

/** More than the length of any history. */
const POSITIONS = 1 << 20;

function addTogether({ numbers, values, count }: PartialRow, gram: SymmetricMatrix, weight: number): void {
  for (let a = 0; a < count; a++) {
    const { data, from } = gram.half(i32(numbers, a));
    const value = weight * f64(values, a);
    for (let b = 0; b <= a; b++) {
      const at = from + (numbers[b] ?? 0);
      data[at] = (data[at] ?? 0) + value * (values[b] ?? 0);
    }
  }
}

interface OrderedSums {
  gram: SymmetricMatrix;
  gap: Float32Array;
  sums: DecaySums;
  weight: number;
}

/** Adds what scale s of one listener's history has in common with itself and the slower ones, and what it foretells. */
function addOrdered(row: PartialRow, { gram, gap, sums, weight }: OrderedSums, s: number): void {
  const { numbers, values, positions, count } = row;
  const { size, targets } = row.part;
  const width = sums.scales.length * size;
  const foretells = sums.foretelling(s);
  for (let slower = 0; slower <= s; slower++) {
    const { first, second, squares } = sums.products(s, slower);
    for (let a = 0; a < count; a++) {
      const [i, position] = [i32(numbers, a), i32(positions, a)];
      const { data, from } = gram.half(s * size + i);
      const end = slower === s ? a + 1 : count;
      for (let b = 0; b < count; b++) {
        // Of its own scale only the lower half is stored, but the gap needs both.
        if (b >= end && slower > 0) break;
        const [j, other] = [numbers[b] ?? 0, positions[b] ?? 0];
        const product = weight * (values[a] ?? 0) * (values[b] ?? 0);
        const isBefore = other > position;
        const apart = isBefore ? other - position : position - other;
        // Nothing follows the last track, so its `squares` are 0.
        const left = row.length - 1 - (isBefore ? other : position);
        const both = product * ((isBefore ? first : second)[apart] ?? 0) * (squares[left] ?? 0);
        if (b < end) data[from + slower * size + j] = (data[from + slower * size + j] ?? 0) + both;
        if (slower > 0 || j >= targets) continue;
        const at = j * width + s * size + i;
        gap[at] = (gap[at] ?? 0) + (isBefore ? product * (foretells[apart] ?? 0) : 0) - both;
      }
    }
  }
}

function longestOf({ starts }: Interactions): number {
  let longest = 0;
  for (let u = 0; u + 1 < starts.length; u++) longest = Math.max(longest, u32(starts, u + 1) - u32(starts, u));
  return longest;
}

/** (tracks / mean)^−levelling for each listener. */
export function listenerWeights({ starts, items }: Interactions, levelling: number): Float64Array {
  const listeners = starts.length - 1;
  const mean = items.length / Math.max(1, listeners);
  return Float64Array.from({ length: listeners }, (_, u) => {
    const length = u32(starts, u + 1) - u32(starts, u);
    return length === 0 ? 0 : (length / mean) ** -levelling;
  });
}

/** Scales both traces to the same size, so that `order` is a share. */
function orderScale({ starts, values }: Interactions, weights: Float64Array, sums: DecaySums): number {
  const { squares } = sums.products(0, 0);
  let [together, after] = [0, 0];
  for (let u = 0; u + 1 < starts.length; u++) {
    const [from, end] = [u32(starts, u), u32(starts, u + 1)];
    for (let at = from; at < end; at++) {
      const square = f64(weights, u) * f32(values, at) ** 2;
      together += square;
      after += square * f64(squares, end - 1 - at);
    }
  }
  return after === 0 ? 0 : together / after;
}

/** The options for solving one system, or one in blocks. */
export interface SystemOptions extends NormalOptions {
  /** Total number of weights to keep: in each row those furthest from 0, for or against. */
  entries: number;
  /** Maximum size of a system that all items are solved in together. */
  largestSystem: number;
  /** Size of the systems for blocks, if there are more items. */
  system: number;
}
