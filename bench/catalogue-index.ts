import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { catalogueWakeup, createCatalogue, type TrackInput } from '../src/catalogue/catalogue.ts';
import { connect } from '../src/db/client.ts';
import { startCluster } from '../src/db/embedded/embedded.ts';
import { migrateToLatest } from '../src/db/migrations.ts';
import { LocalWakeups } from '../src/lib/async/wakeups.ts';
import { systemClock } from '../src/lib/clock.ts';
import { silentLogger } from '../src/lib/log.ts';
import { randomStream } from '../src/lib/random.ts';
import { createListeners, type Viewer } from '../src/listeners/listeners.ts';
import { createRecommender } from '../src/recommend/recommender.ts';
import { ending } from './support/ending.ts';
import { round } from './support/statistics.ts';

const BATCH = 1_000;
const LISTENERS = 100;
const HEARD = 30;
const REPEATS = 5;
const WORDS = 8_000;

/** What the catalogue grows and shrinks by is as in Last.fm 2k: three genres and two dozen tags a track, words that recur. */
function syntheticTrack(i: number, random: () => number): TrackInput {
  const word = () => `w${Math.floor(WORDS * random() ** 2).toString(36)}`;
  return {
    externalId: `synthetic-${i}`,
    title: `${word()} ${word()} ${word()} ${i}`,
    artist: `${word()} ${Math.floor(2_000 * random())}`,
    releaseYear: 1950 + Math.floor(75 * random()),
    genres: Array.from({ length: 3 }, () => `Genre ${Math.floor(300 * random() ** 2)}`),
    tags: Array.from({ length: 24 }, () => `${word()} ${Math.floor(3 * random())}`),
  };
}

/**
 * How long the event loop is held up while the catalogue changes under a recommender that answers, and how soon a track that
 * was sent is in lists. `--tracks 200000` for a larger catalogue.
 */
export function run(args: string[]): Promise<Record<string, number>> {
  const { values } = parseArgs({ args, options: { tracks: { type: 'string', default: '20000' } } });
  return ending(async (stack) => {
    const folder = await mkdtemp(join(tmpdir(), 'cadenza-bench-'));
    stack.defer(() => rm(folder, { recursive: true, force: true }));
    const cluster = await startCluster({ directory: join(folder, 'postgres'), log: silentLogger });
    stack.defer(() => cluster.stop());
    const url = cluster.url('postgres');
    await migrateToLatest(url);
    const database = stack.use(connect(url));
    const wakeups = new LocalWakeups();
    const services = { database, wakeups, clock: systemClock, log: silentLogger };
    const catalogue = createCatalogue(services);
    const listeners = createListeners(services);
    const random = randomStream(1);
    const count = Number(values.tracks);
    for (let at = 0; at < count; at += BATCH) {
      const size = Math.min(BATCH, count - at);
      await catalogue.upsertTracks(Array.from({ length: size }, (_, i) => syntheticTrack(at + i, random)));
    }
    const rows = await database.sql<{ id: number }[]>`select id::float8 as id from tracks order by id`;
    const ids = rows.map(({ id }) => id);
    const viewers: Viewer[] = [];
    const react = async (viewer: Viewer, plays: number) => {
      const input = Array.from({ length: plays }, () => {
        return { trackId: ids[Math.floor(ids.length * random() ** 2)] ?? 0, kind: 'LIKE' as const };
      });
      await listeners.recordBatch(viewer, input);
    };
    for (let u = 0; u < LISTENERS; u++) {
      const viewer: Viewer = { listener: await listeners.ensure(`listener ${u}`), roles: new Set(['LISTENER']) };
      await react(viewer, HEARD);
      viewers.push(viewer);
    }
    await catalogue.refreshPopularity();
    const beganAt = performance.now();
    const recommender = stack.use(
      await createRecommender({ ...services, catalogue, listeners, trainsByItself: false }),
    );
    const firstMs = performance.now() - beganAt;

    let asked = 0;
    /** Lists all the while, and the longest that the loop was held up. */
    const during = async (what: () => Promise<unknown>): Promise<number> => {
      const histogram = monitorEventLoopDelay({ resolution: 1 });
      const over = new AbortController();
      const asking = (async () => {
        for (let u = 0; !over.signal.aborted; u++) {
          const viewer = viewers[u % viewers.length];
          // A list that nobody has asked for yet, so that what it costs is the same before and after a change.
          const query = { diversity: 0.2 + asked++ * 1e-9 };
          if (viewer) await recommender.recommend(viewer.listener.id, query, { first: 10 });
          await delay(5);
        }
      })();
      await delay(500);
      histogram.enable();
      await what();
      await delay(1_500);
      histogram.disable();
      over.abort();
      await asking;
      return histogram.max / 1e6;
    };
    const repeatedly = async (what: (i: number) => Promise<unknown>): Promise<number> => {
      let longest = 0;
      for (let i = 0; i < REPEATS; i++) longest = Math.max(longest, await during(() => what(i)));
      return longest;
    };

    let listedAfter = 0;
    const upsert = async (i: number) => {
      const track = { ...syntheticTrack(count + i, random), externalId: `a-new-one-${i}` };
      await catalogue.upsertTracks([track]);
      const from = performance.now();
      const [row] = await database.sql<{ id: number }[]>`
        select id::float8 as id from tracks where external_id = ${track.externalId}`;
      const [viewer] = viewers;
      while (viewer && !(await recommender.explain(viewer.listener.id, row?.id ?? 0, {}))) await delay(5);
      listedAfter = Math.max(listedAfter, performance.now() - from);
    };
    const popularity = async () => {
      for (const viewer of viewers.slice(0, 20)) await react(viewer, 10);
      await catalogue.refreshPopularity();
    };
    const idle = await repeatedly(() => delay(1));
    const upserted = await repeatedly(upsert);
    const nothing = await repeatedly(async () => {
      wakeups.wake(catalogueWakeup);
      await delay(1);
    });
    const refreshed = await repeatedly(popularity);
    return {
      tracks: count,
      first_index_ms: Math.round(firstMs),
      block_ms_idle: round(idle),
      block_ms_upsert: round(upserted),
      block_ms_wakeup: round(nothing),
      block_ms_popularity: round(refreshed),
      listed_after_ms: Math.round(listedAfter),
      rss_mb: Math.round(process.memoryUsage.rss() / 2 ** 20),
    };
  });
}
