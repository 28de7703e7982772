import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { randomStream } from '../src/lib/random.ts';
import { f32, u32 } from '../src/lib/typed-arrays.ts';
import { Neighbours } from '../src/recommend/model/neighbours.ts';
import type { ItemWeights } from '../src/recommend/model/weights.ts';
import { Ranking } from '../src/recommend/ranking/ranking.ts';
import { byScore } from '../src/recommend/ranking/scores.ts';
import { Workspace } from '../src/recommend/ranking/workspace.ts';
import { type History, type Interactions, toInteractions } from '../src/recommend/train/interactions.ts';
import { defaultSettings } from '../src/recommend/train/settings-search.ts';
import { Trainer } from '../src/recommend/train/trainer-thread.ts';
import { snapshotOf } from '../test/support/recommend/snapshots.ts';
import { simulateListening } from './support/simulation.ts';
import { median, round } from './support/statistics.ts';

const ROUNDS = 3;
const REQUESTS = 300;
/** A catalogue that no one system holds. */
const SIMULATION = { listeners: 100_000, tracks: 50_000, events: 10_000_000 };
/** Last.fm-2k's, for data of its shape where the real is not given. */
const SHAPE = { listeners: 1_892, items: 17_632, each: 49 };

/**
 * Training a listeners × items matrix whose items are many, against NumPy's (`PYTHON`, by default `python3`), turn by turn;
 * then rankings with the result. `--data FILE` is user_artists.dat of HetRec 2011's Last.fm, also gzipped. `--simulate`
 * instead chooses settings and trains on 100,000 listeners × 50,000 tracks, 10 million events, without a database.
 */
export async function run(args: string[]): Promise<Record<string, number>> {
  const { values } = parseArgs({ args, options: { data: { type: 'string' }, simulate: { type: 'boolean' } } });
  if (values.simulate) return simulate();
  const histories = values.data === undefined ? madeUp() : await readPlayCounts(values.data);
  const { ids, interactions } = toInteractions(histories);
  const cells = { listeners: histories.length, items: ids.length, plays: interactions.items.length };
  console.log(`${cells.listeners} listeners × ${cells.items} items, ${cells.plays} cells`);
  const settings = { ...defaultSettings, levelling: 0 };
  await using peer = await startPeer(interactions, settings.ridge);
  await using trainer = new Trainer();
  const times: { ours: number; theirs: number }[] = [];
  let weights: ItemWeights | null = null;
  for (let turn = 0; turn <= ROUNDS; turn++) {
    const start = performance.now();
    const rows = await trainer.train(interactions, settings);
    const ours = (performance.now() - start) / 1_000;
    const theirs = await peer.train();
    weights = { ids: Float64Array.from(ids), ...rows, recency: settings.recency, content: null };
    console.log(`${turn === 0 ? 'warm-up' : `round ${turn}`}: ours ${ours.toFixed(2)} s, NumPy ${theirs.toFixed(2)} s`);
    if (turn > 0) times.push({ ours, theirs });
  }
  return {
    train_vs_numpy: round(median(times.map(({ ours, theirs }) => ours / theirs)), 3),
    train_seconds: round(median(times.map(({ ours }) => ours)), 2),
    request_us: weights ? Math.round(median(rankingTimes(weights, histories))) : 0,
    peak_rss_mb: Math.round(process.resourceUsage().maxRSS / 1024),
  };
}

async function simulate(): Promise<Record<string, number>> {
  const histories = simulateListening(SIMULATION);
  const { ids, interactions } = toInteractions(histories);
  console.log(`${histories.length} listeners × ${ids.length} tracks, ${interactions.items.length} events`);
  await using trainer = new Trainer({ report: ({ what }) => console.log(what) });
  const start = performance.now();
  const { settings } = await trainer.search(interactions, { ordered: true, seed: 1 });
  const chosen = performance.now();
  const rows = await trainer.train(interactions, settings);
  const trained = performance.now();
  const weights = { ids: Float64Array.from(ids), ...rows, recency: settings.recency, content: null };
  const times = rankingTimes(weights, histories.slice(0, REQUESTS)).sort((a, b) => a - b);
  return {
    search_seconds: round((chosen - start) / 1_000, 1),
    train_seconds: round((trained - chosen) / 1_000, 1),
    request_p50_us: Math.round(median(times)),
    request_p99_us: Math.round(times[Math.floor(0.99 * times.length)] ?? 0),
    peak_rss_mb: Math.round(process.resourceUsage().maxRSS / 1024),
  };
}

