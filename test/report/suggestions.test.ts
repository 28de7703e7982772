import { describe, expect, it } from 'vitest';
import { randomStream } from '../../src/lib/random.ts';
import { BLAKE, CAFE, documents, reportOf, STORY, suggestionsOf, withAll } from '../support/report-texts.ts';

const PIECES = (
  'the the|a|an|really|very|actually|basically|in order to|due to the fact that|she|he|they|walks|walked|is able to|, and they|' +
  ', but he|; it|was|built|by|good|harbour|river|.|?|!|“|”|"|\n\n|\n|of of|engine|engine|not|each and every|looked|sees|(|)|:|—|' +
  '💥|e\u0301|\u202e|雪|的|其实，|基本上|12|U.S.|Mr.|I|you|at this point in time|and and|morning|quietly|,'
).split('|');

/** A text that nobody would write. */
function randomText(seed: number): string {
  const random = randomStream(seed);
  const length = 20 + Math.floor(random() * 150);
  return Array.from({ length }, () => PIECES[Math.floor(random() * PIECES.length)]).join(' ');
}

const texts = [BLAKE, CAFE, STORY, ...documents, ...Array.from({ length: 150 }, (_, seed) => randomText(seed + 1))];
const SUGGESTED = new Set(['REPEATED_WORD', 'WORDY', 'FILLER', 'LONG_SENTENCE', 'TENSE_SLIP']);

describe('a report', () => {
  it('is a function of the text [REPORT1]', () => {
    for (const text of texts) expect(reportOf(text)).toEqual(reportOf(text));
  });

  it('has ranges within the text, between characters [REPORT2]', () => {
    for (const text of texts)
      for (const { start, end, suggestion, reason } of reportOf(text).findings) {
        for (const range of [{ start, end }, suggestion ?? { start, end }]) {
          expect(0 <= range.start && range.start <= range.end && range.end <= text.length, text).toBe(true);
          expect(
            /^[\udc00-\udfff]/.test(text.slice(range.start)) || /^[\udc00-\udfff]/.test(text.slice(range.end)),
          ).toBe(false);
        }
        expect(end).toBeGreaterThan(start);
        expect(reason.EN).not.toBe('');
        expect(reason.ZH).toMatch(/\p{Script=Han}/u);
      }
  });
});

describe('suggestions', () => {
  it('do not overlap [REPORT3]', () => {
    for (const text of texts) {
      const sorted = suggestionsOf(reportOf(text)).toSorted((a, b) => a.start - b.start);
      sorted.forEach(({ start }, i) => expect(start, text).toBeGreaterThan(sorted[i - 1]?.end ?? -1));
    }
  });

  it('each change their number for the better, and never make a long sentence longer [REPORT3]', () => {
    for (const text of texts)
      for (const { kind, value, valueWithSuggestion, suggestion } of reportOf(text).findings) {
        expect(valueWithSuggestion === null, kind).toBe(suggestion === null);
        if (suggestion === null || valueWithSuggestion === null) continue;
        expect(SUGGESTED.has(kind)).toBe(true);
        if (kind === 'TENSE_SLIP') expect(valueWithSuggestion, text).toBeGreaterThan(value);
        else expect(valueWithSuggestion, text).toBeLessThan(value);
        const grown =
          suggestion.text.split(/\s+/).length - text.slice(suggestion.start, suggestion.end).split(/\s+/).length;
        if (kind !== 'LONG_SENTENCE') expect(grown, kind).toBeLessThanOrEqual(0);
      }
  });

  it('together leave none of their findings, and suggest nothing new [REPORT3]', () => {
    for (const text of texts) {
      const { findings } = reportOf(text);
      const left = (kind: string) => findings.filter((one) => one.kind === kind && one.suggestion === null).length;
      const after = reportOf(withAll(text)).findings;
      for (const kind of SUGGESTED)
        expect(after.filter((one) => one.kind === kind).length, `${kind}: ${text}`).toBeLessThanOrEqual(left(kind));
    }
  });
});
