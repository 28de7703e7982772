import type { ChildProcess, Serializable } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Attacked, Orders } from './siege/attackers.ts';
import { authorizationOf, SECRET } from './storm/tokens.ts';
import { ending } from './support/ending.ts';
import { type ServerProcess, startNode, startServer, stop, stopAll } from './support/processes.ts';
import { quantile, round } from './support/statistics.ts';

/**
 * Strangers do everything at once that could bring a server down: requests, upgrades and messages mutated by a grammar, resets at
 * every byte, answers of every kind that nobody takes. The server has to live, its memory to come back, and somebody who
 * behaves to be answered all the while.
 */
interface Siege {
  seed: number;
  /** Requests, messages and upgrades in all. */
  requests: number;
  /** How many attack at a time. */
  attackers: number;
  /** With the rates that a newcomer has; otherwise without, so that attacks reach what is behind them. */
  rates: boolean;
}

interface Outcome {
  requests: number;
  died: number;
  /** Of the memory that the process holds, and of what is in use of it, since the first part of the siege. */
  rss_growth: number;
  used_growth: number;
  /** Against what it is when nobody attacks. */
  victim_p99_ratio: number;
  internal_errors: number;
  leaks: number;
}

/** The share of the attacks after which memory is looked at first: what is made once and kept is there by then. */
const WARM_UP = 0.2;
const MOST_GROWTH = 0.1;
const MOST_DELAY = 3;
/** What the victim asks by itself, to compare with. */
const ALONE = 1_000;
/** Longer than those who take nothing are put up with. */
const SETTLE_MS = 8_000;

const UNLIMITED = Object.fromEntries(
  ['RATE_REQUESTS', 'RATE_MUTATIONS', 'RATE_FEEDBACK', 'RATE_ADDRESS', 'RATE_FAILURES']
    .concat(['SOCKETS_PER_LISTENER', 'SOCKETS_PER_ADDRESS'])
    .map((name) => [`CADENZA_${name}`, '1000000']),
);

async function lay(siege: Siege, secret: string | null): Promise<Outcome> {
  const folder = await mkdtemp(join(tmpdir(), 'cadenza-siege-'));
  const server = await startBesieged(folder, {
    ...(!siege.rates && UNLIMITED),
    ...(secret && { CADENZA_JWT_SECRET: secret }),
  });
  const tokenOf = (name: string) => (secret === null ? null : authorizationOf(name));
  const victim = new Victim(server.url, await tokenOf('victim'));
  const strangers = new Strangers(siege, Number(new URL(server.url).port), await tokenOf('stranger'));
  try {
    let { sent } = await strangers.attack(WARM_UP);
    const alone = await victim.ask(ALONE);
    const before = await memoryOf(server.process);
    const during = victim.ask(Infinity);
    const attacked = await strangers.attack(1 - WARM_UP).finally(() => victim.stop());
    sent += attacked.sent;
    const [calm, besieged] = [alone, await during].map((times) => quantile(times, 0.99));
    const after = await memoryOf(server.process);
    for (const example of attacked.examples) console.error(example);
    console.error('Bytes held and in use, after the first part and in the end:', before, after);
    console.error('Milliseconds of the victim’s p99, alone and besieged:', calm, besieged);
    return {
      requests: sent,
      died: server.process.exitCode === null && server.process.signalCode === null ? 0 : 1,
      rss_growth: round(after.rss / before.rss - 1),
      used_growth: round(after.used / before.used - 1),
      victim_p99_ratio: round((besieged ?? NaN) / (calm ?? NaN)),
      internal_errors: attacked.internalErrors,
      leaks: attacked.leaks,
    };
  } finally {
    await Promise.all([victim.end(), strangers.end()]);
    await stop(server.process);
    await rm(folder, { recursive: true, force: true });
  }
}

