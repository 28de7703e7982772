import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Disposal } from '../../src/lib/async/disposal.ts';
import type { Cable, Lan } from './lan.ts';
import { openProxy, type Proxy, type Target } from './proxy.ts';
import { SECRET } from './tokens.ts';

export type Role = 'all' | 'api' | 'engine';

export interface NodeOptions {
  role: Role;
  folder: string;
  /** Of the database; the node gets there by a proxy of its own. */
  databaseUrl: string;
  /** Where the logs are, if not there; the same holds. */
  natsUrl: string | null;
  models: string;
  /** Given where the node is to have a namespace and a cable of its own. */
  lan: Lan | null;
  /** What differs from a node of the storm. */
  env?: NodeJS.ProcessEnv;
  /** Gets the message of each line of its log. */
  onLine?: (message: string) => void;
}

/** How a network is broken, for how long at most, and how it is mended. */
export interface Disturbance {
  mostMs: number;
  mend: () => void;
}

/** What the node needs, by a proxy of its own; `variable` tells it the address. */
interface Service {
  variable: string;
  url: URL;
  proxy: Proxy;
}

/** One server of the cluster: a child process, and the network to it and from it. */
export class StormNode implements AsyncDisposable {
  readonly role: Role;
  readonly #options: NodeOptions;
  readonly #services: readonly Service[];
  readonly #readers: Proxy;
  readonly #cable: Cable | null;
  #child: ChildProcess | null = null;
  #ended = false;

  private constructor(options: NodeOptions, services: readonly Service[], readers: Proxy, cable: Cable | null) {
    this.role = options.role;
    this.#options = options;
    this.#services = services;
    this.#readers = readers;
    this.#cable = cable;
  }

  /** In the stack's charge before its first process starts. @throws when that ends instead of serving */
  static async start(options: NodeOptions, stack: Disposal): Promise<StormNode> {
    const { databaseUrl, natsUrl, lan } = options;
    const at = lan?.address ?? '127.0.0.1';
    const services: Service[] = [];
    for (const [variable, address] of [
      ['DATABASE_URL', databaseUrl] as const,
      ['CADENZA_NATS_URL', natsUrl] as const,
    ]) {
      if (address === null) continue;
      const url = new URL(address);
      const proxy = await openProxy(Number(url.port), at);
      Object.assign(url, { hostname: at, port: String(proxy.port) });
      services.push({ variable, url, proxy });
    }
    const node = stack.use(new StormNode(options, services, await openProxy(1), lan?.lay() ?? null));
    if (!(await node.#startOnce())) throw new Error(`the node ${options.role} does not start`);
    return node;
  }

  /** Where readers connect to, whichever process serves at the moment. */
  get port(): number {
    return this.#readers.port;
  }

  /** Where the process that serves at the moment listens. */
  get address(): Target {
    return this.#readers.target;
  }

  /** Cuts it off, in one way or another, from what it needs or from who needs it. */
  disturb(random: () => number): Disturbance {
    const cable = this.#cable;
    if (cable && random() < 0.5) {
      cable.pull();
      return { mostMs: 7_000, mend: () => cable.plug() };
    }
    const links = [...this.#services.map(({ proxy }) => proxy), this.#readers];
    const link = links[Math.floor(random() * links.length)] ?? this.#readers;
    if (random() < 0.5) link.cut();
    else link.stall();
    return { mostMs: link === this.#readers ? 2_000 : 7_000, mend: () => link.heal() };
  }

  /** Resolves when it serves, and its engine, if it has one, is ready. A start that fails, as without a database, is tried again. */
  async restart(): Promise<void> {
    while (!this.#ended && !(await this.#startOnce()));
  }

  async #startOnce(): Promise<boolean> {
    const main = [process.execPath, join('dist', 'main.js')];
    const [program = '', ...args] = this.#cable ? ['ip', 'netns', 'exec', this.#cable.namespace, ...main] : main;
    const child = spawn(program, args, { env: this.#environment(), stdio: ['ignore', 'pipe', 'inherit'] });
    this.#child = child;
    return new Promise<boolean>((resolve) => {
      let isWriting = this.role === 'api';
      let isServing = false;
      child.once('exit', () => resolve(false));
      child.once('error', () => resolve(false));
      createInterface(child.stdout).on('line', (line) => {
        const { msg, url } = parse(line);
        this.#options.onLine?.(msg);
        if (/^(?!Cadenza |.*(?:Tunes|encoder|MiniLM\S*) is).* is ready$/.test(msg)) isWriting = true;
        if (msg === 'Cadenza is ready' && url !== undefined) {
          const { hostname, port } = new URL(url);
          this.#readers.target = { host: hostname, port: Number(port) };
          isServing = true;
        }
        if (process.env.STORM_LOG) process.stderr.write(`${this.role} ${line}\n`);
        if (isWriting && isServing) resolve(true);
      });
    });
  }

  #environment(): NodeJS.ProcessEnv {
    const { folder, models, natsUrl } = this.#options;
    return {
      ...{ PATH: process.env.PATH, NODE_ENV: 'production', PORT: '0', HOST: this.#cable?.address ?? '127.0.0.1' },
      ...{ CADENZA_ROLE: this.role, CADENZA_DATA_DIR: join(folder, this.role), CADENZA_MODELS: models },
      ...{ CADENZA_DEMO: 'off', CADENZA_THREADS: '1', CADENZA_QUEUE: '500', CADENZA_DRAFTS_AT_ONCE: '500' },
      ...{ CADENZA_LOG_FORMAT: 'json', CADENZA_LOG_LEVEL: 'info', CADENZA_JWT_SECRET: SECRET },
      ...(natsUrl !== null && { CADENZA_LOG: 'nats' }),
      ...Object.fromEntries(this.#services.map(({ variable, url }) => [variable, url.href])),
      ...this.#options.env,
    };
  }

  /** As a crash would end it. */
  kill(): Promise<void> {
    return this.#end('SIGKILL');
  }

  /** As an operator ends it: it drains, and hands its drafts over. */
  stop(): Promise<void> {
    return this.#end('SIGTERM');
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill(signal);
    await gone;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended = true;
    await this.kill();
    for (const { proxy } of this.#services) await proxy[Symbol.asyncDispose]();
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
