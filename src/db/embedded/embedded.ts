import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { open, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { retry } from '../../lib/async/retry.ts';
import { StartupError } from '../../lib/errors.ts';
import { type Logger, silentLogger } from '../../lib/log.ts';
import { type ClusterFiles, findPostmaster, logTail, openClusterFiles, type Postmaster } from './cluster-files.ts';
import { type Guard, type GuardAttempt, tryGuard } from './cluster-guard.ts';
import { runProgram, startProgram } from './cluster-user.ts';

/** An embedded PostgreSQL server, kept running until it is stopped. */
export interface Cluster {
  /** Connection URL of a database (`postgres` by default), with the superuser's password. */
  url(database?: string): string;
  stop(): Promise<void>;
}

export interface ClusterOptions {
  /** The cluster's folder, created if absent. */
  directory: string;
  /** Extra `-c name=value` settings. */
  settings?: Record<string, string>;
  log?: Logger;
}

/**
 * Starts the cluster of this folder on a free port of 127.0.0.1, or adopts the server that a killed process left
 * running ([DB3]). From then on it restarts the server whenever it dies ([DB5]).
 * @throws StartupError, for example if another process uses the cluster ([DB2])
 */
export async function startCluster({ directory, settings = {}, log = silentLogger }: ClusterOptions): Promise<Cluster> {
  const cluster: Startable = { files: await openClusterFiles(directory), settings, log };
  const running = await bringUp(cluster, null);
  const ending = new AbortController();
  const kept = keepUp(cluster, running, ending.signal);
  return {
    url: (database = 'postgres') => urlOf(cluster, running.port, database),
    stop: async () => {
      ending.abort();
      await kept;
    },
  };
}

interface Startable {
  files: ClusterFiles;
  settings: Record<string, string>;
  log: Logger;
}

/** A server that accepts connections and is used by nobody else. */
interface Running {
  port: number;
  guard: Guard;
}

function urlOf({ files }: Startable, port: number, database: string): string {
  return `postgres://cadenza:${files.password}@127.0.0.1:${port}/${database}`;
}

/** The state at one moment: no server, a server that does not answer, or a server and the state of its guard. */
type Sight = { kind: 'none' } | { kind: 'mute'; server: Postmaster } | (GuardAttempt & { server: Listening });
type Listening = Postmaster & { port: number };

async function look(cluster: Startable): Promise<Sight> {
  const server = await findPostmaster(cluster.files.data);
  if (server === null) return { kind: 'none' };
  const { pid, port } = server;
  if (port === null) return { kind: 'mute', server };
  return { ...(await tryGuard(urlOf(cluster, port, 'postgres'))), server: { pid, port } };
}

const POLL_MS = 50;
/** The guard outlives a killed holder by moments. A second start should fail soon if the holder is alive. */
const HELD_PATIENCE_MS = 2_000;
/** For a server that does not answer at all. One that answers “not yet” may replay its log for as long as necessary. */
const SILENCE_PATIENCE_MS = 60_000;
/** Waits between attempts to restart a server. The first attempt is made at once. */
const RESTART_BACKOFF = { firstMs: 500, longestMs: 30_000 };

/** Brings up a server on the wanted port (null for any), with its guard. If it fails, what it started is stopped. */
async function bringUp(cluster: Startable, wantedPort: number | null): Promise<Running> {
  const mine: { child: ChildProcess | null } = { child: null };
  try {
    return await goRound(cluster, wantedPort, mine);
  } catch (error) {
    if (mine.child && !hasEnded(mine.child)) await shutDown(cluster.files);
    throw error;
  }
}

/**
 * Each round checks everything again, because another start, a shutdown or a crash may occur between any two rounds.
 */
async function goRound(
  cluster: Startable,
  wantedPort: number | null,
  mine: { child: ChildProcess | null },
): Promise<Running> {
  const { files, log } = cluster;
  const started = Date.now();
  let lastSign = started;
  for (;;) {
    const sight = await look(cluster);
    switch (sight.kind) {
      case 'none':
        if (mine.child && !hasEnded(mine.child)) break;
        if (mine.child) await checkWorthAnother(files, wantedPort);
        mine.child = await launch(cluster, wantedPort ?? (await freePort()));
        break;
      case 'taken': {
        const { pid, port } = sight.server;
        if (pid !== mine.child?.pid) log.info({ pid }, 'Adopted the PostgreSQL that a killed process had left running');
        if (wantedPort === null || wantedPort === port) return { port, guard: sight.guard };
        await shutDown(files);
        await sight.guard.release();
        break;
      }
      case 'held':
        // We may have started it, but another process has taken it over before our first check.
        mine.child = null;
        if (Date.now() - started > HELD_PATIENCE_MS) throw inUse(files, sight);
        break;
      case 'not ready':
        lastSign = Date.now();
        break;
      case 'mute':
      case 'unreachable':
        break;
    }
    if (Date.now() - lastSign > SILENCE_PATIENCE_MS) throw await silent(files);
    await delay(POLL_MS);
  }
}

function inUse({ directory }: ClusterFiles, { holder }: { holder: string }): StartupError {
  return new StartupError(
    `The data folder ${directory} is in use by another Cadenza (${holder}). Stop that one, or set CADENZA_DATA_DIR to another ` +
      'folder for this one.',
  );
}

async function silent({ directory, log }: ClusterFiles): Promise<StartupError> {
  return new StartupError(`The PostgreSQL of ${directory} does not answer. The end of its log:\n${await logTail(log)}`);
}

/** Starts the server. The next round checks whether it comes up. */
async function launch({ files, settings }: Startable, port: number): Promise<ChildProcess> {
  await writeFile(files.log, '');
  // Appends, so that two concurrently started servers both write complete lines.
  await using output = await open(files.log, 'a');
  const flags = Object.entries({ ...ownSettings, ...settings }).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const args = ['-D', files.data, '-p', String(port), ...flags];
  const child = startProgram(files.runner, files.programs.postgres, args, ['ignore', output.fd, output.fd]);
  await once(child, 'spawn');
  // The server must outlive us if another process takes it over. The guard's connection keeps its owner alive.
  child.unref();
  return child;
}

/** `log_min_messages`: log events and fatal errors, but not every failed statement. */
const ownSettings = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  log_min_messages: 'log',
  log_checkpoints: 'off',
};

