import type { FeedbackKind } from '../../listeners/listeners.ts';
import { type Snapshot, trackAt } from '../model/snapshot.ts';
import type { Contribution, Ranking } from '../ranking/ranking.ts';
import type { Scores } from '../ranking/scores.ts';
import type { TermSource } from '../taste/taste.ts';
import { type Claim, claimsOf } from './claims.ts';
import type { Counterfactual, Explanation, Locale, MainReason, Reason, ReasonKind, ReasonLink } from './contract.ts';
import { linksOf } from './links.ts';
import { reasonSentence, summarySentence } from './summary.ts';
import type { Telling } from './telling.ts';

/**
 * Explains a track's score in this ranking. Each part is computed once, when it is first needed.
 * @param telling of the list in which the track is next
 */
export function explain(ranking: Ranking, index: number, telling: Telling): Explanation {
  return new RankedExplanation(ranking, index, telling);
}

// Classes, because cached lists hold thousands of these, and a closure for each part would take three times the memory.

/** Sentences, each created once. */
type Worded = Record<Locale, string | null>;

class RankedExplanation implements Explanation {
  readonly #ranking: Ranking;
  readonly #index: number;
  readonly #reasons: Reason[] = [];
  readonly #summaries: Worded = { EN: null, ZH: null };
  readonly #telling: Telling;
  readonly #position: number;
  #contributions: readonly Contribution[] | null = null;

  constructor(ranking: Ranking, index: number, telling: Telling) {
    this.#ranking = ranking;
    this.#index = index;
    this.#telling = telling;
    this.#position = telling.add(this);
  }

  get id(): string {
    return `${this.#telling.id}.${trackAt(this.#ranking.snapshot, this.#index).id}`;
  }

  get baseline(): number {
    return this.#ranking.baseline;
  }

  get reasons(): readonly Reason[] {
    return this.top(Infinity);
  }

  top(first: number): readonly Reason[] {
    for (const contribution of this.#all().slice(this.#reasons.length, first)) {
      this.#reasons.push(toReason(this.#ranking, this.#index, contribution));
    }
    return this.#reasons.slice(0, first);
  }

  get mainReason(): MainReason {
    const main = this.#all().find(({ value }) => value > 0);
    return main ? { kind: kindOf(main.source), of: referenceOf(main.source) } : { kind: 'NONE', of: null };
  }

  remainder(first: number): number {
    return this.#all()
      .slice(first)
      .reduce((sum, { value }) => sum + value, 0);
  }

