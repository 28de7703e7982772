import { type ChildProcess, spawn } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';

/** A server of a benchmark in a process of its own. */
export interface ServerProcess {
  process: ChildProcess;
  /** Where it answers GraphQL over HTTP. */
  url: string;
  /** Settles with the first line of its output that matches, past ones included; rejects when the process ends. */
  said(pattern: RegExp): Promise<string>;
}

export interface ServerOptions {
  /** Its database and models. */
  dataDir: string;
  env?: NodeJS.ProcessEnv;
  /** For Node.js itself, before the script. */
  nodeArguments?: readonly string[];
}

const LISTENING = /http:\/\/127\.0\.0\.1:\d+\/graphql/;

/** Our server as `npm start` runs it, without npm's processes around it, on any free port. */
export function startCadenza({ dataDir, env = {}, nodeArguments = [] }: ServerOptions): Promise<ServerProcess> {
  return startServer([...nodeArguments, 'scripts/start.mjs'], {
    PORT: '0',
    CADENZA_DATA_DIR: dataDir,
    CADENZA_FETCH_MODELS: 'off',
    CADENZA_LOG_FORMAT: 'json',
    CADENZA_LOG_LEVEL: 'info',
    ...env,
  });
}

/** Servers that were started and have not ended. */
const running = new Set<ChildProcess>();

/** Stops every server that still runs: whatever a benchmark failed at, it leaves no process behind. */
export async function stopAll(): Promise<void> {
  await Promise.all([...running].map(stop));
}

/** Starts Node.js on what says, sooner or later, at which URL it listens. */
export async function startServer(nodeArguments: readonly string[], env: NodeJS.ProcessEnv): Promise<ServerProcess> {
  const child = startNode(nodeArguments, env);
  const said = listenTo(child);
  return { process: child, url: LISTENING.exec(await said(LISTENING))?.[0] ?? '', said };
}

/** A child of Node.js with a channel to it. Its output has to be read. */
export function startNode(nodeArguments: readonly string[], env: NodeJS.ProcessEnv = {}): ChildProcess {
  const child = spawn(process.execPath, nodeArguments, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  running.add(child);
  child.once('exit', () => running.delete(child));
  return child;
}

/** Reads the child's output for good, or the child would block. */
function listenTo(child: ChildProcess): ServerProcess['said'] {
  const lines: string[] = [];
  const looks = new Set<() => void>();
  if (!child.stdout) throw new Error('the child has no output');
  createInterface(child.stdout).on('line', (line) => {
    lines.push(line);
    for (const look of looks) look();
  });
  return (pattern) =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        const line = lines.find((one) => pattern.test(one));
        if (line === undefined) return;
        looks.delete(look);
        resolve(line);
      };
      looks.add(look);
      look();
      child.once('exit', (code) => reject(new Error(`the server ended with code ${code ?? 'none'} before ${pattern}`)));
    });
}

/** Waits for its orderly end. */
export async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await gone;
}

/** The most memory that the process had at once since its start or since `forgetPeakRss`, in MB (Linux). */
export async function peakRssMb({ pid }: ChildProcess): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Math.round(Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? NaN) / 1024);
}

/** What it has now, in MB (Linux). */
export async function rssMb({ pid }: ChildProcess): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? NaN) / 1024;
}

/** Lets the peak begin anew; see proc(5), `clear_refs`. */
export function forgetPeakRss({ pid }: ChildProcess): Promise<void> {
  return writeFile(`/proc/${pid}/clear_refs`, '5');
}
