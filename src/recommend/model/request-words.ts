import { foldText } from '../../lib/text/folded-text.ts';
import { isStopWord, segmentsOf } from './words.ts';

/** What a word of a request does: it is looked for, or says what is not wanted, or says nothing of the music. */
type WordUse = 'WANTED' | 'NEGATED' | 'FILLER';

export interface RequestWord {
  /** In normal form, as tracks are described by it. */
  word: string;
  /** As it was written, in lower case. */
  written: string;
  use: WordUse;
}

/**
 * The words of what somebody asks for in their own words, each once. “Not metal” asks for no metal: a negation holds to the end
 * of its clause, and what it holds for never counts for a track ([WORDS1]).
 */
export function requestWords(text: string): RequestWord[] {
  const found = new Map<string, RequestWord>();
  const negation = new Negation();
  let before = '';
  for (const { written, word } of segmentsOf(text)) {
    const reading = negation.read(word);
    const refused = reading === 'BEGINS' ? found.get(before) : undefined;
    if (refused && REFUSALS.has(before)) refused.use = 'FILLER';
    before = word;
    if (word === '') continue;
    const isFiller = isStopWord(word) || FILLERS.has(word) || reading === 'BEGINS';
    const use = isFiller ? 'FILLER' : reading === 'HOLDS' ? 'NEGATED' : 'WANTED';
    // Who wants it in one place and not in another does not simply want it.
    if (!found.has(word) || use === 'NEGATED') found.set(word, { word, written, use });
  }
  return [...found.values()];
}

/** Those that count for tracks. */
export const wantedWords = (text: string): RequestWord[] => requestWords(text).filter(({ use }) => use === 'WANTED');

/** Whether what is being read is negated: a negation begins with this word, holds for it, or there is none. */
class Negation {
  /** Words that it holds for so far; null: there is none. */
  #words: number | null = null;
  #before = '';

  /** @param word empty for punctuation */
  read(word: string): 'BEGINS' | 'HOLDS' | null {
    const before = this.#before;
    this.#before = word;
    const begins = this.#begins(word, before);
    if (begins) this.#words = 0;
    else if (this.#ends(word, before)) this.#words = null;
    if (begins) return 'BEGINS';
    if (this.#words === null || isStopWord(word) || FILLERS.has(word)) return null;
    this.#words += 1;
    return 'HOLDS';
  }

  #begins(word: string, before: string): boolean {
    return NEGATIONS.has(word) || (REFUSALS.has(before) && WISHES.has(word)) || (word === 'but' && WHOLES.has(before));
  }

  /** “No metal for running” is about running; “not for running” is not. */
  #ends(word: string, before: string): boolean {
    if (word === '' || CONTRASTS.has(word)) return true;
    if (NEGATIONS.has(before) && LIMITS.has(word)) return true;
    return (this.#words ?? 0) > 0 && OPENINGS.has(word);
  }
}

const setOf = (words: string): ReadonlySet<string> => new Set(words.split(' ').map(foldText));

const NEGATIONS = setOf(
  'not no non nor neither without except excluding minus avoid hate dislike 不 不要 不想 不是 不喜欢 没有 没 别 无 非 除了 讨厌 拒绝',
);
/** “Don’t want” refuses; “Don’t Stop” is a title. */
const REFUSALS = setOf('dont doesnt cant cannot never');
const WISHES = setOf('want wanna like need play feel stand');
/** “Anything but metal”. */
const WHOLES = setOf('anything everything all');
/** “Not only jazz” asks for jazz as well. */
const LIMITS = setOf('only just merely necessarily 只 仅');
const CONTRASTS = setOf('but rather instead yet though however only just 但 但是 而是 而 只要 只');
/** What a new thought begins with. */
const OPENINGS = setOf('for with something some i give please while when 给 用于 适合');

/** Words about asking for music, and not about the music. */
const FILLERS = setOf(
  'music musics song songs track tracks tune tunes list playlist stuff thing things kind kinds sort sorts type types bit ' +
    'anything everything nothing please play playing hear hearing listen listening find give show recommend suggest need ' +
    'want wanna would love could can you your we us so too very really quite rather just only much more most lot lots ' +
    'but when while if then im id do does did 但 但是 而是 而 只要 只 仅 音乐 歌 歌曲 曲子 首 些 请 给 推荐 播放 来 点 适合 用于 很 非常 比较',
);
