import type { Contribution, Ranking } from './ranking.ts';
import type { Counterfactual, Explanation, Locale, Reason } from './recommender.ts';
import type { Snapshot } from './snapshot.ts';
import type { Source } from './taste.ts';
import { reasonSentence, summarySentence } from './summary.ts';

/** Why a track scores as it does in this ranking; each part is worked out when it is first asked for, and once. */
export function explain(ranking: Ranking, index: number): Explanation {
  const contributions = once(() => ranking.contributions(index));
  const made: Reason[] = [];
  const top = (first: number): readonly Reason[] => {
    for (const contribution of contributions().slice(made.length, first)) {
      made.push(toReason(ranking, index, contribution));
    }
    return made.slice(0, first);
  };
  return {
    baseline: ranking.baseline,
    get reasons() {
      return top(Infinity);
    },
    top,
    remainder: (first) =>
      contributions()
        .slice(first)
        .reduce((sum, { value }) => sum + value, 0),
    summary: inEachLocale((locale) => summarySentence(contributions(), index, ranking.snapshot, locale)),
  };
}

function once<Value>(make: () => Value): () => Value {
  let made: { value: Value } | null = null;
  return () => (made ??= { value: make() }).value;
}

function inEachLocale(say: (locale: Locale) => string): (locale: Locale) => string {
  const sentences = { EN: once(() => say('EN')), ZH: once(() => say('ZH')) };
  return (locale) => sentences[locale]();
}

function toReason(ranking: Ranking, index: number, contribution: Contribution): Reason {
  const { source, value } = contribution;
  const common = {
    contribution: value,
    summary: inEachLocale((locale) => reasonSentence(contribution, index, ranking.snapshot, locale)),
    without: once(() => counterfactual(ranking.without(source), index)),
  };
  switch (source.kind) {
    case 'history':
      return {
        ...common,
        kind: 'history',
        trackId: source.trackId,
        feedback: source.feedback,
        at: new Date(source.at),
      };
    case 'popularity':
      return { ...common, kind: 'popularity', listeners: ranking.snapshot.tracks[index]?.recentListeners ?? 0 };
    case 'genre':
    case 'artist':
    case 'tag':
    case 'text':
    case 'context':
    case 'seed':
      return { ...common, kind: 'preference', preference: preferenceOf(source, ranking.snapshot) };
  }
}

function counterfactual(ranking: Ranking, index: number): Counterfactual {
  return { score: ranking.scoreOf(index), rank: ranking.rankOf(index) };
}

/** What was said or asked for, as the reason names it. */
function preferenceOf(source: Exclude<Source, { kind: 'history' | 'popularity' }>, snapshot: Snapshot): string {
  switch (source.kind) {
    case 'genre':
      return `genre ${source.slug}`;
    case 'artist':
      return `artist ${snapshot.artistNames.get(source.artistId) ?? source.artistId}`;
    case 'tag':
      return `tag ${source.tag}`;
    case 'text':
    case 'context':
      return source.text;
    case 'seed':
      return `like track ${titleOf(source.trackId, snapshot)}`;
  }
}

const titleOf = (trackId: number, { tracks, indexOf }: Snapshot): string =>
  tracks[indexOf.get(trackId) ?? -1]?.title ?? String(trackId);
