import { type Format, FormatError, type State } from '../../../formats/formats.ts';
import { u32 } from '../../../lib/typed-arrays.ts';
import type { FormatRequest } from '../../contract.ts';
import type { Constraint } from '../constraint.ts';
import { type KeptFormat, keptFormat } from './kept-format.ts';
import type { FormatVocabulary } from './token-trie.ts';

/**
 * Work of all masks of an answer. Then it takes a shortest way to its end, because others wait for the same thread. The
 * steps from a state count once, and a part of them each time, as an automaton does not keep all.
 */
const MOST_WORK = 3_000_000;
const PART_OF_KNOWN = 1 / 16;

/**
 * Keeps an answer in its form ([FORMAT1]), and brings it to an end in the tokens that it may have ([FORMAT2]): a token is
 * allowed if the rest can be written after it, at worst byte by byte.
 */
export class FormatConstraint implements Constraint {
  readonly #format: Format;
  readonly #vocabulary: FormatVocabulary;
  /** All of the answer so far. */
  readonly #read: Uint8Array[];
  #kept: KeptFormat;
  #state: State;
  /** Number of tokens that it may still have, its end included. */
  #room: number;
  #work = 0;
  /** The steps from each state that have been counted, by its mark. */
  readonly #counted = new Map<number, number>();
  /** Of the next token, once it has been asked for. */
  #mask: Uint32Array | null = null;

  /** @throws FormatError for what the vocabulary cannot write in `maxTokens`, and for a text that is not in the form */
  constructor({ format, written }: FormatRequest, vocabulary: FormatVocabulary, maxTokens: number) {
    if (vocabulary.ends.size === 0) throw new FormatError('needs a model with a token that ends an answer');
    this.#format = format;
    this.#vocabulary = vocabulary;
    this.#read = [new TextEncoder().encode(written)];
    this.#room = maxTokens;
    this.#kept = keptFormat(format, vocabulary);
    const state = this.#readAll();
    if (!state) throw new FormatError('is not that of the text that is continued');
    this.#state = state;
    const least = state.shortest + 1;
    if (least > maxTokens)
      throw new FormatError(`may need ${least} tokens for its shortest answer, and maxTokens is ${maxTokens}`);
  }

  accept(token: number): void {
    // The work of a token that was recorded counts as well, so that what follows is the same.
    this.#nextMask();
    this.#mask = null;
    const bytes = this.#vocabulary.bytesOf(token);
    this.#read.push(bytes);
    this.#room--;
    const state = this.#kept.isWorn ? this.#readAnew() : this.#kept.automaton.read(this.#state, bytes);
    if (!state) throw new Error('the answer leaves its form');
    this.#state = state;
  }

  mask(allowed: Uint32Array): void {
    const mask = this.#nextMask();
    for (let word = 0; word < allowed.length; word++) allowed[word] = u32(allowed, word) & (mask[word] ?? 0);
  }

  #nextMask(): Uint32Array {
    this.#mask ??= this.#work >= MOST_WORK ? this.#kept.nearestOf(this.#state) : this.#countedMask();
    return this.#mask;
  }

  #countedMask(): Uint32Array {
    // After the token, each byte that is missing may need one, and so does the end.
    const { allowed, work } = this.#kept.maskOf(this.#state, this.#room - 2);
    for (let i = 0; i < work.length; i += 2) this.#count(u32(work, i), u32(work, i + 1));
    return allowed;
  }

  #count(mark: number, steps: number): void {
    const known = this.#counted.get(mark) ?? 0;
    this.#work += Math.max(steps - known, 0) + PART_OF_KNOWN * steps;
    if (steps > known) this.#counted.set(mark, steps);
  }

  /** With an automaton that knows nothing yet, or what others have read. */
  #readAnew(): State | null {
    this.#kept = keptFormat(this.#format, this.#vocabulary);
    return this.#readAll();
  }

  #readAll(): State | null {
    const { automaton } = this.#kept;
    return this.#read.reduce<State | null>((state, bytes) => state && automaton.read(state, bytes), automaton.begin());
  }
}
