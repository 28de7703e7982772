import { randomUUID } from 'node:crypto';
import type { Database } from '../../db/client.ts';
import { takeTurn } from '../../db/nodes/turns.ts';
import {
  countFeedback,
  insertVersion,
  readAllReactions,
  selectActiveVersion,
  selectVersions,
  type TrainableFeedback,
  type VersionRow,
} from '../../db/recommend/recommend-queries.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/log.ts';
import { type TrainingProgress } from '../contract.ts';
import { drawn } from '../math/draw.ts';
import type { Snapshot } from '../model/snapshot.ts';
import { packWeights, unpackWeights } from '../model/stored-weights.ts';
import { type ItemWeights, parseWeights, serialiseWeights } from '../model/weights.ts';
import { type History, isOrdered, readHistories, toInteractions } from '../train/interactions.ts';
import { describe } from '../train/learn-content.ts';
import { excels, meanOf, type Metrics } from '../train/quality/accuracy.ts';
import { lastTargets } from '../train/quality/holdout.ts';
import { type SearchResult } from '../train/settings-search.ts';
import { type HoldoutCase, numberCases, SEED, trainWith } from '../train/train-weights.ts';
import { Trainer } from '../train/trainer-thread.ts';
import { isMuchGone } from './training-due.ts';

export interface VersionTrainingOptions {
  database: Database;
  clock: Clock;
  log: Logger;
  /** The catalogue as it is. */
  snapshot: () => Promise<Snapshot>;
  signal: AbortSignal;
  report?: ((progress: TrainingProgress) => void) | undefined;
}

export interface TrainedVersion {
  version: string;
  isActive: boolean;
}

/** Maximum number of listeners whose last track is a target. */
const MOST_CASES = 5_000;
/** Minimum number of tracks. What fewer show about genres and tags is chance, and plain similarity is better. */
const ENOUGH_TO_LEARN_FROM = 200;
/** Number of listeners whose lists are used to scale the weights of features to those of listening. */
const LISTENERS_FOR_SCALE = 300;
/** Minimum number of reactions, unseen by both versions, for comparing them. */
const ENOUGH_TO_COMPARE = 30;

/**
 * One process at a time trains ([REC16]). A call while another process trains gets that version, and trains only if
 * there is none.
 * @param newest the newest version when the training was requested
 */
export async function trainInTurn(options: VersionTrainingOptions, newest: string | null): Promise<TrainedVersion> {
  const { database, log, signal } = options;
  const onWait = () => log.info('Another process is training the recommender; waiting for its result');
  await using _ = await takeTurn(database, 'training', signal, onWait);
  const [latest] = await selectVersions(database.db, 1);
  // Awaited here, because returning ends the turn.
  if (!latest || latest.version === newest) return await trainVersion(options);
  log.info({ version: latest.version }, 'Another process has trained the recommender');
  return { version: latest.version, isActive: latest.isActive };
}

/**
 * A version from all feedback: its settings are chosen without each listener's last track, measured on these, and then
 * it is trained on everything. It serves unless the active version predicts better what has come since that one was
 * trained.
 */
async function trainVersion(options: VersionTrainingOptions): Promise<TrainedVersion> {
  const { database, clock, log, snapshot, signal, report } = options;
  const start = clock.monotonic();
  const readAt = clock.now();
  const feedback = await countFeedback(database);
  const histories = await readHistories(readAllReactions(database));
  log.info({ listeners: histories.length, feedback: feedback.count }, 'Training the recommender');
  await using trainer = new Trainer({ signal, report });
  const twin = await trainTwin(trainer, histories);
  const { settings } = twin.chosen;
  const isActive = !(await isActiveBetter(database, feedback, trainer, twin));
  const weights = await withContent(await trainWith(trainer, histories, settings), { trainer, snapshot, histories });
  const seconds = Math.round((clock.monotonic() - start) / 100) / 10;
  const version = nameOf(clock.now());
  const row: VersionRow = {
    version,
    parameters: {
      ...settings,
      faster: settings.faster.join(' '),
      readAt,
      feedback: feedback.count,
      latestFeedback: feedback.latest,
      listeners: histories.length,
      tracks: weights.ids.length,
      seconds,
    },
    weights: await packWeights(serialiseWeights(weights)),
  };
  const metrics = twin.cases.length > 0 ? meanOf(twin.measured) : {};
  await insertVersion(database, { ...row, active: isActive }, rowsOf(metrics));
  const outcome = isActive ? 'The recommender is trained' : 'The new version is worse than the active one, which stays';
  log.info({ version, ...row.parameters, ...metrics }, outcome);
  return { version, isActive };
}

