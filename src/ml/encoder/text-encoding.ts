import { ModelFileError } from '../compile/compile.ts';
import type { EncodedText } from '../contract.ts';
import type { EncoderGraph } from './encoder-graph.ts';
import type { Word, WordPieces } from './word-pieces.ts';

interface Asked {
  words: boolean;
  signal: AbortSignal;
}

/** Texts as vectors: cut into words and tokens, run through the graph, averaged. */
export class TextEncoding {
  readonly #graph: EncoderGraph;
  readonly #pieces: WordPieces;
  readonly #context: number;

  /** @param context most tokens of a sequence, the two marks included */
  constructor(graph: EncoderGraph, pieces: WordPieces, context: number) {
    this.#graph = graph;
    this.#pieces = pieces;
    this.#context = context;
  }

  /** @throws ModelFileError if graph and tokenizer do not fit each other */
  async tryOut(): Promise<void> {
    const { embedding } = await this.encode(0, 'A text.', { words: false, signal: new AbortController().signal });
    if (!embedding.every(Number.isFinite)) throw new ModelFileError('the graph computes no numbers');
  }

  /** A text longer than the context is read in windows, which end between words. */
  async encode(lane: number, text: string, { words: asked, signal }: Asked): Promise<EncodedText> {
    const { width, layers } = this.#graph;
    const words = this.#pieces.split(text);
    const count = words.reduce((sum, { ids }) => sum + ids.length, 0);
    const last = new Float32Array(width);
    const states = new Float64Array(layers * width);
    const shares: Float64Array[] = [];
    let tokens = 0;
    for (const window of windowsOf(words, this.#context - 2)) {
      const ids = [this.#pieces.begin, ...window.flatMap((word) => word.ids), this.#pieces.end];
      const run = await this.#graph.run(lane, ids, signal);
      addRows(last, run.at(-1), { from: 0, to: ids.length });
      let from = 1;
      for (const word of window) {
        const share = shareOf(run, { from, to: from + word.ids.length }, width, count);
        addRows(states, share, { from: 0, to: 1 });
        if (asked) shares.push(share);
        from += word.ids.length;
      }
      tokens += ids.length;
    }
    const encoded = words.map(({ from, to }, i) => ({ from, to, share: shares[i] ?? states }));
    return { tokens, embedding: normalise(last), states, words: asked ? encoded : null };
  }
}

type Floats = Float32Array | Float64Array;

interface Rows {
  from: number;
  to: number;
}

/** The part of some tokens in the mean of all words' tokens, one layer after another // [layers × width] */
function shareOf(run: readonly Float32Array[], rows: Rows, width: number, count: number): Float64Array {
  const share = new Float64Array(run.length * width);
  run.forEach((layer, i) => addRows(share.subarray(i * width, (i + 1) * width), layer, rows));
  return scale(share, 1 / count);
}

/** An empty text is a window without words. */
function windowsOf(words: readonly Word[], most: number): Word[][] {
  const windows: Word[][] = [[]];
  let length = 0;
  for (const word of words) {
    if (length + word.ids.length > most) {
      windows.push([]);
      length = 0;
    }
    windows.at(-1)?.push(word);
    length += word.ids.length;
  }
  return windows;
}

/** Adds rows of a matrix, each as long as the sum. */
function addRows(sum: Floats, matrix: Floats | undefined, { from, to }: Rows): void {
  const width = sum.length;
  for (let row = from; row < to; row++)
    for (let i = 0; i < width; i++) sum[i] = (sum[i] ?? 0) + (matrix?.[row * width + i] ?? 0);
}

function scale<Vector extends Floats>(vector: Vector, factor: number): Vector {
  vector.forEach((value, i) => (vector[i] = value * factor));
  return vector;
}

/** Brings a vector to length 1. */
function normalise(vector: Float32Array): Float32Array {
  const length = Math.hypot(...vector);
  return length > 0 ? scale(vector, 1 / length) : vector;
}
