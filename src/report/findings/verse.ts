import { fitsMetre, type Saying, sayingOf, type VerseMetre, type VerseWords } from '../../verse/verse.ts';
import type { TextSpan, VerseLine, VerseReport } from '../contract.ts';
import type { Reading } from '../reading/reading.ts';
import { linesOf } from '../reading/verse-lines.ts';
import { type Candidate, fact, round } from './candidate.ts';

interface ReadLine extends TextSpan {
  words: readonly (TextSpan & { text: string; saying: Saying | null })[];
  syllables: number | null;
}

const METRES: readonly VerseMetre[] = ['IAMBIC', 'TROCHAIC', 'ANAPAESTIC', 'DACTYLIC'];
/** Words of two and more syllables that it takes to speak of a metre, and the share of them that keep it. */
const FEWEST_STRESSES = 8;
const KEPT = 0.85;
const AHEAD = 0.15;
const FEWEST_LINES = 4;
const AGREEING = 0.75;
/** A line may have a syllable more or less at its end. */
const USUAL_DIFFERENCE = 1;

/** English verse by the pronunciations of the CMU dictionary: what its lines are, and which of them differ from the others. */
export function readVerseLines(reading: Reading, words: VerseWords): { verse: VerseReport; candidates: Candidate[] } {
  const stanzas = reading.blocks.map((block) =>
    linesOf(reading.text, block).map((line) => readLine(reading.text, line, words)),
  );
  const rhymed = stanzas.map(schemeOf);
  const lines = stanzas.flat();
  const metre = metreOf(lines);
  const verse: VerseReport = {
    stanzas: stanzas.map((stanza, i) => ({
      lines: stanza.map(({ start, end, syllables }, at): VerseLine => ({
        start,
        end,
        syllables,
        rhyme: rhymed[i]?.[at] ?? '?',
      })),
    })),
    metre: metre?.metre ?? null,
    metreShare: metre && round(metre.share),
  };
  const candidates = [
    ...oddLengths(stanzas),
    ...(metre ? oddStresses(lines, metre.metre) : []),
    ...brokenRhymes(stanzas, rhymed),
  ];
  return { verse, candidates };
}

