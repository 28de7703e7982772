import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { onTestFinished } from 'vitest';
import { READY } from '../../src/banner.ts';
import { createDatabase } from './postgres/database.ts';
import { programOf } from './product.ts';

/** How a process ended. */
export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
  /** All it wrote, its log among it. */
  output: string;
}

/** A server process that is starting, serves, or has ended. */
export interface ServerProcess {
  process: ChildProcess;
  /** Settles with the log line whose message this is, one that came before included; rejects when the process ends. */
  said(message: string | RegExp): Promise<LogLine>;
  exited: Promise<Exit>;
}

export type LogLine = Record<string, unknown> & { msg: string };

export interface TestServer extends ServerProcess {
  /** e.g. `http://127.0.0.1:41235` */
  url: string;
  /** Where GraphQL over WebSocket is spoken. */
  wsUrl: string;
  /** Ends it in order, as an operator would. */
  stop(): Promise<Exit>;
  /** Ends it as a crash would: nothing is cleaned up. */
  kill(): Promise<Exit>;
}

/**
 * The real server in a process of its own, on a free port, with a data folder and a database of its own on the tests'
 * PostgreSQL, no demo and no fetching of models, until `env` says otherwise; an empty string unsets a variable. Ended
 * with the test.
 */
export async function startServer(env: NodeJS.ProcessEnv = {}): Promise<TestServer> {
  const server = spawnServer({
    ...env,
    DATABASE_URL: env.DATABASE_URL ?? (await databaseOfTest()),
    CADENZA_DATA_DIR: env.CADENZA_DATA_DIR ?? (await dataFolder()),
  });
  const { url } = (await server.said(READY)) as LogLine & { url: string };
  const endWith = (signal: NodeJS.Signals) => () => {
    server.process.kill(signal);
    return server.exited;
  };
  const wsUrl = `${url.replace('http', 'ws')}/graphql`;
  return { ...server, url, wsUrl, stop: endWith('SIGTERM'), kill: endWith('SIGKILL') };
}

/** As `startServer`, but does not wait for it to serve: for starts that are meant to fail. */
export function spawnServer(env: NodeJS.ProcessEnv): ServerProcess {
  const child = spawn(process.execPath, [programOf('main')], {
    env: { ...outerEnvironment(), ...defaults, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const lines: string[] = [];
  const waiting = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr]) {
    createInterface(stream).on('line', (line) => {
      lines.push(line);
      for (const look of waiting) look();
    });
  }
  const exited = once(child, 'close').then(([code, signal]) => {
    for (const look of waiting) look();
    return { code: code as number | null, signal: signal as NodeJS.Signals | null, output: lines.join('\n') };
  });
  onTestFinished(async () => {
    if (child.kill('SIGTERM')) await exited;
  });
  const said = (message: string | RegExp): Promise<LogLine> => {
    const find = () => lines.map(parseLine).find((line) => line && matches(line.msg, message));
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const line = find();
        if (!line) return;
        waiting.delete(look);
        resolve(line);
      };
      waiting.add(look);
      look();
      void exited.then(({ output }) =>
        reject(new Error(`The server ended without saying ${String(message)}:\n${output}`)),
      );
    });
  };
  return { process: child, said, exited };
}

/** A new data folder, removed with the test. */
export async function dataFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'cadenza-data-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

const defaults = {
  PORT: '0',
  CADENZA_LOG_FORMAT: 'json',
  CADENZA_DEMO: 'off',
  CADENZA_FETCH_MODELS: 'off',
};

/** Without what the person who runs the tests has configured for a server of their own. */
function outerEnvironment(): NodeJS.ProcessEnv {
  const ours = /^(CADENZA_.*|DATABASE_URL|PORT|HOST)$/;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !ours.test(name)));
}

async function databaseOfTest(): Promise<string> {
  const database = await createDatabase({ connections: 1 });
  onTestFinished(() => database[Symbol.asyncDispose]());
  return database.url;
}

function parseLine(line: string): LogLine | null {
  try {
    return JSON.parse(line) as LogLine;
  } catch {
    return null;
  }
}

function matches(text: string, pattern: string | RegExp): boolean {
  return typeof pattern === 'string' ? text === pattern : pattern.test(text);
}