  summary(locale: Locale): string {
    const told = this.#telling.at(this.#position);
    return (this.#summaries[locale] ??= summarySentence(told, this.#index, this.#ranking.snapshot, locale));
  }

  contributions(): readonly Contribution[] {
    return this.#all();
  }

  claims(contribution: Contribution): readonly Claim[] {
    return claimsOf(contribution, this.#index, this.#ranking);
  }

  #all(): readonly Contribution[] {
    return (this.#contributions ??= this.#ranking.contributions(this.#index));
  }
}

type SourceOf<Kind extends TermSource['kind']> = Extract<TermSource, { kind: Kind }>;
type PreferenceSource = Exclude<TermSource, SourceOf<'history' | 'popularity'>>;

class RankedReason<From extends TermSource = TermSource> {
  protected readonly ranking: Ranking;
  protected readonly index: number;
  protected readonly source: From;
  readonly contribution: number;
  protected readonly factor: number;
  readonly #lately: Contribution['lately'];
  readonly #summaries: Worded = { EN: null, ZH: null };
  #without: Counterfactual | null = null;

  constructor(ranking: Ranking, index: number, source: From, { value, factor, lately }: Contribution) {
    this.ranking = ranking;
    this.index = index;
    this.source = source;
    this.contribution = value;
    this.factor = factor;
    this.#lately = lately;
  }

  summary(locale: Locale): string {
    const [claim] = claimsOf(this.asContribution(), this.index, this.ranking);
    if (!claim) return '';
    return (this.#summaries[locale] ??= reasonSentence(claim, this.index, this.ranking.snapshot, locale));
  }

  protected asContribution(): Contribution {
    const lately = this.#lately && { lately: this.#lately };
    return { source: this.source, value: this.contribution, factor: this.factor, ...lately };
  }

  without(): Counterfactual {
    return (this.#without ??= counterfactual(this.ranking.without(this.source), this.index));
  }
}

class HistoryReason extends RankedReason<SourceOf<'history'>> {
  readonly kind = 'history';

  get trackId(): number {
    return this.source.trackId;
  }

  get feedback(): FeedbackKind {
    return this.source.feedback;
  }

  get at(): Date {
    return new Date(this.source.at);
  }

  get links(): readonly ReasonLink[] {
    return linksOf(this.asContribution(), this.source.trackId, this.index, this.ranking);
  }
}

class PopularityReason extends RankedReason<SourceOf<'popularity'>> {
  readonly kind = 'popularity';

  get listeners(): number {
    const { allTimeListeners, recentListeners } = this.ranking.snapshot.tracks[this.index] ?? {};
    return allTimeListeners ?? recentListeners ?? 0;
  }

  get ofAllTime(): boolean {
    return this.ranking.snapshot.tracks[this.index]?.allTimeListeners != null;
  }
}

class PreferenceReason extends RankedReason<PreferenceSource> {
  readonly kind = 'preference';

  get preference(): string {
    return preferenceOf(this.source, this.ranking.snapshot);
  }
}

function toReason(ranking: Ranking, index: number, contribution: Contribution): Reason {
  const { source } = contribution;
  if (source.kind === 'history') return new HistoryReason(ranking, index, source, contribution);
  if (source.kind === 'popularity') return new PopularityReason(ranking, index, source, contribution);
  return new PreferenceReason(ranking, index, source, contribution);
}

function kindOf({ kind }: TermSource): ReasonKind {
  if (kind === 'history') return 'HISTORY';
  return kind === 'popularity' ? 'POPULARITY' : 'PREFERENCE';
}

/** Of what is of the listener's own words, only that it is one. */
function referenceOf(source: TermSource): string | null {
  switch (source.kind) {
    case 'history':
      return String(source.trackId);
    case 'popularity':
      return null;
    case 'genre':
      return `genre ${source.slug}`;
    case 'artist':
      return `artist ${source.artistId}`;
    case 'tag':
      return `tag ${source.tag}`;
    case 'seed':
    case 'unlike':
    case 'session':
      return `${source.kind} ${source.trackId}`;
    case 'meaning':
      return `meaning of ${source.of}`;
    case 'text':
    case 'context':
    case 'feel':
    case 'freshness':
      return source.kind;
  }
}

function counterfactual(scores: Scores, index: number): Counterfactual {
  return { score: scores.scoreOf(index), rank: scores.rankOf(index) };
}

/** The preference or request, as the reason names it. */
function preferenceOf(source: PreferenceSource, snapshot: Snapshot): string {
  switch (source.kind) {
    case 'genre':
      return `genre ${source.slug}`;
    case 'artist':
      return `artist ${snapshot.artistNames.get(source.artistId) ?? source.artistId}`;
    case 'tag':
      return `tag ${source.tag}`;
    case 'text':
    case 'context':
    case 'meaning':
      return source.text;
    case 'feel':
      return `valence ${source.valence.toFixed(2)}, energy ${source.energy.toFixed(2)}`;
    case 'freshness':
      return 'new releases';
    case 'seed':
      return `like track ${titleOf(source.trackId, snapshot)}`;
    case 'unlike':
      return `unlike track ${titleOf(source.trackId, snapshot)}`;
    case 'session':
      return `just heard track ${titleOf(source.trackId, snapshot)}`;
  }
}

const titleOf = (trackId: number, { tracks, indexOf }: Snapshot): string =>
  tracks[indexOf.get(trackId) ?? -1]?.title ?? String(trackId);