function readLine(text: string, { start, end }: TextSpan, known: VerseWords): ReadLine {
  const found = [...text.slice(start, end).matchAll(/[\p{L}][\p{L}'’]*/gu)];
  const words = found.map(({ 0: word, index }) => ({
    ...{ start: start + index, end: start + index + word.length, text: word },
    saying: said(known, word.toLowerCase().replaceAll('’', "'")),
  }));
  const isCertain =
    words.length > 0 && words.every(({ saying }) => saying !== null) && !/\d/.test(text.slice(start, end));
  const syllables = isCertain ? words.reduce((sum, { saying }) => sum + (saying?.syllables ?? 0), 0) : null;
  return { start, end, words, syllables };
}

/** "Summer's" is said as "summer" is; "rose's" has a syllable more. Its rhyme is another one. */
function said(known: VerseWords, word: string): Saying | null {
  const whole = sayingOf(known, word);
  const owner = /^(.*[a-z])'s$/.exec(word)?.[1];
  if (whole || owner === undefined) return whole;
  const saying = sayingOf(known, owner);
  return (
    saying && { ...saying, syllables: saying.syllables + (/(?:[sxz]|[cs]h|[cgs]e)$/.test(owner) ? 1 : 0), rhyme: null }
  );
}

/** A letter for each line. */
function schemeOf(stanza: readonly ReadLine[]): string[] {
  const endings = stanza.map(({ words }) => words.at(-1));
  const rhymes = endings.map((word) => word?.saying?.rhyme ?? null);
  const letters = new Map<number, string>();
  return rhymes.map((rhyme, i) => {
    if (rhyme === null) return '?';
    const partners = rhymes.filter((other) => other === rhyme).length;
    // Lines whose last word is uncertain may rhyme with it.
    if (partners === 1) return rhymes.some((other, at) => other === null && at !== i) ? '?' : '-';
    const known = letters.get(rhyme) ?? String.fromCharCode(65 + (letters.size % 26));
    letters.set(rhyme, known);
    return known;
  });
}

/** The metre that words' primary stresses keep. A line's first word may differ, as it does in most verse. */
function metreOf(lines: readonly ReadLine[]): { metre: VerseMetre; share: number } | null {
  const shares = METRES.map((metre) => {
    const stresses = lines.flatMap((line) => stressesOf(line));
    const kept = stresses.filter(({ saying, at }) => fitsMetre(saying, at, metre)).length;
    return { metre, share: stresses.length < FEWEST_STRESSES ? 0 : kept / stresses.length };
  }).toSorted((a, b) => b.share - a.share);
  const [best, second] = shares;
  return best && second && best.share >= KEPT && best.share - second.share >= AHEAD ? best : null;
}

/** Words of two and more syllables, each with the syllable of the line at which it begins. */
function stressesOf({
  words,
  syllables,
}: ReadLine): { word: TextSpan & { text: string }; saying: Saying; at: number }[] {
  if (syllables === null) return [];
  let at = 0;
  return words.flatMap(({ saying, ...word }, i) => {
    const from = at;
    at += saying?.syllables ?? 0;
    return saying && saying.syllables > 1 && i > 0 ? [{ word, saying, at: from }] : [];
  });
}

const METRE_NAMES: Readonly<Record<VerseMetre, { EN: string; ZH: string }>> = {
  IAMBIC: { EN: 'iambic', ZH: '抑扬格' },
  TROCHAIC: { EN: 'trochaic', ZH: '扬抑格' },
  ANAPAESTIC: { EN: 'anapaestic', ZH: '抑抑扬格' },
  DACTYLIC: { EN: 'dactylic', ZH: '扬抑抑格' },
};

function oddStresses(lines: readonly ReadLine[], metre: VerseMetre): Candidate[] {
  return lines.flatMap((line) => {
    const odd = stressesOf(line).find(({ saying, at }) => !fitsMetre(saying, at, metre));
    if (!odd) return [];
    const syllable = odd.at + odd.saying.stress + 1;
    return [
      fact('LINE_METRE', odd.word, syllable, {
        EN: `“${odd.word.text}” has its stress on syllable ${syllable} of the line, where the poem's ${METRE_NAMES[metre].EN} metre has none.`,
        ZH: `“${odd.word.text}”的重音落在该行第${syllable}个音节，而全诗的${METRE_NAMES[metre].ZH}在此处没有重音。`,
      }),
    ];
  });
}

/** Lines whose length differs from the lines in the same place of other stanzas, or of one stanza. */
function oddLengths(stanzas: readonly (readonly ReadLine[])[]): Candidate[] {
  const groups = stanzas.length === 1 ? [stanzas[0] ?? []] : linesByPlace(stanzas);
  return groups.flatMap((group) => {
    const counted = group.flatMap(({ syllables, ...line }) => (syllables === null ? [] : [{ ...line, syllables }]));
    const usual = mostFrequent(counted.map(({ syllables }) => syllables));
    const agreeing = counted.filter(({ syllables }) => syllables === usual).length;
    if (usual === null || counted.length < FEWEST_LINES || agreeing / counted.length < AGREEING) return [];
    return counted
      .filter(({ syllables }) => Math.abs(syllables - usual) > USUAL_DIFFERENCE)
      .map((line) =>
        fact('LINE_SYLLABLES', { start: line.start, end: line.end }, line.syllables, {
          EN: `The line has ${line.syllables} syllables; ${agreeing} of the ${counted.length} lines in its place have ${usual}.`,
          ZH: `这一行有${line.syllables}个音节；同一位置的${counted.length}行中有${agreeing}行是${usual}个音节。`,
        }),
      );
  });
}

function linesByPlace(stanzas: readonly (readonly ReadLine[])[]): ReadLine[][] {
  const usual = mostFrequent(stanzas.map(({ length }) => length)) ?? 0;
  const alike = stanzas.filter(({ length }) => length === usual);
  return Array.from({ length: usual }, (_, at) => alike.flatMap((stanza) => stanza[at] ?? []));
}

/** Of several, the first. Null of none. */
function mostFrequent(values: readonly number[]): number | null {
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].toSorted(([, a], [, b]) => b - a)[0]?.[0] ?? null;
}

/** Lines that do not rhyme although the same lines do in all other stanzas. */
function brokenRhymes(stanzas: readonly (readonly ReadLine[])[], schemes: readonly (readonly string[])[]): Candidate[] {
  if (stanzas.length < 3) return [];
  return stanzas.flatMap((stanza, s) => {
    const others = schemes.filter((scheme, i) => i !== s && scheme.length === stanza.length);
    if (others.length !== stanzas.length - 1) return [];
    return stanza.flatMap((line, at) => {
      const partner = stanza.findIndex(
        (_, i) => i < at && others.every((scheme) => /[A-Z]/.test(scheme[i] ?? '') && scheme[i] === scheme[at]),
      );
      const [word, other] = [line.words.at(-1), stanza[partner]?.words.at(-1)];
      if (!word?.saying || !other?.saying || word.saying.rhyme === null || other.saying.rhyme === null) return [];
      if (word.saying.rhyme === other.saying.rhyme || looksAlike(word.text, other.text)) return [];
      return [
        fact('LINE_RHYME', word, others.length, {
          EN: `“${word.text}” does not rhyme with “${other.text}” in North American pronunciation; these lines rhyme in the ${others.length} other stanzas.`,
          ZH: `按北美发音，“${word.text}”与“${other.text}”不押韵；其余${others.length}节的这两行都押韵。`,
        }),
      ];
    });
  });
}

/** "Love" and "move" rhyme for the eye, and once did for the ear. */
const looksAlike = (a: string, b: string): boolean => a.slice(-3).toLowerCase() === b.slice(-3).toLowerCase();