/** Tracks are drawn by a law of which the first are heard most, as real ones are. */
function madeUp(): History[] {
  const random = randomStream(1);
  return Array.from({ length: SHAPE.listeners }, () => {
    const heard = new Set<number>();
    while (heard.size < SHAPE.each) heard.add(1 + Math.floor(SHAPE.items * random() ** 3));
    return [...heard].map((trackId) => ({ trackId, strength: 0.4 + 0.6 * random() }));
  });
}

async function readPlayCounts(path: string): Promise<History[]> {
  const bytes = await readFile(path);
  const lines = (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('latin1').trim().split(/\r?\n/).slice(1);
  const histories = new Map<string, { trackId: number; strength: number }[]>();
  for (const [user = '', artist, count] of lines.map((line) => line.split('\t'))) {
    const history = histories.get(user) ?? [];
    history.push({ trackId: Number(artist), strength: Math.min(1, 0.4 + 0.1 * Math.log2(Math.max(1, Number(count)))) });
    histories.set(user, history);
  }
  return [...histories.values()];
}

class Peer implements AsyncDisposable {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;
  readonly #folder: string;
  readonly #reader: Interface;

  constructor(child: ChildProcessWithoutNullStreams, folder: string) {
    this.#child = child;
    this.#folder = folder;
    this.#reader = createInterface({ input: child.stdout });
    this.#lines = this.#reader[Symbol.asyncIterator]();
  }

  /** @returns seconds */
  async train(): Promise<number> {
    this.#child.stdin.write('\n');
    const { value, done } = (await this.#lines.next()) as IteratorResult<string, undefined>;
    if (done) throw new Error('The peer ended: PYTHON must name a Python that has NumPy');
    return Number(value);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill();
    this.#reader.close();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

async function startPeer({ starts, items, values, itemCount }: Interactions, ridge: number): Promise<Peer> {
  const folder = await mkdtemp(join(tmpdir(), 'cadenza-bench-'));
  const cells = Buffer.alloc(12 * items.length);
  for (let u = 0; u + 1 < starts.length; u++) {
    for (let at = u32(starts, u); at < u32(starts, u + 1); at++) {
      cells.writeUInt32LE(u, 12 * at);
      cells.writeUInt32LE(u32(items, at), 12 * at + 4);
      cells.writeFloatLE(f32(values, at), 12 * at + 8);
    }
  }
  await writeFile(join(folder, 'cells'), cells);
  const script = fileURLToPath(new URL('./peers/ease-dual.py', import.meta.url));
  const sizes = [starts.length - 1, itemCount, ridge].map(String);
  const child = spawn(process.env.PYTHON ?? 'python3', [script, join(folder, 'cells'), ...sizes]);
  child.stderr.pipe(process.stderr);
  return new Peer(child, folder);
}

/** Microseconds of a ranking and its first twenty, for one listener after another, none asked for before. */
function rankingTimes(weights: ItemWeights, histories: readonly History[]): number[] {
  const snapshot = snapshotOf({
    tracks: Array.from(weights.ids, (id) => ({
      ...{ id, title: `Track ${id}`, artistId: id, releaseYear: null, durationMs: null, explicit: false },
      ...{ popularity: 0.5, recentListeners: 1, allTimeListeners: null, rejecters: 0, withdrawn: false },
    })),
    artists: Array.from(weights.ids, (id) => ({ id, name: `Artist ${id}` })),
    ...{ genres: [], trackGenres: [], trackTags: [] },
  });
  const neighbours = new Neighbours('bench', snapshot, weights);
  const serving = { snapshot, neighbours, workspace: new Workspace() };
  return histories.slice(0, REQUESTS).map((history) => {
    const taste = {
      history: history.map((heard) => ({ ...heard, kind: 'PLAY' as const, at: 0, plays: 1 })),
      ...{ genres: [], artistIds: [], tags: [], text: null, contextText: null, seedTrackIds: [], allowExplicit: true },
    };
    const start = performance.now();
    const ranking = new Ranking(serving, { taste, filter: null, includeHeard: false });
    ranking.withScores((scores) => scores.next([], 20, byScore));
    return (performance.now() - start) * 1_000;
  });
}
