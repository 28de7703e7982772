import type { Snapshot } from '../model/snapshot.ts';
import { chinese } from './chinese.ts';
import type { Claim, HistorySource } from './claims.ts';
import type { Locale } from './contract.ts';
import { english } from './english.ts';
import type { Told } from './telling.ts';
import { type Deed, deedOf, trackName, tracksNamed, type Wording } from './wording.ts';

const wordings: Readonly<Record<Locale, Wording>> = { EN: english, ZH: chinese };

/**
 * Why a track is recommended, in one sentence: the main reasons for it, and against it if they are as large ([REC3]).
 */
export function summarySentence(
  { reasons, objection }: Told,
  index: number,
  snapshot: Snapshot,
  locale: Locale,
): string {
  const wording = wordings[locale];
  const clauses = clausesOf(reasons, index, snapshot, wording);
  const sentence = clauses.length > 0 ? wording.because(clauses) : wording.nothing;
  return objection ? wording.although(sentence, wording.clause(objection, index, snapshot)) : sentence;
}

/** One reason as a sentence. */
export function reasonSentence(claim: Claim, index: number, snapshot: Snapshot, locale: Locale): string {
  const wording = wordings[locale];
  return wording.sentence(wording.clause(claim, index, snapshot));
}

/** “You liked A, B and C” reads better than three clauses. */
function clausesOf(claims: readonly Claim[], index: number, snapshot: Snapshot, wording: Wording): string[] {
  const told: Deed[] = [];
  return claims.flatMap((claim) => {
    if (claim.form !== 'deed') return [wording.clause(claim, index, snapshot)];
    const deed = deedOf(claim.source);
    if (told.includes(deed)) return [];
    told.push(deed);
    const done = claims.flatMap((one): HistorySource[] =>
      one.form === 'deed' && deedOf(one.source) === deed ? [one.source] : [],
    );
    return [wording.deed(deed, tracksNamed(done, snapshot, wording))];
  });
}

/** The name of a track in sentences. */
export const trackSentenceName = (trackId: number, snapshot: Snapshot, locale: Locale): string =>
  trackName(trackId, snapshot, wordings[locale]);
