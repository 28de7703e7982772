import { ask } from '../../server/request.ts';
import type { Words } from '../../words/en.ts';
import { BY_DAY, BY_GENRE, BY_POSITION, BY_REASON, BY_VERSION } from './operations.ts';

export interface ChartRow {
  label: string;
  impressions: number;
  clicks: number;
  ctr?: number | null;
}

export interface Chart {
  title: (t: Words) => string;
  /** The query that it shows. */
  document: string;
  read: (from: string, t: Words) => Promise<readonly ChartRow[]>;
}

export const CHARTS: readonly Chart[] = [
  {
    title: (t) => t.understand.byDay,
    document: BY_DAY.document,
    read: async (from) => (await ask(BY_DAY, { from })).analytics.byDay.map((row) => ({ ...row, label: row.date })),
  },
  {
    title: (t) => t.understand.byReason,
    document: BY_REASON.document,
    read: async (from, t) =>
      (await ask(BY_REASON, { from })).analytics.byReasonKind.map((row) => ({
        ...row,
        label: t.understand.reasons[row.reasonKind],
      })),
  },
  {
    title: (t) => t.understand.byPosition,
    document: BY_POSITION.document,
    read: async (from) =>
      (await ask(BY_POSITION, { from })).analytics.byPosition.map((row) => ({ ...row, label: String(row.position) })),
  },
  {
    title: (t) => t.understand.byGenre,
    document: BY_GENRE.document,
    read: async (from) =>
      (await ask(BY_GENRE, { from })).analytics.byGenre.map((row) => ({ ...row, label: row.genre?.name ?? '–' })),
  },
  {
    title: (t) => t.understand.byVersion,
    document: BY_VERSION.document,
    read: async (from) =>
      (await ask(BY_VERSION, { from })).analytics.byModelVersion.map((row) => ({ ...row, label: row.modelVersion })),
  },
];
