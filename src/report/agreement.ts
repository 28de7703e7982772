import type { Finding, FindingKind, Suggestion, TextSpan } from './contract.ts';
import type { Candidate, Detector } from './findings/candidate.ts';
import { fillers } from './findings/fillers.ts';
import { longSentences } from './findings/long-sentences.ts';
import { repeatedWords } from './findings/repetition.ts';
import { wordy } from './findings/wordy.ts';
import { readAgain } from './reading/read-text.ts';
import type { Reading } from './reading/reading.ts';
import { applied, rangeAt, withoutOverlaps } from './suggestions.ts';

/** What is found in a paragraph whatever stands in others, so that a paragraph can be looked at again by itself. */
export const ofParagraphs: readonly Detector[] = [repeatedWords, wordy, fillers, longSentences];
/** Words of a sentence that is read again for each suggestion. A longer one has none, which bounds the time. */
const LONGEST = 120;
/** Times that a paragraph is looked at again with fewer suggestions, before it gets none. */
const MOST_TRIES = 4;

/**
 * Findings whose suggestions are right alone and together ([REPORT3]): they do not overlap, each improves its number,
 * and with all of them a paragraph has only those findings left that have none.
 */
export function agreed(reading: Reading, candidates: readonly Candidate[]): Finding[] {
  const measured = withoutOverlaps(candidates).map((candidate) => measuredAgain(reading, candidate));
  const dropped = new Set(reading.blocks.flatMap((block) => disagreeing(reading, block, measured)));
  return measured.map((finding) => (dropped.has(finding) ? withoutSuggestion(finding) : finding));
}

const withoutSuggestion = (finding: Finding): Finding => ({ ...finding, suggestion: null, valueWithSuggestion: null });

function measuredAgain(reading: Reading, { again, ...candidate }: Candidate): Finding {
  const { suggestion, kind, value } = candidate;
  const sentence = suggestion && rangeAt(reading.sentences, suggestion.start);
  if (!suggestion || !again || !sentence || suggestion.end > sentence.end || sentence.words.length > LONGEST)
    return withoutSuggestion({ ...candidate, valueWithSuggestion: null });
  const after = again(changed(reading, sentence, [suggestion]));
  const isBetter = kind === 'TENSE_SLIP' ? after > value : after < value;
  return isBetter
    ? { ...candidate, valueWithSuggestion: after }
    : withoutSuggestion({ ...candidate, valueWithSuggestion: null });
}

/** A part of the text, read again with suggestions applied. */
function changed(reading: Reading, { start, end }: TextSpan, suggestions: readonly Suggestion[]): Reading {
  const own = suggestions.map((one) => ({ ...one, start: one.start - start, end: one.end - start }));
  return readAgain(applied(reading.text.slice(start, end), own), reading);
}

/** The findings of a paragraph whose suggestions do not go together with the others. The last ones give way. */
function disagreeing(reading: Reading, block: TextSpan, findings: readonly Finding[]): Finding[] {
  const own = findings.filter(
    ({ suggestion }) => suggestion && suggestion.start >= block.start && suggestion.start < block.end,
  );
  if (own.length === 0) return [];
  const before = counts(changed(reading, block, []));
  const isRight = (kept: readonly Finding[]): boolean => {
    const after = counts(
      changed(
        reading,
        block,
        kept.flatMap(({ suggestion }) => suggestion ?? []),
      ),
    );
    return Array.from(before).every(
      ([kind, count]) => (after.get(kind) ?? 0) === count - kept.filter((one) => one.kind === kind).length,
    );
  };
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const kept = own.slice(0, Math.floor((own.length * (MOST_TRIES - tries)) / MOST_TRIES));
    if (isRight(kept)) return own.slice(kept.length);
  }
  return own;
}

const KINDS: readonly FindingKind[] = ['REPEATED_WORD', 'WORDY', 'FILLER', 'LONG_SENTENCE'];

function counts(reading: Reading): ReadonlyMap<FindingKind, number> {
  const found = ofParagraphs.flatMap((detect) => detect(reading));
  return new Map(KINDS.map((kind) => [kind, found.filter((one) => one.kind === kind).length]));
}
