import { i32, u32 } from '../lib/typed-arrays.ts';
import type { LineForm, StanzaForm, VerseForm } from './contract.ts';
import { headingsOf } from './headings.ts';
import { endingShapes, type LinePlan, planLine } from './line-plan.ts';
import { allShapes } from './shapes.ts';
import type { Rhymes } from './words/rhymes.ts';
import type { WordSet } from './words/word-set.ts';
import { childOf } from './words/word-trie.ts';

/** The rhyme of a letter: its number, and the sounds of the words that were used for it. */
interface UsedRhyme {
  rhyme: number;
  sounds: readonly number[];
}

/**
 * Where a text is in its form. Positions are values: a step makes a new one.
 * - `START` and `GAP`: a word must begin, at the start of a line or after a space.
 * - `WORD`: in a word or at its end. `PAUSE`: after the punctuation mark that follows a word.
 * - `OVER`: nothing may follow.
 */
export interface VersePosition {
  readonly place: 'START' | 'GAP' | 'WORD' | 'PAUSE' | 'OVER';
  /** Text that must come next, before anything else: headings, blank lines and refrains. */
  readonly forced: string;
  readonly stanza: number;
  readonly line: number;
  readonly plan: LinePlan | null;
  /** Syllables of the line before the word at `node`. */
  readonly syllables: number;
  /** The trie's node of the word so far. */
  readonly node: number;
  readonly rhymes: ReadonlyMap<string, UsedRhyme>;
  /** The text of the stanza so far, and the texts of all stanzas before it. */
  readonly text: string;
  readonly texts: readonly string[];
}

/** Words of which one may come next: those of the set with one of the shapes. */
export interface WordChoice {
  readonly set: WordSet;
  readonly shapes: number;
}

const MARKS = ',.;:!?';

/**
 * Accepts the texts that keep a form, character by character. From every position that it accepts the form can be
 * completed, so a text that follows it is never stuck ([FORM2]).
 */
export class VerseAutomaton {
  readonly #form: VerseForm;
  readonly #rhymes: Rhymes;
  readonly #headings: readonly string[];

  constructor(form: VerseForm, rhymes: Rhymes) {
    this.#form = form;
    this.#headings = headingsOf(form);
    this.#rhymes = rhymes;
  }

  /** @param lead text that comes before the form, for example a blank line */
  begin(lead = ''): VersePosition {
    return this.#enterStanza(0, lead, []);
  }

  /** The position after one more character. Null if the form does not allow it here. */
  step(position: VersePosition, character: string): VersePosition | null {
    const next = this.#next(position, character);
    // Forced text is recorded where it is made, so that a refrain of a refrain's stanza stays whole.
    return next && position.forced === '' && next.stanza === position.stanza
      ? { ...next, text: position.text + character }
      : next;
  }

  #next(position: VersePosition, character: string): VersePosition | null {
    const { forced, place } = position;
    if (forced !== '') return forced.startsWith(character) ? { ...position, forced: forced.slice(1) } : null;
    if (place === 'OVER') return null;
    if (/^[A-Za-z']$/.test(character)) return this.#spell(position, character);
    if (character === ' ') return this.mayGoOn(position) ? this.#afterSpace(position) : null;
    if (character === '\n')
      return this.#mayEndLine(position) && !this.#isLast(position) ? this.#endLine(position) : null;
    const mayPause = place === 'WORD' && MARKS.includes(character);
    return mayPause && (this.mayGoOn(position) || this.#mayEndLine(position)) ? { ...position, place: 'PAUSE' } : null;
  }

  /** Whether the text may end here. */
  mayEnd(position: VersePosition): boolean {
    if (position.forced !== '') return false;
    return position.place === 'OVER' || (this.#isLast(position) && this.#mayEndLine(position));
  }

  /** Whether a space and another word may follow. */
  mayGoOn({ place, plan, node, syllables }: VersePosition): boolean {
    if (!plan || (place !== 'WORD' && place !== 'PAUSE')) return false;
    return (u32(plan.inner.own, node) & u32(plan.innerShapes, syllables)) !== 0;
  }

  /** The words that the word at `position.node` may become. */
  words({ plan, syllables, place, forced }: VersePosition): WordChoice[] {
    if (!plan || forced !== '' || place === 'PAUSE' || place === 'OVER') return [];
    return [
      { set: plan.inner, shapes: u32(plan.innerShapes, syllables) },
      { set: plan.final, shapes: u32(plan.finalShapes, syllables) },
    ];
  }

  /** The words that may follow after a space. */
  wordsAfterSpace(position: VersePosition): WordChoice[] {
    return position.forced === '' && this.mayGoOn(position) ? this.words(this.#afterSpace(position)) : [];
  }

  #spell(position: VersePosition, character: string): VersePosition | null {
    const { place } = position;
    if (place === 'PAUSE') return null;
    const letter = character.toLowerCase();
    // Only the first letter of a word may be a capital.
    if (place === 'WORD' && letter !== character) return null;
    const { trie } = this.#rhymes.words;
    const node = childOf(trie, position.node, letter.charCodeAt(0));
    const leads = ({ set, shapes }: WordChoice): boolean => (u32(set.below, node) & shapes) !== 0;
    return node !== 0 && this.words(position).some(leads) ? { ...position, place: 'WORD', node } : null;
  }

  #afterSpace(position: VersePosition): VersePosition {
    const { plan, node, syllables } = position;
    return {
      ...position,
      place: 'GAP',
      syllables: syllables + syllablesOf(plan ? u32(plan.inner.own, node) : 0),
      node: 0,
    };
  }

  #mayEndLine({ place, plan, node, syllables }: VersePosition): boolean {
    if (!plan || (place !== 'WORD' && place !== 'PAUSE')) return false;
    return (u32(plan.final.own, node) & u32(plan.finalShapes, syllables)) !== 0;
  }

  /** Whether nothing follows this line. */
  #isLast({ stanza, line }: VersePosition): boolean {
    return stanza === this.#form.stanzas.length - 1 && line === this.#stanza(stanza).lines.length - 1;
  }

