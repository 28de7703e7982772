import { promisify } from 'node:util';
import { deflateRaw, inflateRaw } from 'node:zlib';
import type { TrackFilter } from '../../catalogue/catalogue.ts';
import type { ServedListRow } from '../../db/recommend/served-list-queries.ts';
import type { MainReason, ReasonKind } from '../explain/contract.ts';
import { type Reaction, reactionOf } from '../taste/strengths.ts';
import type { Taste } from '../taste/taste.ts';

/** One position of a served list: its track, with the data for attribution. */
export interface ServedPosition {
  trackId: number;
  /** The probability that it was chosen for its position, given those above it. */
  propensity: number;
  /** Its main reason. */
  reason: MainReason;
}

/** Everything that a later page of a list needs: the data as of its beginning, and the tracks served so far. */
export interface ServedList {
  id: string;
  listenerId: number;
  modelVersion: string;
  /** Whether only staff has seen it, which is no impression. */
  isPreview: boolean;
  taste: Taste;
  filter: TrackFilter | null;
  includeHeard: boolean;
  diversity: number;
  calibration: number;
  maxPerArtist: number | null;
  notServedForHours: number;
  /** Tracks of earlier lists that this one excludes. */
  servedBefore: readonly number[];
  exploration: number;
  /** In the order of their ranks. */
  positions: readonly ServedPosition[];
}

/** A page without continuation, which is stored for attribution only. */
export interface ServedPage {
  id: string;
  listenerId: number;
  modelVersion: string;
  firstRank: number;
  positions: readonly ServedPosition[];
}

export async function listRow(list: ServedList): Promise<ServedListRow> {
  const { id, listenerId, modelVersion, isPreview, positions, ...state } = list;
  const surface = isPreview ? ('PREVIEW' as const) : ('RECOMMENDATIONS' as const);
  const row = { id, listenerId, modelVersion, surface, firstRank: 1 };
  return { ...row, ...columnsOf(positions), state: await packState(state) };
}

export function pageRow({ positions, ...page }: ServedPage): ServedListRow {
  return { ...page, surface: 'SIMILAR', ...columnsOf(positions), state: null };
}

const columnsOf = (positions: readonly ServedPosition[]) => ({
  trackIds: positions.map(({ trackId }) => trackId),
  propensities: positions.some(({ propensity }) => propensity !== 1)
    ? positions.map(({ propensity }) => propensity)
    : null,
  causes: positions.map(({ reason }) => causeOf(reason)).join('\n'),
});

/** Trusted, because this process or another of the same version wrote it. */
export async function listFrom(row: ServedListRow): Promise<ServedList> {
  const { id, listenerId, modelVersion, trackIds, propensities, state } = row;
  const causes = row.causes.split('\n');
  const positions = trackIds.map((trackId, i): ServedPosition => {
    return { trackId, propensity: propensities?.[i] ?? 1, reason: reasonOf(causes[i] ?? '-') };
  });
  const isPreview = row.surface === 'PREVIEW';
  return { id, listenerId, modelVersion, isPreview, ...unsaid, ...(await unpackState(state)), positions };
}

// ── Reasons ──

const LETTERS = { HISTORY: 'h', PREFERENCE: 'p', POPULARITY: 'o', NONE: '-' } satisfies Record<ReasonKind, string>;

const causeOf = ({ kind, of }: MainReason): string => LETTERS[kind] + (of ?? '').replaceAll('\n', ' ');

function reasonOf(cause: string): MainReason {
  const kinds = Object.keys(LETTERS) as ReasonKind[];
  const kind = kinds.find((one) => cause.startsWith(LETTERS[one])) ?? 'NONE';
  return { kind, of: cause.slice(1) || null };
}

// ── State ──

/** Defaults for lists that were stored before these options existed. */
const unsaid = { exploration: 0, calibration: 0, maxPerArtist: null, notServedForHours: 0, servedBefore: [] };
type State = Omit<ServedList, 'id' | 'listenerId' | 'modelVersion' | 'isPreview' | 'positions'>;
type StoredState = Omit<State, keyof typeof unsaid>;

const deflate = promisify(deflateRaw);
const inflate = promisify(inflateRaw);
/** The first byte of a state that is compressed. One that begins as an object is plain JSON, from older builds. */
const COMPRESSED = 1;

/** The history, which is most of it, in columns: neighbours are alike there, and compress well. */
async function packState({ taste: { history, ...taste }, ...state }: State): Promise<Buffer> {
  const columns = {
    trackIds: history.map(({ trackId }) => trackId),
    kinds: history.map(({ kind }) => kind),
    plays: history.map(({ plays }) => plays),
    // Newest first: each as the milliseconds since the next.
    ago: history.map(({ at }, i) => at - (history[i + 1]?.at ?? 0)),
  };
  return Buffer.concat([Buffer.of(COMPRESSED), await deflate(JSON.stringify({ ...state, taste, columns }))]);
}

type PackedState = Omit<State, 'taste'> & {
  taste: Omit<Taste, 'history'>;
  columns: { trackIds: number[]; kinds: Reaction['kind'][]; plays: number[]; ago: number[] };
};

async function unpackState(bytes: Buffer | null): Promise<StoredState> {
  if (bytes?.[0] !== COMPRESSED) return JSON.parse(bytes?.toString() ?? '{}') as StoredState;
  const packed = JSON.parse((await inflate(bytes.subarray(1))).toString()) as PackedState;
  const { columns, taste, ...state } = packed;
  return { ...state, taste: { ...taste, history: historyFrom(columns) } };
}

function historyFrom({ trackIds, kinds, plays, ago }: PackedState['columns']): Reaction[] {
  let at = 0;
  return trackIds
    .map((trackId, i) => ({ trackId, i }))
    .reverse()
    .map(({ trackId, i }) => {
      at += ago[i] ?? 0;
      return reactionOf({ trackId, kind: kinds[i] ?? 'PLAY', plays: plays[i] ?? 1, at });
    })
    .reverse();
}
