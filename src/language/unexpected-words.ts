import { characterPositions } from '../lib/text/characters.ts';
import type { ScoredToken } from './score-tokens.ts';

/** A word in whose place the model finds another far likelier. Positions are UTF-16 code units. */
export interface UnexpectedWord {
  start: number;
  end: number;
  /** As it is written. */
  text: string;
  /** The likelier word, with the same capital. */
  meant: string;
  /** Surprisal of its sentence in bits, as it is and with the likelier word. */
  bits: number;
  bitsIfMeant: number;
}

/** Least surprisal, in bits, of a word that is looked at, together with the word after it. */
const LEAST_BITS = 8;
/** Number of bits by which the sentence must be likelier with the other word. */
const LEAST_GAIN = 6;
/** Words that are looked up and tried, the most surprising first, and others that are tried for each: they bound the work. */
const MOST_LOOKED_UP = 50;
const MOST_WORDS = 12;
const MOST_OTHERS = 4;
/** UTF-16 code units that are read before a word and after it. */
const AROUND = 200;
const WORD = /\p{L}+(?:['’]\p{L}+)*/gu;
const SENTENCE_END = /[.!?…]["'”’)\]]*\s|\n/;

/** The words that a word, in lower case, is easily confused with. */
type ConfusedWith = (word: string) => readonly string[];
type Score = (text: string) => Promise<readonly ScoredToken[]>;

/**
 * Words that are spelled right and probably meant to be others: of the words that surprise the model, those in whose
 * place a word that is easily confused with them makes the sentence far likelier ([SCORE3]).
 * @param tokens of the text
 */
export async function unexpectedWords(
  text: string,
  tokens: readonly ScoredToken[],
  { confusedWith, score }: { confusedWith: ConfusedWith; score: Score },
): Promise<UnexpectedWord[]> {
  const found: UnexpectedWord[] = [];
  for (const suspect of suspectsIn(text, tokens, confusedWith)) {
    const better = await likelier(text, suspect, score);
    if (better) found.push(better);
  }
  return found.toSorted((a, b) => a.start - b.start);
}

interface Suspect {
  start: number;
  text: string;
  others: readonly string[];
}

/** Words that can be confused with others, the most surprising first. */
function suspectsIn(text: string, tokens: readonly ScoredToken[], confusedWith: ConfusedWith): Suspect[] {
  const words = Array.from(text.matchAll(WORD), ({ 0: word, index }) => ({ text: word, start: index }));
  const bits = bitsOfWords(text, words, tokens);
  return words
    .map((word, i) => ({ ...word, bits: (bits[i] ?? 0) + (bits[i + 1] ?? 0) }))
    .filter((word) => word.bits >= LEAST_BITS)
    .toSorted((a, b) => b.bits - a.bits)
    .slice(0, MOST_LOOKED_UP)
    .map((word) => ({ ...word, others: othersOf(word.text, confusedWith) }))
    .filter(({ others }) => others.length > 0)
    .slice(0, MOST_WORDS);
}

const othersOf = (word: string, confusedWith: ConfusedWith): readonly string[] =>
  confusedWith(word.toLowerCase().replace('’', "'")).slice(0, MOST_OTHERS);

/** The surprisal of each word: of the tokens that begin in it or in the space before it. */
function bitsOfWords(text: string, words: readonly Pick<Suspect, 'start' | 'text'>[], tokens: readonly ScoredToken[]) {
  const at = characterPositions(text);
  let next = 0;
  return words.map((word) => {
    const [start, end] = [at(word.start), at(word.start + word.text.length)];
    let bits = 0;
    for (; (tokens[next]?.start ?? Infinity) < end; next++) {
      const token = tokens[next];
      if (token && token.end > start) bits += bitsOf(token);
    }
    return bits;
  });
}

const bitsOf = ({ logprob }: ScoredToken): number => -logprob / Math.LN2;

/** The likeliest of a word's others, if the sentence is likelier with it by enough. */
async function likelier(
  text: string,
  { start, text: word, others }: Suspect,
  score: Score,
): Promise<UnexpectedWord | null> {
  const [before, after] = around(text, start, start + word.length);
  const bitsWith = async (other: string): Promise<number> =>
    (await score(before + other + after)).reduce((sum, token) => sum + bitsOf(token), 0);
  const bits = await bitsWith(word);
  let best: UnexpectedWord | null = null;
  for (const other of others) {
    const meant = spelledLike(word, other);
    const bitsIfMeant = await bitsWith(meant);
    if (bits - bitsIfMeant < LEAST_GAIN || bitsIfMeant >= (best?.bitsIfMeant ?? Infinity)) continue;
    best = { start, end: start + word.length, text: word, meant, bits, bitsIfMeant };
  }
  return best;
}

/** What stands before and after in reach: from a whole word on, and to the end of the sentence. */
function around(text: string, start: number, end: number): [string, string] {
  const from = Math.max(0, start - AROUND);
  const before = from === 0 ? text.slice(0, start) : text.slice(from, start).replace(/^\S*\s/u, '');
  const rest = text.slice(end, end + AROUND);
  const sentenceEnd = SENTENCE_END.exec(rest);
  if (sentenceEnd) return [before, rest.slice(0, sentenceEnd.index + 1)];
  return [before, end + AROUND < text.length ? rest.replace(/\s\S*$/u, '') : rest];
}

/** With the other's capitals and apostrophes. */
function spelledLike(word: string, other: string): string {
  const typed = word.includes('’') ? other.replace("'", '’') : other;
  if (word.length > 1 && word === word.toUpperCase()) return typed.toUpperCase();
  const first = word.charAt(0);
  return first === first.toLowerCase() ? typed : typed.charAt(0).toUpperCase() + typed.slice(1);
}
