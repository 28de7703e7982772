import { ModelFileError } from '../../compile/compile.ts';

/** SentencePiece's mark for a space. */
export const SPACE = '\u2581';

/** How a text is divided: by merging neighbours, the best first, or into the likeliest pieces of all. */
export interface PieceModel {
  kind: 'bpe' | 'unigram';
  /** In the order of the tokens' ids; higher is better. */
  scores: readonly number[];
  unknown: number | null;
  /** Which texts are given a space at their beginning, also after a mark; `bare`: those without one. */
  spaced: 'all' | 'bare' | 'none';
}

/** Pieces that a text can be divided into, and the rest of what is known of a vocabulary. */
export interface Pieces {
  /** Of ordinary tokens and literal ones. */
  ids: ReadonlyMap<string, number>;
  /** The token of each byte; null for a vocabulary without them. */
  bytes: readonly number[] | null;
}

/** A byte as a token: `<0x0A>`. */
export function byteOf(piece: string): number | null {
  const [, digits] = /^<0x([0-9A-F]{2})>$/.exec(piece) ?? [];
  return digits === undefined ? null : parseInt(digits, 16);
}

/**
 * Encodes as SentencePiece does (Kudo and Richardson 2018), without its normalisation of texts: what is no piece becomes
 * the tokens of its bytes, or the unknown one.
 */
export function pieceEncoder(pieces: Pieces, model: PieceModel): (text: string) => number[] {
  const { scores, unknown, spaced } = model;
  if (scores.some((score) => !Number.isFinite(score))) throw new ModelFileError('a token’s score is not a number');
  const divide = model.kind === 'bpe' ? mergePieces : likeliestPieces;
  const idsOf = (piece: string): number[] => {
    const id = pieces.ids.get(piece);
    if (id !== undefined) return [id];
    const { bytes } = pieces;
    if (bytes) return Array.from(new TextEncoder().encode(piece), (byte) => bytes[byte] ?? 0);
    return unknown === null ? [] : [unknown];
  };
  return (text) => {
    const marked = text.replaceAll(' ', SPACE);
    const addsSpace = spaced === 'all' || (spaced === 'bare' && !marked.startsWith(SPACE));
    return divide(addsSpace ? SPACE + marked : marked, pieces.ids, scores).flatMap(idsOf);
  };
}

type Divide = (text: string, ids: ReadonlyMap<string, number>, scores: readonly number[]) => string[];

/** Two neighbours that are a piece together. */
interface Pair {
  left: number;
  score: number;
  piece: string;
}

/** Byte-pair encoding by the pieces' scores; of equal ones the leftmost is merged first. */
const mergePieces: Divide = (text, ids, scores) => {
  const symbols: string[] = Array.from(text);
  const before = symbols.map((_, i) => i - 1);
  const after = symbols.map((_, i) => i + 1);
  const queue = new PairQueue();
  const offer = (left: number, right: number): void => {
    if (left < 0 || right >= symbols.length) return;
    const piece = `${symbols[left] ?? ''}${symbols[right] ?? ''}`;
    const id = ids.get(piece);
    if (id !== undefined) queue.push({ left, piece, score: scores[id] ?? 0 });
  };
  for (let i = 0; i + 1 < symbols.length; i++) offer(i, i + 1);
  for (let pair = queue.pop(); pair; pair = queue.pop()) {
    const { left, piece } = pair;
    const right = after[left] ?? symbols.length;
    // One of the two has been merged with another meanwhile. An empty symbol has.
    if (symbols[left] === '' || `${symbols[left] ?? ''}${symbols[right] ?? ''}` !== piece) continue;
    symbols[left] = piece;
    symbols[right] = '';
    const next = after[right] ?? symbols.length;
    after[left] = next;
    if (next < symbols.length) before[next] = left;
    offer(before[left] ?? -1, left);
    offer(left, next);
  }
  return symbols.filter((symbol) => symbol !== '');
};

/** A heap: the pair with the best score comes first, and of those the leftmost. */
class PairQueue {
  readonly #pairs: Pair[] = [];

  push(pair: Pair): void {
    let at = this.#pairs.push(pair) - 1;
    while (at > 0 && this.#swapIfBetter(at, (at - 1) >> 1)) at = (at - 1) >> 1;
  }

  pop(): Pair | undefined {
    const [first] = this.#pairs;
    const last = this.#pairs.pop();
    if (last === undefined || this.#pairs.length === 0) return first;
    this.#pairs[0] = last;
    for (let at = 0; ;) {
      const [left, right] = [2 * at + 1, 2 * at + 2];
      const child = this.#isBetter(right, left) ? right : left;
      if (!this.#swapIfBetter(child, at)) return first;
      at = child;
    }
  }

  #swapIfBetter(lower: number, upper: number): boolean {
    const [one, other] = [this.#pairs[lower], this.#pairs[upper]];
    if (!one || !other || !this.#isBetter(lower, upper)) return false;
    this.#pairs[upper] = one;
    this.#pairs[lower] = other;
    return true;
  }

  #isBetter(one: number, other: number): boolean {
    const [a, b] = [this.#pairs[one], this.#pairs[other]];
    if (!a || !b) return a !== undefined;
    return a.score > b.score || (a.score === b.score && a.left < b.left);
  }
}

/** What an unknown character costs beyond the worst piece. */
const UNKNOWN_PENALTY = 10;

/** The division with the highest sum of scores (Kudo 2018), in single precision; of equal ones the longer first piece. */
const likeliestPieces: Divide = (text, ids, scores) => {
  const starts = new Int32Array(text.length + 1).fill(-1);
  const sums = new Float32Array(text.length + 1);
  const { longest, worst } = extentOf(ids, scores);
  const offer = (from: number, to: number, score: number): void => {
    const sum = Math.fround((sums[from] ?? 0) + score);
    if (starts[to] !== -1 && sum <= (sums[to] ?? 0)) return;
    starts[to] = from;
    sums[to] = sum;
  };
  for (let from = 0; from < text.length;) {
    const single = from + ((text.codePointAt(from) ?? 0) > 0xffff ? 2 : 1);
    for (let to = single; to <= Math.min(text.length, from + longest); to++) {
      const id = ids.get(text.slice(from, to));
      if (id !== undefined) offer(from, to, Math.fround(scores[id] ?? 0));
    }
    if (!ids.has(text.slice(from, single))) offer(from, single, Math.fround(worst - UNKNOWN_PENALTY));
    from = single;
  }
  const found: string[] = [];
  for (let to = text.length; to > 0; to = starts[to] ?? 0) found.push(text.slice(starts[to] ?? 0, to));
  return found.reverse();
};

const extents = new WeakMap<ReadonlyMap<string, number>, { longest: number; worst: number }>();

/** The length of the longest piece, and the lowest score. */
function extentOf(ids: ReadonlyMap<string, number>, scores: readonly number[]) {
  const known = extents.get(ids);
  if (known) return known;
  const extent = { longest: 1, worst: Infinity };
  for (const [piece, id] of ids) {
    extent.longest = Math.max(extent.longest, piece.length);
    extent.worst = Math.min(extent.worst, scores[id] ?? 0);
  }
  extents.set(ids, extent);
  return extent;
}