/** Learns what genres, artists and tags say about tracks that nobody has heard. */
async function withContent(
  weights: ItemWeights,
  {
    trainer,
    snapshot,
    histories,
  }: Pick<VersionTrainingOptions, 'snapshot'> & { trainer: Trainer; histories: readonly History[] },
): Promise<ItemWeights> {
  const { ids, starts, columns, values } = weights;
  const described = describe(await snapshot(), ids);
  if (described.names.length === 0 || ids.length < ENOUGH_TO_LEARN_FROM) return weights;
  const some = drawn(histories, LISTENERS_FOR_SCALE, SEED).map((history) => ({ history, targets: [] }));
  const content = await trainer.content({ starts, columns, values }, described, numberCases(ids, some));
  return { ...weights, content };
}

/** The version without each listener's last track, and its accuracy on those. */
interface Twin {
  chosen: SearchResult;
  cases: readonly HoldoutCase[];
  measured: readonly Metrics[];
}

async function trainTwin(trainer: Trainer, histories: readonly History[]): Promise<Twin> {
  const { train, cases: all } = holdOutTargets(histories);
  const cases = drawn(all, MOST_CASES, SEED);
  const { ids, interactions } = toInteractions(train);
  const chosen = await trainer.search(interactions, { ordered: isOrdered(histories), seed: SEED });
  if (cases.length === 0) return { chosen, cases, measured: [] };
  const rows = await trainer.train(interactions, chosen.settings);
  const measured = await trainer.measure(rows, { recency: chosen.settings.recency }, numberCases(ids, cases));
  return { chosen, cases, measured };
}

/**
 * Holds out the last track of each listener with at least two, unless too many share it ([REC9]). The others are used
 * in full.
 */
export function holdOutTargets(histories: readonly History[]): { train: History[]; cases: HoldoutCase[] } {
  const targets = lastTargets(histories.map((history) => history.map(({ trackId }) => trackId)));
  const cases: HoldoutCase[] = [];
  const train = histories.map((history, u) => {
    const last = targets[u] ?? null;
    const target = last === null ? undefined : history[last];
    if (last === null || !target) return history;
    const at = target.at === undefined ? {} : { at: target.at };
    cases.push({ history: history.slice(0, last), targets: [target.trackId], ...at });
    return history.filter((_, i) => i !== last);
  });
  return { train, cases };
}

/**
 * Compared on what came after the active version was trained, because it has seen everything older. A version much of
 * whose feedback is gone serves no longer, however good it is ([CONSENT2]).
 */
async function isActiveBetter(
  database: Database,
  feedback: TrainableFeedback,
  trainer: Trainer,
  { cases, measured }: Twin,
): Promise<boolean> {
  const active = await selectActiveVersion(database.db);
  const readAt = Number(active?.parameters.readAt ?? Infinity);
  const fresh = [...cases.keys()].filter((i) => (cases[i]?.at ?? -Infinity) > readAt);
  if (!active || isMuchGone(feedback, active) || fresh.length < ENOUGH_TO_COMPARE) return false;
  const { ids, recency, content: _, ...rows } = parseWeights(await unpackWeights(active.weights));
  const numbered = numberCases(
    ids,
    fresh.flatMap((i) => cases[i] ?? []),
  );
  const earlier = await trainer.measure(rows, { recency }, numbered);
  return excels(
    earlier,
    fresh.flatMap((i) => measured[i] ?? []),
    1,
  );
}

/** Two trainings may end within the same second, in one process or in two. */
function nameOf(instant: number): string {
  const at = new Date(instant).toISOString().replace(/[-:]|\.\d+/g, '');
  return `ease-${at}-${randomUUID().slice(0, 8)}`;
}

function rowsOf(metrics: Partial<Metrics>) {
  return Object.entries(metrics).map(([metric, value]) => {
    return { dataset: 'feedback', protocol: 'leave-last-out', metric, value };
  });
}