  #endLine(position: VersePosition): VersePosition {
    const { stanza, line, text, texts } = position;
    const rhymes = this.#withRhyme(position);
    if (line + 1 < this.#stanza(stanza).lines.length) return this.#enterLine({ ...position, line: line + 1, rhymes });
    return this.#enterStanza(stanza + 1, '\n', [...texts, text]);
  }

  #withRhyme({ stanza, line, node, rhymes }: VersePosition): ReadonlyMap<string, UsedRhyme> {
    const letter = this.#stanza(stanza).lines[line]?.rhyme;
    if (letter == null) return rhymes;
    const { words } = this.#rhymes;
    const word = i32(words.trie.words, node);
    const sounds = [...(rhymes.get(letter)?.sounds ?? []), i32(words.sounds, word)];
    return new Map(rhymes).set(letter, { rhyme: i32(words.rhymes, word), sounds });
  }

  /** Writes headings and refrains up to the next stanza that is to be written. */
  #enterStanza(index: number, before: string, texts: readonly string[]): VersePosition {
    const stanza = this.#form.stanzas[index];
    const at = { stanza: index, line: 0, syllables: 0, node: 0, rhymes: new Map<string, UsedRhyme>(), text: '', texts };
    if (!stanza) return { ...at, place: 'OVER', forced: before, plan: null };
    const forced = before + (this.#headings[index] ?? '');
    if (stanza.refrainOf === null) return this.#enterLine({ ...at, place: 'START', forced, plan: null });
    const refrain = texts[stanza.refrainOf] ?? '';
    const isLast = index === this.#form.stanzas.length - 1;
    return this.#enterStanza(index + 1, `${forced}${refrain}${isLast ? '' : '\n\n'}`, [...texts, refrain]);
  }

  #enterLine(position: VersePosition): VersePosition {
    const { lines } = this.#stanza(position.stanza);
    const form = lines[position.line];
    if (!form) throw new Error('a stanza without lines');
    const plan = planLine(form, this.#rhymes.all, this.#finalWords(form, lines, position.rhymes));
    return { ...position, place: 'START', plan, syllables: 0, node: 0 };
  }

  #finalWords({ rhyme }: LineForm, lines: readonly LineForm[], rhymes: ReadonlyMap<string, UsedRhyme>): WordSet {
    if (rhyme === null) return this.#rhymes.endings;
    const used = rhymes.get(rhyme);
    if (used) return this.#rhymes.rhymesWith(used.rhyme, used.sounds);
    return this.#rhymes.openings(lines.filter((line) => line.rhyme === rhyme).map(endingShapes));
  }

  #stanza(index: number): StanzaForm {
    const stanza = this.#form.stanzas[index];
    if (!stanza) throw new RangeError(`There is no stanza ${index}`);
    return stanza;
  }
}

/** The syllables of the one shape in the bits. */
function syllablesOf(bits: number): number {
  return allShapes[31 - Math.clz32(bits)]?.syllables ?? 0;
}
