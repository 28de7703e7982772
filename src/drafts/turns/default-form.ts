import type { VersePreset } from '../../verse/verse.ts';
import type { DraftKind } from '../contract.ts';

/** What a prompt asks for in words. The first that occurs counts. */
const NAMED: readonly [RegExp, VersePreset][] = [
  [/\bfree[- ]verse\b|\bprose[- ]poems?\b|\bspoken word\b|\b(unrhymed|without rhymes?|no rhymes?)\b/i, 'FREE'],
  [/\bhaikus?\b/i, 'HAIKU'],
  [/\bsonnets?\b/i, 'SONNET'],
  [/\blimericks?\b/i, 'LIMERICK'],
  [/\bballads?\b/i, 'BALLAD'],
];
/** A letter of another script than the one that verse is kept in. */
const OTHER_SCRIPT = /[^\P{L}\p{Script=Latin}]/u;

/**
 * The form of a text for which none is asked: that of its kind, unless the prompt names another. Forms are kept in
 * English, so a prompt in another script asks for a free text.
 */
export function defaultPreset(kind: DraftKind, prompt: string): VersePreset {
  if ((kind !== 'LYRICS' && kind !== 'POEM') || OTHER_SCRIPT.test(prompt)) return 'FREE';
  const named = NAMED.find(([pattern]) => pattern.test(prompt));
  return named?.[1] ?? (kind === 'LYRICS' ? 'SONG' : 'BALLAD');
}