function startBesieged(dataDir: string, env: NodeJS.ProcessEnv): Promise<ServerProcess> {
  const probe = new URL('siege/memory-probe.mjs', import.meta.url).href;
  return startServer(['--expose-gc', '--import', probe, '--import', 'tsx', 'src/main.ts'], {
    NODE_ENV: 'production',
    PORT: '0',
    CADENZA_DATA_DIR: dataDir,
    CADENZA_FETCH_MODELS: 'off',
    CADENZA_LOG_FORMAT: 'json',
    CADENZA_LOG_LEVEL: 'info',
    // Who takes nothing is sent away within the siege.
    CADENZA_HEARTBEAT_SECONDS: '2',
    ...env,
  });
}

/** A process that does one thing at a time when it is told to, and says when it is done. */
class Party {
  readonly #child: ChildProcess;

  constructor(file: string, args: readonly string[]) {
    this.#child = startNode(['--import', 'tsx', fileURLToPath(new URL(`siege/${file}`, import.meta.url)), ...args]);
  }

  protected tell(order: Serializable): void {
    this.#child.send(order);
  }

  /** @throws when it ends instead */
  protected async answer(): Promise<unknown> {
    const ended = once(this.#child, 'exit').then(() => {
      throw new Error('A process of the siege ended too early');
    });
    const [answer] = (await Promise.race([once(this.#child, 'message'), ended])) as [unknown];
    return answer;
  }

  end(): Promise<void> {
    return stop(this.#child);
  }
}

/** The attackers, all in one process. */
class Strangers extends Party {
  readonly #requests: number;

  constructor({ requests, seed, attackers }: Siege, port: number, authorization: string | null) {
    super('attackers.ts', [JSON.stringify({ port, authorization, seed, attackers } satisfies Orders)]);
    this.#requests = requests;
  }

  async attack(share: number): Promise<Attacked> {
    this.tell(this.#requests * share);
    return (await this.answer()) as Attacked;
  }
}

/** Somebody who behaves. */
class Victim extends Party {
  constructor(url: string, authorization: string | null) {
    super('victim.mjs', [url, ...(authorization === null ? [] : [authorization])]);
  }

  /** @returns how long each answer took, in milliseconds @throws when one is not what was asked for */
  async ask(most: number): Promise<number[]> {
    this.tell(most === Infinity ? 'go' : { most });
    return (await this.answer()) as number[];
  }

  stop(): void {
    this.tell('stop');
  }
}

interface Memory {
  rss: number;
  used: number;
}

/** Once what was cut off has had its time to go. */
async function memoryOf(child: ChildProcess): Promise<Memory> {
  await delay(SETTLE_MS);
  const told = once(child, 'message');
  child.send('memory');
  const [memory] = (await told) as [Memory];
  return memory;
}

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    requests: { type: 'string', default: '100000' },
    attackers: { type: 'string', default: '8' },
    rates: { type: 'boolean', default: false },
    /** Only without authentication, or only with. */
    only: { type: 'string' },
  },
});
const { only } = values;
const siege = {
  seed: Number(values.seed),
  requests: Number(values.requests) / (only === undefined ? 2 : 1),
  attackers: Number(values.attackers),
  rates: values.rates,
};
const outcomes = await ending(async (stack) => {
  stack.defer(stopAll);
  const laid: Outcome[] = [];
  if (only !== 'jwt') laid.push(await lay(siege, null));
  if (only !== 'open') laid.push(await lay(siege, SECRET));
  return laid;
});
const worst = (key: keyof Outcome): number => Math.max(...outcomes.map((outcome) => outcome[key]));
const total = (key: keyof Outcome): number => outcomes.reduce((sum, outcome) => sum + outcome[key], 0);
const result: Outcome = {
  requests: total('requests'),
  died: total('died'),
  rss_growth: worst('rss_growth'),
  used_growth: worst('used_growth'),
  victim_p99_ratio: worst('victim_p99_ratio'),
  internal_errors: total('internal_errors'),
  leaks: total('leaks'),
};
console.log(JSON.stringify(result));
/** What is made once and kept weighs too much in a short one, and a few slow answers decide on its p99. */
const isTelling = siege.requests >= 10_000;
const isBroken = result.died + result.internal_errors + result.leaks > 0;
const isWorse = result.rss_growth > MOST_GROWTH || result.victim_p99_ratio > MOST_DELAY;
if (isBroken || (isTelling && isWorse)) process.exitCode = 1;
