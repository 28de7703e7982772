import { Automaton, compileFormat, type Format, type State } from '../../../formats/formats.ts';
import { u32 } from '../../../lib/typed-arrays.ts';
import { type FormatMask, FormatMasks } from './format-mask.ts';
import { alphabetOf, type FormatVocabulary, trieOf } from './token-trie.ts';

const MOST_STATES = 20_000;
const MOST_MASK_BYTES = 16 * 2 ** 20;
/** Of each vocabulary. */
const MOST_FORMATS = 8;

/** A compiled format, and the masks of a vocabulary by its states. What it keeps changes how fast it is, and nothing else. */
export class KeptFormat {
  readonly automaton: Automaton;
  readonly #vocabulary: FormatVocabulary;
  readonly #masks = new Map<State, FormatMask>();
  #maskBytes = 0;
  #walk: FormatMasks | null = null;

  /** @throws FormatError */
  constructor(format: Format, vocabulary: FormatVocabulary) {
    this.automaton = new Automaton(compileFormat(format, alphabetOf(vocabulary)));
    this.#vocabulary = vocabulary;
  }

  /** Whether it has become so large that a new one takes less memory. */
  get isWorn(): boolean {
    return this.automaton.size > MOST_STATES;
  }

  /** @param room the most bytes that may be missing to an end after a token */
  maskOf(state: State, room: number): FormatMask {
    const mask = this.#masks.get(state) ?? this.#keep(state, this.#walked(state, Infinity));
    // What is found anew with less room must not depend on what is kept.
    return mask.farthest <= room ? mask : this.#walked(state, room);
  }

  /** Tokens on a shortest way to an end, or that end the answer where it may end. It takes no work to find them. */
  nearestOf(state: State): Uint32Array {
    const allowed = this.#masksOf().nearest(state);
    this.#allowEnds(allowed, state);
    return allowed;
  }

  #keep(state: State, mask: FormatMask): FormatMask {
    if (this.#maskBytes > MOST_MASK_BYTES) {
      this.#masks.clear();
      this.#maskBytes = 0;
    }
    this.#maskBytes += mask.allowed.byteLength + mask.work.byteLength;
    this.#masks.set(state, mask);
    return mask;
  }

  #walked(state: State, room: number): FormatMask {
    const mask = this.#masksOf().of(state, room);
    this.#allowEnds(mask.allowed, state);
    return mask;
  }

  #masksOf(): FormatMasks {
    this.#walk ??= new FormatMasks(this.automaton, trieOf(this.#vocabulary), this.#vocabulary.vocab);
    return this.#walk;
  }

  #allowEnds(allowed: Uint32Array, { mayEnd }: State): void {
    if (!mayEnd) return;
    for (const id of this.#vocabulary.ends) allowed[id >> 5] = u32(allowed, id >> 5) | (1 << (id & 31));
  }
}

const kept = new WeakMap<FormatVocabulary, Map<string, KeptFormat>>();

/** The same for all answers of a form at a time. @throws FormatError */
export function keptFormat(format: Format, vocabulary: FormatVocabulary): KeptFormat {
  const formats = kept.get(vocabulary) ?? new Map<string, KeptFormat>();
  kept.set(vocabulary, formats);
  const key = JSON.stringify(format);
  const known = formats.get(key);
  const found = known && !known.isWorn ? known : new KeptFormat(format, vocabulary);
  formats.delete(key);
  formats.set(key, found);
  const [oldest = key] = formats.keys();
  if (formats.size > MOST_FORMATS) formats.delete(oldest);
  return found;
}
