import type { Snapshot } from '../model/snapshot.ts';
import type { Contribution, Ranking } from '../ranking/ranking.ts';
import type { ReasonLink } from './contract.ts';

type Shared = Exclude<ReasonLink['kind'], 'LISTENERS'>;

/** The first letter of a feature's name. */
const kinds: Readonly<Record<string, Shared>> = { a: 'SAME_ARTIST', g: 'SHARED_GENRE', t: 'SHARED_TAG' };
const MOST_NAMES = 5;

/**
 * Why a track that was heard speaks for this one: what both have, and all else that the weights hold, which comes from listeners.
 * The parts add up to the reason's contribution; the largest is first.
 */
export function linksOf(reason: Contribution, heardId: number, index: number, ranking: Ranking): ReasonLink[] {
  const { snapshot } = ranking;
  const sums = new Map<Shared, { contribution: number; names: { name: string; value: number }[] }>();
  let rest = reason.value;
  for (const { feature, value } of ranking.sharedWith(heardId, index)) {
    const name = snapshot.featureNames[feature] ?? '';
    const kind = kinds[name.charAt(0)];
    if (!kind) continue;
    const sum = sums.get(kind) ?? { contribution: 0, names: [] };
    sum.contribution += reason.factor * value;
    sum.names.push({ name: shownName(name, snapshot), value });
    sums.set(kind, sum);
    rest -= reason.factor * value;
  }
  const shared = [...sums].map(([kind, { contribution, names }]): ReasonLink => {
    const byValue = names.sort((a, b) => b.value - a.value).slice(0, MOST_NAMES);
    return { kind, contribution, names: byValue.map(({ name }) => name) };
  });
  const others: ReasonLink[] = rest === 0 ? [] : [{ kind: 'LISTENERS', contribution: rest, names: [] }];
  return [...shared, ...others].sort((a, b) => Math.abs(b.contribution) - Math.abs(a.contribution));
}

function shownName(feature: string, { artistNames, genreNames }: Snapshot): string {
  const key = feature.slice(2);
  if (feature.startsWith('a:')) return artistNames.get(Number(key)) ?? key;
  return feature.startsWith('g:') ? (genreNames.get(key) ?? key) : key;
}
