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
  maskOf(state: State, room: number): Uint32Array {
    const mask = this.#masks.get(state) ?? this.#keep(state, this.#walked(state, Infinity));
    // What is found anew with less room must not depend on what is kept.
    return mask.farthest <= room ? mask.allowed : this.#walked(state, room).allowed;
  }

  #keep(state: State, mask: FormatMask): FormatMask {
    if (this.#masks.size * mask.allowed.byteLength > MOST_MASK_BYTES) this.#masks.clear();
    this.#masks.set(state, mask);
    return mask;
  }

  #walked(state: State, room: number): FormatMask {
    const { vocab, ends } = this.#vocabulary;
    this.#walk ??= new FormatMasks(this.automaton, trieOf(this.#vocabulary), vocab);
    const mask = this.#walk.of(state, room);
    if (state.mayEnd) for (const id of ends) mask.allowed[id >> 5] = u32(mask.allowed, id >> 5) | (1 << (id & 31));
    return mask;
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
