import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createCatalogue, type TrackInput } from '../src/catalogue/catalogue.ts';
import { connect, type Database } from '../src/db/client.ts';
import { startCluster } from '../src/db/embedded/embedded.ts';
import { migrateToLatest } from '../src/db/migrations.ts';
import { dropListStatesBefore } from '../src/db/recommend/served-list-queries.ts';
import { logTokens } from '../src/drafts/log/log-events.ts';
import { PostgresLog } from '../src/drafts/log/postgres/postgres-log.ts';
import { ended } from '../src/drafts/turns/draft-writer.ts';
import { LocalWakeups } from '../src/lib/async/wakeups.ts';
import { systemClock } from '../src/lib/clock.ts';
import { silentLogger } from '../src/lib/log.ts';
import { randomStream } from '../src/lib/random.ts';
import { createListeners, type Viewer } from '../src/listeners/listeners.ts';
import { packWeights } from '../src/recommend/model/stored-weights.ts';
import { serialiseWeights } from '../src/recommend/model/weights.ts';
import { createRecommender } from '../src/recommend/recommender.ts';
import { trainWeights } from '../src/recommend/train/train-weights.ts';
import { firstEvents, newDraft, unused } from '../test/support/drafts/new-draft.ts';
import { ending } from './support/ending.ts';
import { simulateListening } from './support/simulation.ts';
import { round } from './support/statistics.ts';

const DRAFTS = 320;
const AT_ONCE = 32;
const TOKENS = 200;
const WORDS = 4_000;
const DAYS = 8;
const LISTENERS = 200;
const LISTS_OF_LISTENER = 4;
const HEARD = 30;
const REACTIONS_TO_LIST = 3;
const TRACKS = 2_000;
const VERSION = { listeners: 2_000, tracks: 3_000, events: 100_000 };

/**
 * What is kept of drafts, served lists and reactions, in bytes of tables with their indexes, after the vacuum that the
 * database does by itself. Drafts of 200 tokens are written one token at a time; on each of eight days 200 listeners
 * with 30 reactions get four lists of ten, and react to three tracks of each. Lists keep their state for the last day only.
 */
export function run(): Promise<Record<string, number>> {
  return ending(async (stack) => {
    const folder = await mkdtemp(join(tmpdir(), 'cadenza-bench-'));
    stack.defer(() => rm(folder, { recursive: true, force: true }));
    const cluster = await startCluster({ directory: join(folder, 'postgres'), log: silentLogger });
    stack.defer(() => cluster.stop());
    const url = cluster.url('postgres');
    await migrateToLatest(url);
    const database = stack.use(connect(url));
    const tokens = await bytesOfTokens(database);
    const { lists, reactions, today } = await bytesOfLists(database);
    const version = await shareOfVersion();
    const figures = {
      bytes_per_token: round(tokens, 1),
      bytes_per_list: round(lists, 1),
      bytes_per_list_today: round(today, 1),
      bytes_per_reaction: round(reactions, 1),
      version_compressed_to: round(version, 3),
    };
    console.table(figures);
    return figures;
  });
}

async function sizeOf({ sql }: Database, table: string): Promise<number> {
  await sql.unsafe(`vacuum analyze ${table}`);
  const [row] = await sql<[{ size: number }]>`select pg_total_relation_size(${table}::regclass)::float8 as size`;
  return row.size;
}

/** Words of the usual lengths. */
function vocabulary(random: () => number): string[] {
  const letters = 'etaoinshrdlu';
  return Array.from({ length: WORDS }, () => {
    const length = 1 + Math.floor(8 * random() ** 1.5);
    return ` ${Array.from({ length }, () => letters[Math.floor(letters.length * random())]).join('')}`;
  });
}

