import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { openProxy, type Proxy } from './proxy.ts';

export type Role = 'all' | 'api' | 'engine';

export interface NodeOptions {
  role: Role;
  folder: string;
  /** Of the database; the node gets there by a proxy of its own. */
  databaseUrl: string;
  models: string;
  env?: NodeJS.ProcessEnv;
}

/** One server of the cluster: a child process, and the network to it and from it. */
export class StormNode implements AsyncDisposable {
  readonly role: Role;
  readonly #options: NodeOptions;
  readonly #database: Proxy;
  readonly #readers: Proxy;
  #child: ChildProcess | null = null;
  #ended = false;

  private constructor(options: NodeOptions, database: Proxy, readers: Proxy) {
    this.role = options.role;
    this.#options = options;
    this.#database = database;
    this.#readers = readers;
  }

  static async start(options: NodeOptions): Promise<StormNode> {
    const database = await openProxy(Number(new URL(options.databaseUrl).port));
    const node = new StormNode(options, database, await openProxy(1));
    await node.restart();
    return node;
  }

  /** Where readers connect to, whichever process serves at the moment. */
  get port(): number {
    return this.#readers.port;
  }

  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  get database(): Proxy {
    return this.#database;
  }

  get readers(): Proxy {
    return this.#readers;
  }

  /** Resolves when it serves, and its engine, if it has one, is ready. A start that fails, as without a database, is tried again. */
  async restart(): Promise<void> {
    while (!this.#ended && !(await this.#startOnce()));
  }

  async #startOnce(): Promise<boolean> {
    const { role, folder, databaseUrl, models, env } = this.#options;
    const url = new URL(databaseUrl);
    url.port = String(this.#database.port);
    const child = spawn(process.execPath, [join('dist', 'main.js')], {
      env: {
        ...{ PATH: process.env.PATH, NODE_ENV: 'production', PORT: '0', DATABASE_URL: url.href, CADENZA_ROLE: role },
        ...{ CADENZA_DATA_DIR: join(folder, role), CADENZA_MODELS: models, CADENZA_DEMO: 'off', CADENZA_THREADS: '1' },
        ...{ CADENZA_QUEUE: '500', CADENZA_LOG_FORMAT: 'json', CADENZA_LOG_LEVEL: 'info', ...env },
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#child = child;
    const serves = new Promise<boolean>((resolve) => {
      let isWriting = role === 'api';
      let isServing = false;
      child.once('exit', () => resolve(false));
      createInterface(child.stdout).on('line', (line) => {
        const { msg, url: at } = parse(line);
        if (/^(?!Cadenza ).* is ready$/.test(msg)) isWriting = true;
        if (msg === 'Cadenza is ready' && at !== undefined) {
          this.#readers.target = Number(new URL(at).port);
          isServing = true;
        }
        if (process.env.STORM_LOG) process.stderr.write(`${role} ${line}\n`);
        if (isWriting && isServing) resolve(true);
      });
    });
    return serves;
  }

  /** As a crash would end it. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended = true;
    await this.kill();
    await this.#database[Symbol.asyncDispose]();
    await this.#readers[Symbol.asyncDispose]();
  }
}

function parse(line: string): { msg: string; url?: string } {
  try {
    return JSON.parse(line) as { msg: string; url?: string };
  } catch {
    return { msg: '' };
  }
}
