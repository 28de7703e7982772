import { and, desc, eq, isNotNull, notInArray, type SQL, sql } from 'drizzle-orm';
import { allowing } from '../access/consent-queries.ts';
import type { Database, Queryable } from '../client.ts';
import type { FeedbackKindColumn } from '../queries/listener-queries.ts';
import { evaluations, listeners, recommenderVersions } from '../tables.ts';

// ── Feedback ──

/** One listener's feedback on one track, one row per kind. */
export interface ReactionRow {
  trackId: number;
  kind: FeedbackKindColumn;
  plays: number;
  at: Date;
}

export interface TrainingRow extends Omit<ReactionRow, 'at'> {
  listenerId: number;
  /** Milliseconds since the epoch. */
  at: number;
}

/** All reactions that may be trained on, in batches, ordered by listener, so that only one batch is in memory. */
export async function* readAllReactions(database: Database): AsyncGenerator<TrainingRow[]> {
  const { sql: driver } = database;
  const cursor = driver<TrainingRow[]>`
    select listener_id::float8 as "listenerId", track_id::float8 as "trackId", kind::text as kind,
      sum(plays)::float8 as plays, (extract(epoch from max(at)) * 1000)::float8 as at
    from standing_feedback join tracks on tracks.id = track_id where withdrawn_at is null
      and ${allowing(driver, 'training', database, driver`listener_id`)}
    group by listener_id, track_id, kind order by listener_id, max(at), track_id`.cursor(10_000);
  for await (const rows of cursor) yield rows;
}

/** What there is to train on. */
export interface TrainableFeedback {
  count: number;
  /** The id of the event that was recorded last; 0 if there is none. */
  latest: number;
}

export async function countFeedback(database: Database): Promise<TrainableFeedback> {
  const { sql: driver } = database;
  const [row] = await driver<[TrainableFeedback]>`
    select count(*)::float8 as count, coalesce(max(id), 0)::float8 as latest from feedback
    where ${allowing(driver, 'training', database, driver`listener_id`)}`;
  return row;
}

// ── Versions and their evaluations ──

export interface VersionRow {
  version: string;
  parameters: Record<string, number | string>;
  weights: Buffer;
}

export function selectActiveVersion(db: Queryable): Promise<VersionRow | null> {
  return selectVersionWhere(db, eq(recommenderVersions.active, true));
}

/** Null if there is no such version, or its weights are not stored. */
export function selectVersion(db: Queryable, version: string): Promise<VersionRow | null> {
  return selectVersionWhere(db, eq(recommenderVersions.version, version));
}

async function selectVersionWhere(db: Queryable, condition: SQL): Promise<VersionRow | null> {
  const columns = {
    version: recommenderVersions.version,
    parameters: recommenderVersions.parameters,
    weights: recommenderVersions.weights,
  };
  const [row] = await db.select(columns).from(recommenderVersions).where(condition).limit(1);
  return row?.weights ? { ...row, weights: row.weights } : null;
}

export async function selectActiveVersionName(db: Queryable): Promise<string | null> {
  const rows = await db
    .select({ version: recommenderVersions.version })
    .from(recommenderVersions)
    .where(eq(recommenderVersions.active, true))
    .limit(1);
  return rows[0]?.version ?? null;
}

export interface MetricRow {
  dataset: string;
  protocol: string;
  metric: string;
  value: number;
}

/** One switch at a time: of two trainings that end together both are stored, and one is active. */
const lockVersions = sql`select pg_advisory_xact_lock(hashtext('cadenza_recommender_versions'))`;
/** Number of the newest versions whose weights are kept, besides the active one's, because weights are large. */
const VERSIONS_WITH_WEIGHTS = 5;

/** Stores a version with its metrics and, if it is to serve, activates it, in one transaction. */
export async function insertVersion(
  { db }: Database,
  row: VersionRow & { active: boolean },
  metrics: readonly MetricRow[],
): Promise<void> {
  await db.transaction(async (tx) => {
    await tx.execute(lockVersions);
    if (row.active) {
      await tx.update(recommenderVersions).set({ active: false }).where(eq(recommenderVersions.active, true));
    }
    await tx.insert(recommenderVersions).values({ ...row, activatedAt: row.active ? sql`now()` : null });
    const rows = metrics.map((metric) => ({ ...metric, modelVersion: row.version }));
    if (rows.length > 0) await tx.insert(evaluations).values(rows);
    const kept = tx
      .select({ version: recommenderVersions.version })
      .from(recommenderVersions)
      .orderBy(desc(recommenderVersions.id))
      .limit(VERSIONS_WITH_WEIGHTS);
    await tx
      .update(recommenderVersions)
      .set({ weights: null })
      .where(and(eq(recommenderVersions.active, false), notInArray(recommenderVersions.version, kept)));
  });
}

/** @returns false if there is no such version, or its weights are not kept; then nothing is changed */
export async function setActiveVersion({ db }: Database, version: string, byListenerId?: number): Promise<boolean> {
  return db.transaction(async (tx) => {
    await tx.execute(lockVersions);
    const isIt = eq(recommenderVersions.version, version);
    const [found] = await tx
      .select({ version: recommenderVersions.version })
      .from(recommenderVersions)
      .where(and(isIt, isNotNull(recommenderVersions.weights)));
    if (!found) return false;
    await tx.update(recommenderVersions).set({ active: false }).where(eq(recommenderVersions.active, true));
    await tx
      .update(recommenderVersions)
      .set({ active: true, activatedAt: sql`now()`, activatedBy: byListenerId ?? null })
      .where(isIt);
    return true;
  });
}

const versionState = {
  version: recommenderVersions.version,
  trainedAt: recommenderVersions.trainedAt,
  parameters: recommenderVersions.parameters,
  isActive: recommenderVersions.active,
  isKept: sql<boolean>`${recommenderVersions.weights} is not null`,
  activatedAt: recommenderVersions.activatedAt,
  activatedBy: listeners.externalId,
};

const versionStates = (db: Queryable) =>
  db
    .select(versionState)
    .from(recommenderVersions)
    .leftJoin(listeners, eq(listeners.id, recommenderVersions.activatedBy));

/** Newest first, without their weights. */
export function selectVersions(db: Queryable, limit: number) {
  return versionStates(db).orderBy(desc(recommenderVersions.id)).limit(limit);
}

export async function selectVersionState(db: Queryable, version: string) {
  const [row] = await versionStates(db).where(eq(recommenderVersions.version, version));
  return row ?? null;
}

export function selectEvaluations(db: Queryable, limit: number) {
  return db.select().from(evaluations).orderBy(desc(evaluations.at), desc(evaluations.id)).limit(limit);
}
