import { foldText } from './folded-text.ts';

const SCRIPTS = 'Han Hiragana Katakana Bopomofo Hangul Thai Lao Khmer Myanmar'.split(' ');
/**
 * Scripts without spaces between words, or with endings attached to them. A search may ask for any part of such text.
 */
const UNSPACED = SCRIPTS.map((script) => String.raw`\p{Script_Extensions=${script}}`).join('');
/** Letters, digits and the marks that belong to them. */
const WORD = String.raw`\p{L}\p{M}\p{N}`;
const RUNS = new RegExp(`(?:(?=[${WORD}])[${UNSPACED}])+|(?:(?![${UNSPACED}])[${WORD}])+`, 'gu');
const STARTS_UNSPACED = new RegExp(`^[${UNSPACED}]`, 'u');
const HAS_WORD = new RegExp(`[${WORD}]`, 'u');
const NO_WORD = new RegExp(`[^${WORD}]+`, 'gu');

/**
 * The words of a name in normal form, separated by spaces, for comparing whole names. A name without words consists of
 * its signs.
 */
export function wordsText(text: string): string {
  const folded = withoutDots(foldText(text));
  return folded.replace(NO_WORD, ' ').trim() || folded;
}

/** “r.e.m.” is one word. */
function withoutDots(folded: string): string {
  return folded.replace(/(?<![\p{L}\p{N}])\p{L}(?:\.\p{L})+(?![\p{L}\p{N}])\.?/gu, (letters) =>
    letters.replaceAll('.', ''),
  );
}

const chunksOf = (text: string): string[] => withoutDots(foldText(text)).split(' ').filter(Boolean);

/** Spellings of words with their signs removed or replaced. */
export const joinedSpellings = (text: string): string[] =>
  chunksOf(text).flatMap((chunk) => [...otherSpellings(chunk)]);

/** The terms by which a text can be found, each once: its words, and parts of words. */
export interface Terms {
  words: ReadonlySet<string>;
  parts: ReadonlySet<string>;
}

/** Longer words are truncated. Of text without spaces, this many characters are kept from each letter on. */
const LONGEST_WORD = 40;
const LONGEST_PART = 10;
/** Shorter endings of a word are not indexed. */
const SHORTEST_END = 3;

/**
 * Every string in the text, anywhere in a word, is the beginning of one of these terms, so that a search needs only
 * prefixes.
 */
export function termsIn(text: string): Terms {
  const words = new Set<string>();
  const parts = new Set<string>();
  for (const chunk of chunksOf(text)) {
    for (const run of runsIn(chunk)) {
      const letters = Array.from(run);
      const [longest, shortest] = isUnspaced(run) ? [LONGEST_PART, 1] : [LONGEST_WORD, SHORTEST_END];
      words.add(letters.slice(0, longest).join(''));
      for (let i = 1; i <= letters.length - shortest; i++) parts.add(letters.slice(i, i + longest).join(''));
    }
    for (const spelling of otherSpellings(chunk)) words.add(spelling);
  }
  return { words, parts };
}

/**
 * The terms by which a long text can be found: every beginning of its words and, in scripts without spaces, every
 * string.
 */
export function beginningsIn(text: string): Iterable<string> {
  const { words, parts } = termsIn(text);
  return [...words, ...[...parts].filter(isUnspaced)];
}

/** A term that a text must contain, exactly or as a prefix. */
interface AskedTerm {
  text: string;
  whole: boolean;
}

/** For each word of the search its spellings. All terms of one spelling must occur. */
export type TermQuery = readonly (readonly (readonly AskedTerm[])[])[];

export function termQuery(search: string): TermQuery {
  const chunks = chunksOf(search);
  const signsOnly = !chunks.some((chunk) => HAS_WORD.test(chunk));
  if (signsOnly) return chunks.map((chunk) => [[askedTerm(chunk, true)]]);
  const asked = chunks.filter((chunk) => HAS_WORD.test(chunk) || AND.has(chunk));
  return asked.map((chunk, i) => {
    const spellings = [runsIn(chunk).flatMap(piecesOf), ...[...otherSpellings(chunk)].map((spelling) => [spelling])];
    const isLast = i === asked.length - 1;
    return spellings.filter((terms) => terms.length > 0).map((terms) => askedTerms(terms, isLast));
  });
}

/**
 * Shorter words are not matched as prefixes, because too many words begin with them. Only the last word may be
 * unfinished.
 */
const SHORTEST_BEGINNING = 3;

const askedTerms = (terms: readonly string[], isLast: boolean): AskedTerm[] =>
  terms.map((text, i) => askedTerm(text, isLast && i === terms.length - 1));

function askedTerm(text: string, mayBeBeginning: boolean): AskedTerm {
  const whole = Array.from(text).length < SHORTEST_BEGINNING && !mayBeBeginning && !isUnspaced(text);
  return { text: shortened(text), whole };
}

const shortened = (word: string): string => Array.from(word).slice(0, LONGEST_WORD).join('');

const runsIn = (chunk: string): string[] => chunk.match(RUNS) ?? [];
const isUnspaced = (run: string): boolean => STARTS_UNSPACED.test(run);

/** A run without spaces is longer than what is indexed from each letter on, so it is searched piece by piece. */
function piecesOf(run: string): string[] {
  if (!isUnspaced(run)) return [run];
  const letters = Array.from(run);
  const starts = Array.from({ length: Math.ceil(letters.length / LONGEST_PART) }, (_, i) => i * LONGEST_PART);
  return starts.map((start) => letters.slice(start, start + LONGEST_PART).join(''));
}

/** Other ways to write “and”. */
const AND: ReadonlySet<string> = new Set(['&', '+', 'n']);
const DISGUISES: Readonly<Record<string, string>> = { $: 's', '!': 'i', '@': 'a' };

/** “ac/dc” is also “acdc”, “ke$ha” “kesha”, “&” “and”. Signs by themselves are a word. */
function otherSpellings(chunk: string): Set<string> {
  const spellings = new Set<string>();
  if (AND.has(chunk)) spellings.add('and');
  const undisguised = chunk.replace(
    /\$(?=\p{L})|(?<=\p{L})[$]|(?<=\p{L})[!@](?=\p{L})/gu,
    (sign) => DISGUISES[sign] ?? '',
  );
  const runs = runsIn(chunk);
  for (const joined of [chunk.replace(NO_WORD, ''), undisguised.replace(NO_WORD, '')]) {
    if (joined !== '' && joined !== runs[0]) spellings.add(shortened(joined));
  }
  if (runs.length === 0) spellings.add(shortened(chunk));
  return spellings;
}
