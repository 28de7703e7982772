import { uniformAt } from '../../lib/random.ts';

/** A sequence of tokens. A model learns to predict each from those before it. */
export type TokenSequence = ArrayLike<number>;

/**
 * Rows of one length, each with one or several sequences behind one another. Everything is [rows, length] in row order.
 * Sequences of a row do not see each other: attention stays within a segment, and positions begin anew.
 */
export interface TokenBatch {
  rows: number;
  length: number;
  /** Number of predicted tokens, without padding. */
  predicted: number;
  tokens: BigInt64Array;
  targets: BigInt64Array;
  positions: BigInt64Array;
  segments: BigInt64Array;
  /** 1 for a predicted token, 0 for padding. */
  weights: Float32Array;
}

interface PackingOptions {
  /** Most positions of a batch, padding included; a longer sequence has a batch of its own. */
  positions: number;
  /** Longest sequence; the rest of a longer one is left out. */
  longest: number;
  /** The order of sequences and batches is a function of it. */
  seed: number;
}

/**
 * Packs sequences of mixed lengths into batches: neighbours in length come together, so that little is padding, and
 * the batches come in random order.
 * @returns the indices of the sequences in each row of each batch
 */
export function planBatches(lengths: readonly number[], { positions, longest, seed }: PackingOptions): number[][][] {
  const usable = lengths.map((length) => Math.min(length, longest + 1) - 1);
  const order = Array.from(usable.keys()).filter((i) => (usable[i] ?? 0) > 0);
  const keys = usable.map((length, i) => length * (1 + JITTER * uniformAt(seed, i)));
  order.sort((a, b) => (keys[b] ?? 0) - (keys[a] ?? 0));
  const batches: number[][][] = [];
  let open = new OpenBatch(positions);
  for (const index of order) {
    if (open.add(index, usable[index] ?? 0)) continue;
    batches.push(open.rows);
    open = new OpenBatch(positions);
    open.add(index, usable[index] ?? 0);
  }
  if (open.rows.length > 0) batches.push(open.rows);
  return shuffled(batches, seed);
}

/** How far a sequence may come out of the order of lengths, so that it has other neighbours in each epoch. */
const JITTER = 0.15;

class OpenBatch {
  readonly rows: number[][] = [];
  readonly #free: number[] = [];
  readonly #positions: number;
  #length = 0;

  constructor(positions: number) {
    this.#positions = positions;
  }

  /** Puts a sequence into the first row with room for it, or into a new one. False if the batch is full. */
  add(index: number, length: number): boolean {
    const row = this.#free.findIndex((free) => free >= length);
    if (row >= 0) {
      this.rows[row]?.push(index);
      this.#free[row] = (this.#free[row] ?? 0) - length;
      return true;
    }
    const longest = Math.max(this.#length, length);
    if (this.rows.length > 0 && (this.rows.length + 1) * longest > this.#positions) return false;
    this.#free.forEach((free, i) => (this.#free[i] = free + longest - this.#length));
    this.#free.push(longest - length);
    this.rows.push([index]);
    this.#length = longest;
    return true;
  }
}

function shuffled<Item>(items: readonly Item[], seed: number): Item[] {
  const keyed = items.map((item, i) => ({ item, key: uniformAt(seed, SHUFFLE + i) }));
  return keyed.sort((a, b) => a.key - b.key).map(({ item }) => item);
}

/** The first number that shuffling draws, behind those of the sequences. */
const SHUFFLE = 2 ** 31;

/** The tensors of a batch. @param rows its sequences, row by row */
export function fillBatch(rows: readonly (readonly TokenSequence[])[], longest: number): TokenBatch {
  const usable = (sequence: TokenSequence) => Math.min(sequence.length, longest + 1) - 1;
  const length = Math.max(...rows.map((row) => row.reduce((sum, sequence) => sum + usable(sequence), 0)));
  const size = rows.length * length;
  const [tokens, targets, positions] = [new BigInt64Array(size), new BigInt64Array(size), new BigInt64Array(size)];
  const segments = new BigInt64Array(size).fill(PADDING);
  const weights = new Float32Array(size);
  let predicted = 0;
  rows.forEach((row, r) => {
    let at = r * length;
    row.forEach((sequence, segment) => {
      for (let i = 0; i < usable(sequence); i++, at++) {
        tokens[at] = BigInt(sequence[i] ?? 0);
        targets[at] = BigInt(sequence[i + 1] ?? 0);
        positions[at] = BigInt(i);
        segments[at] = BigInt(segment);
        weights[at] = 1;
      }
      predicted += usable(sequence);
    });
  });
  return { rows: rows.length, length, predicted, tokens, targets, positions, segments, weights };
}

/** The segment of positions without a token, which see one another and nothing else. */
const PADDING = -1n;