const hasEnded = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null;

/**
 * After a server that ended at once. Another attempt is worthwhile: another process's server was first, processes of a
 * killed one have not all ended, or the free port has been taken.
 */
async function checkWorthAnother({ directory, log }: ClusterFiles, wantedPort: number | null): Promise<void> {
  const said = await logTail(log);
  if (/lock file .* already exists|shared memory block .* still in use/.test(said)) return;
  if (wantedPort === null && /could not create any TCP\/IP sockets/.test(said)) return;
  throw new StartupError(`The PostgreSQL of ${directory} does not start. The end of its log:\n${said}`);
}

/**
 * Restarts the server whenever it is lost ([DB5]). When the signal aborts, stops the server and then releases the
 * guard.
 */
async function keepUp(cluster: Startable, { port, guard }: Running, ending: AbortSignal): Promise<void> {
  const ended = once(ending, 'abort').then(() => 'ended' as const);
  let held: Guard | null = guard;
  while (held && (await Promise.race([held.lost, ended])) !== 'ended') {
    cluster.log.error('The embedded PostgreSQL has stopped; restarting it');
    await held.release();
    held = await bringBack(cluster, port, ending);
    if (held) cluster.log.info('The embedded PostgreSQL runs again');
  }
  await shutDown(cluster.files);
  await held?.release();
}

/** @returns null if the signal aborted */
async function bringBack(cluster: Startable, port: number, ending: AbortSignal): Promise<Guard | null> {
  const attempt = async (): Promise<Guard | null> => (ending.aborted ? null : (await bringUp(cluster, port)).guard);
  const onFailure = (error: unknown, retryInMs: number): void =>
    cluster.log.error({ err: error, retryInMs }, 'The embedded PostgreSQL could not be restarted; will retry');
  return retry(attempt, { backoff: RESTART_BACKOFF, signal: ending, onFailure }).catch(() => null);
}

/** A fast shutdown: sessions end and everything is written. After a minute the rest is left to the next start. */
async function shutDown({ programs, runner, data }: ClusterFiles): Promise<void> {
  const stop = (mode: string) =>
    runProgram(runner, programs.pg_ctl, ['stop', `--pgdata=${data}`, `--mode=${mode}`, '--wait', '--timeout=60']);
  if (await findPostmaster(data)) await stop('fast').catch(() => stop('immediate'));
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  return typeof address === 'object' && address ? address.port : 0;
}
