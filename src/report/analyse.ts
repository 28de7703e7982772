import type { VerseWords } from '../verse/verse.ts';
import { agreed, ofParagraphs } from './agreement.ts';
import { MOST_FINDINGS, type TextReport } from './contract.ts';
import type { Detector } from './findings/candidate.ts';
import { cliches } from './findings/cliches.ts';
import { passives } from './findings/passive.ts';
import { repetition } from './findings/repetition.ts';
import { evenRhythm, sameOpening } from './findings/rhythm.ts';
import { personSlips, tenseSlips } from './findings/tense.ts';
import { unclosedQuotes } from './findings/unclosed-quotes.ts';
import { readVerseLines } from './findings/verse.ts';
import { measureText } from './measures.ts';
import { moodOf } from './mood.ts';
import { readAgain } from './reading/read-text.ts';
import type { Reading } from './reading/reading.ts';
import { applied } from './suggestions.ts';

const detectors: readonly Detector[] = [
  ...ofParagraphs,
  ...[tenseSlips, evenRhythm, sameOpening, repetition, passives, cliches, personSlips, unclosedQuotes],
];

/**
 * Everything that is found in a text. It depends on the arguments alone.
 * @param words null leaves out what needs pronunciations
 */
export function analyse(reading: Reading, words: VerseWords | null): TextReport {
  const { text, language } = reading;
  const lines = words && reading.isVerse && language === 'EN' ? readVerseLines(reading, words) : null;
  const found = [...detectors.flatMap((detect) => detect(reading)), ...(lines?.candidates ?? [])];
  const inOrder = found.toSorted((a, b) => a.start - b.start || a.end - b.end || (a.kind < b.kind ? -1 : 1));
  const findings = agreed(reading, inOrder.slice(0, MOST_FINDINGS));
  const suggestions = findings.flatMap(({ suggestion }) => suggestion ?? []);
  const after = suggestions.length === 0 ? reading : readAgain(applied(text, suggestions), reading);
  return {
    language,
    measures: measureText(reading),
    measuresWithSuggestions: measureText(after),
    mood: moodOf(reading),
    verse: lines?.verse ?? null,
    findings,
    findingCount: found.length,
  };
}
