import type { Genre } from '../../catalogue/catalogue.ts';
import type { ReasonKind } from '../explain/contract.ts';

/** A time, or a date (`2026-11-01`): the beginning of that day in the time zone of the query. */
export type DateOrTime = Date | string;

export interface AnalyticsQuery {
  /** By default seven days before `to`. */
  from?: DateOrTime | null;
  /** Exclusive. By default now. */
  to?: DateOrTime | null;
  modelVersion?: string | null;
  /** The name of the time zone in which days begin, by default UTC. */
  timeZone?: string | null;
}

export type AnalyticsAxis =
  | 'MODEL_VERSION'
  | 'SURFACE'
  | 'POSITION'
  | 'GENRE'
  | 'REASON_KIND'
  | 'REASON_TRACK'
  | 'PREFERENCE'
  | 'SEGMENT'
  | 'DAY';

/** By the events of a listener before the period: none, fewer than 50, or more. */
export type ListenerSegment = 'NEW' | 'LIGHT' | 'HEAVY';

type ListSurface = 'RECOMMENDATIONS' | 'SIMILAR';

/** What an axis was not asked for is null. */
export interface BreakdownRow extends Engagement {
  modelVersion: string | null;
  surface: ListSurface | null;
  position: number | null;
  genre: Genre | null;
  reasonKind: ReasonKind | null;
  reasonTrackId: number | null;
  preference: string | null;
  segment: ListenerSegment | null;
  date: string | null;
}

export interface Breakdown {
  /** Most impressions first. */
  rows: BreakdownRow[];
  /** Whether there are no others. */
  isComplete: boolean;
}

/** Which part of the catalogue was served. */
export interface Coverage {
  /** Tracks of the catalogue that were in any list. */
  served: number;
  tracks: number;
  share: number | null;
  /** The share of the impressions that the most served hundredth of the catalogue has. */
  topShare: number | null;
}

/** Counts of impressions ([ATTR1]), and of those with feedback. */
export interface Engagement {
  impressions: number;
  /** With a PLAY, COMPLETE, LIKE or SAVE. */
  clicks: number;
  completions: number;
  /** With a LIKE or SAVE. */
  likes: number;
  skips: number;
  /** With a DISLIKE or HIDE. */
  rejections: number;
}

/** Each breakdown adds up to the totals ([ATTR3]). */
export interface Analytics {
  from: Date;
  to: Date;
  timeZone: string;
  modelVersion: string | null;
  /** What a reader of the figures has to know about the period. */
  warnings: readonly string[];
  totals: Engagement;
  byModelVersion: (Engagement & { modelVersion: string })[];
  bySurface: (Engagement & { surface: ListSurface })[];
  /** Null for positions after 100. */
  byPosition: (Engagement & { position: number | null })[];
  byGenre: (Engagement & { genre: Genre | null })[];
  byReasonKind: (Engagement & { reasonKind: ReasonKind })[];
  /** By the day in the time zone, and when it begins. */
  byDay: (Engagement & { day: Date; date: string })[];
  /** Number of feedback events of the period that name a list without this track and listener. */
  unattributed: number;
}

/** What was counted. */
export type AnalyticsPeriod = Pick<Analytics, 'from' | 'to' | 'timeZone' | 'modelVersion'>;

/** Impressions; feedback on them; all feedback. */
export type ExportKind = 'lists' | 'clicks' | 'feedback';
export type ExportValue = string | number | Date | null;
/** By the names of the columns. */
export type ExportRow = Record<string, ExportValue>;

export type OffPolicyRefusal = 'NO_LISTS' | 'TOO_FEW' | 'NO_OVERLAP';

/** An estimate of the clicks per impression of another version, from served lists and their clicks. */
export interface OffPolicyEstimate {
  modelVersion: string;
  /** Only lists served later are counted, because the version has learned from the earlier ones. Null for `untrained`. */
  servedAfter: Date | null;
  /**
   * Why there is no score: no list was served since the training, the effective sample size is too small, or too much of
   * what the version would show could not have been shown.
   */
  refusal: OffPolicyRefusal | null;
  lists: number;
  impressions: number;
  /** Clicks per impression as served. */
  ctr: number | null;
  /**
   * Inverse propensity scoring (Horvitz & Thompson 1952). Too low if much of what the version would show was never
   * shown.
   */
  ips: number | null;
  /** Normalised by the weights (Swaminathan & Joachims 2015). */
  snips: number | null;
  /** The 95 % interval of `snips`. Listeners, not lists or positions, are treated as independent. */
  low: number | null;
  high: number | null;
  /** Number of the version's own impressions that would be equally informative: (Σ w)² / Σ w². */
  effectiveSampleSize: number;
  /** Of the attention: near 1 if the lists could have shown what the version would show. */
  meanWeight: number | null;
}