async function bytesOfTokens(database: Database): Promise<number> {
  const random = randomStream(1);
  const words = vocabulary(random);
  const log = new PostgresLog(database);
  const listeners = createListeners({ database, wakeups: new LocalWakeups(), clock: systemClock });
  const { id: listenerId } = await listeners.ensure('writer');
  const draw = () => {
    const id = Math.floor(WORDS * random() ** 3);
    return { id, text: words[id] ?? '', logprob: Math.fround(-9 * random() ** 2) };
  };
  const write = async (): Promise<void> => {
    const draft = newDraft({ listenerId, mostAtOnce: 1_000 });
    await log.create([{ draft, events: firstEvents() }]);
    for (let sequence = 1; sequence <= TOKENS; sequence++) {
      const token = { ...draw(), alternatives: Array.from({ length: 5 }, draw) };
      const fence = { draftId: draft.id, epoch: 1, sequence };
      await log.append({ type: 'progress', fence, events: [logTokens(token.text, [token])], at: new Date() });
    }
    const fence = { draftId: draft.id, epoch: 1, sequence: TOKENS + 1 };
    await log.append({ type: 'progress', fence, events: [ended('LENGTH', unused)], at: new Date() });
  };
  for (let done = 0; done < DRAFTS; done += AT_ONCE) {
    await Promise.all(Array.from({ length: AT_ONCE }, write));
    await database.sql`vacuum draft_events`;
  }
  return (await sizeOf(database, 'draft_events')) / (DRAFTS * TOKENS);
}

async function bytesOfLists(database: Database): Promise<Record<'lists' | 'today' | 'reactions', number>> {
  const services = { database, wakeups: new LocalWakeups(), clock: systemClock, log: silentLogger };
  const catalogue = createCatalogue(services);
  const listeners = createListeners(services);
  await catalogue.upsertTracks(Array.from({ length: 1_000 }, (_, i) => trackOf(i)));
  await catalogue.upsertTracks(Array.from({ length: TRACKS - 1_000 }, (_, i) => trackOf(1_000 + i)));
  const rows = await database.sql<{ id: number }[]>`select id::float8 as id from tracks order by id`;
  const random = randomStream(2);
  const anyTrack = () => rows[Math.floor(rows.length * random())]?.id ?? 0;
  const viewers: Viewer[] = [];
  for (let u = 0; u < LISTENERS; u++) {
    const viewer: Viewer = { listener: await listeners.ensure(`listener ${u}`), roles: new Set(['LISTENER']) };
    const heard = Array.from({ length: HEARD }, () => ({ trackId: anyTrack(), kind: 'PLAY' as const }));
    await listeners.recordBatch(viewer, heard);
    viewers.push(viewer);
  }
  const recommender = await createRecommender({ ...services, catalogue, listeners, trainsByItself: false });
  const served: { viewer: Viewer; requestId: string; trackIds: number[] }[] = [];
  for (let day = 0; day < DAYS; day++) {
    await dropListStatesBefore(database.db, new Date());
    await database.sql`vacuum recommendation_lists`;
    for (let n = 0; n < LISTS_OF_LISTENER; n++) {
      for (const viewer of viewers) {
        // Another diversity makes another list.
        const query = { diversity: (1 + day * LISTS_OF_LISTENER + n) / 1_000 };
        const { requestId, edges } = await recommender.recommend(viewer.listener.id, query, { first: 10 });
        served.push({ viewer, requestId, trackIds: edges.map(({ node }) => node.trackId) });
      }
      await untilStored(database, served.length);
    }
  }
  await recommender[Symbol.asyncDispose]();
  for (const { viewer, requestId, trackIds } of served) {
    const clicked = trackIds
      .slice(0, REACTIONS_TO_LIST)
      .map((trackId) => ({ trackId, kind: 'PLAY' as const, requestId }));
    await listeners.recordBatch(viewer, clicked);
  }
  const [today] = await database.sql<[{ bytes: number }]>`
    select avg(pg_column_size(l.*))::float8 as bytes from recommendation_lists l where state is not null`;
  return {
    lists: (await sizeOf(database, 'recommendation_lists')) / served.length,
    today: today.bytes,
    reactions: (await sizeOf(database, 'feedback')) / (LISTENERS * HEARD + served.length * REACTIONS_TO_LIST),
  };
}

/** To what share of their size the weights of a version are compressed. */
export async function shareOfVersion(): Promise<number> {
  const weights = serialiseWeights(await trainWeights(simulateListening(VERSION)));
  return (await packWeights(weights)).length / weights.length;
}

async function untilStored({ sql }: Database, lists: number): Promise<void> {
  for (;;) {
    const [row] = await sql<[{ count: number }]>`select count(*)::int as count from recommendation_lists`;
    if (row.count >= lists) return;
    await delay(20);
  }
}

const trackOf = (i: number): TrackInput => ({
  externalId: `track-${i}`,
  title: `Title ${i}`,
  artist: `Artist ${i % 500}`,
  genres: [`Genre ${i % 12}`],
});
