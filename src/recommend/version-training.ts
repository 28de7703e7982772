import { randomUUID } from 'node:crypto';
import type { Database } from '../db/client.ts';
import {
  countFeedback,
  insertVersion,
  readAllReactions,
  selectActiveVersion,
  type VersionRow,
} from '../db/recommend-queries.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/log.ts';
import { excels, meanOf, type Metrics } from './evaluation.ts';
import { isOrdered, readHistories, toInteractions, type History } from './interactions.ts';
import { drawn, type Progress, type SearchResult } from './search.ts';
import { Trainer } from './trainer.ts';
import { numberCases, SEED, trainWith, type HoldoutCase } from './training.ts';
import { parseWeights, serialiseWeights } from './weights.ts';

export interface VersionTrainingOptions {
  database: Database;
  clock: Clock;
  log: Logger;
  signal: AbortSignal;
  report?: ((progress: Progress) => void) | undefined;
}

/** Whose last track is looked for, at most. */
const MOST_CASES = 5_000;
/** So many reactions that neither version has seen tell which is better. */
const ENOUGH_TO_COMPARE = 30;

/**
 * A version from all feedback: settings chosen without each listener's last track, measured on it, trained on everything.
 * It serves unless the active version foretells better what has come since that one was trained.
 */
export async function trainVersion(options: VersionTrainingOptions): Promise<{ version: string; isActive: boolean }> {
  const { database, clock, log, signal, report } = options;
  const start = clock.monotonic();
  const readAt = clock.now();
  const feedback = await countFeedback(database);
  const histories = await readHistories(readAllReactions(database));
  log.info({ listeners: histories.length, feedback }, 'Training the recommender');
  await using trainer = new Trainer({ signal, report });
  const twin = await trainTwin(trainer, histories);
  const { settings } = twin.chosen;
  const isActive = !(await isActiveBetter(database, trainer, twin));
  const weights = await trainWith(trainer, histories, settings);
  const seconds = Math.round((clock.monotonic() - start) / 100) / 10;
  const version = nameOf(clock.now());
  const row: VersionRow = {
    version,
    parameters: { ...settings, readAt, feedback, listeners: histories.length, tracks: weights.ids.length, seconds },
    weights: serialiseWeights(weights),
  };
  const metrics = twin.cases.length > 0 ? meanOf(twin.measured) : {};
  await insertVersion(database, { ...row, active: isActive }, rowsOf(metrics));
  const outcome = isActive ? 'The recommender is trained' : 'The new version is worse than the active one, which stays';
  log.info({ version, ...row.parameters, ...metrics }, outcome);
  return { version, isActive };
}

/** What the version would be without each listener's last track, and what it makes of those. */
interface Twin {
  chosen: SearchResult;
  cases: readonly HoldoutCase[];
  measured: readonly Metrics[];
}

async function trainTwin(trainer: Trainer, histories: readonly History[]): Promise<Twin> {
  const { train, cases: all } = holdOutLast(histories);
  const cases = drawn(all, MOST_CASES, SEED);
  const { ids, interactions } = toInteractions(train);
  const chosen = await trainer.search(interactions, { ordered: isOrdered(histories), seed: SEED });
  if (cases.length === 0) return { chosen, cases, measured: [] };
  const rows = await trainer.train(interactions, chosen.settings);
  const measured = await trainer.measure(rows, chosen.settings.recency, numberCases(ids, cases));
  return { chosen, cases, measured };
}

/** The last track of everybody who has at least two; the others train whole. */
export function holdOutLast(histories: readonly History[]): { train: History[]; cases: HoldoutCase[] } {
  const cases: HoldoutCase[] = [];
  const train = histories.map((history) => {
    const last = history.at(-1);
    if (!last || history.length < 2) return history;
    const known = history.slice(0, -1);
    cases.push({ history: known, targets: [last.trackId], ...(last.at === undefined ? {} : { at: last.at }) });
    return known;
  });
  return { train, cases };
}

/** Compared on what came after the active version was trained: of what is older it has seen the answers. */
async function isActiveBetter(database: Database, trainer: Trainer, { cases, measured }: Twin): Promise<boolean> {
  const active = await selectActiveVersion(database.db);
  const readAt = Number(active?.parameters.readAt ?? Infinity);
  const fresh = [...cases.keys()].filter((i) => (cases[i]?.at ?? -Infinity) > readAt);
  if (!active || fresh.length < ENOUGH_TO_COMPARE) return false;
  const { ids, recency, ...rows } = parseWeights(active.weights);
  const numbered = numberCases(
    ids,
    fresh.flatMap((i) => cases[i] ?? []),
  );
  const earlier = await trainer.measure(rows, recency, numbered);
  return excels(
    earlier,
    fresh.flatMap((i) => measured[i] ?? []),
    1,
  );
}

/** Two trainings may end within the same second, here or in two processes. */
function nameOf(instant: number): string {
  const at = new Date(instant).toISOString().replace(/[-:]|\.\d+/g, '');
  return `ease-${at}-${randomUUID().slice(0, 8)}`;
}

function rowsOf(metrics: Partial<Metrics>) {
  return Object.entries(metrics).map(([metric, value]) => {
    return { dataset: 'feedback', protocol: 'leave-last-out', metric, value };
  });
}
