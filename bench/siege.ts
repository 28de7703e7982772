import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { randomStream } from '../src/lib/random.ts';
import { floods, skirmishes, type Target } from './siege/attacks.ts';
import { pick, type Random } from './siege/grammar.ts';
import type { Slips } from './siege/wire.ts';
import { authorizationOf, SECRET } from './storm/tokens.ts';
import { ending } from './support/ending.ts';
import { type ServerProcess, startServer, stop, stopAll } from './support/processes.ts';
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
/** What the victim asks by itself, to compare with, and how long it thinks in between. */
const ALONE = 300;
const PAUSE_MS = 5;
/** Longer than those who take nothing are put up with. */
const SETTLE_MS = 8_000;

const UNLIMITED = Object.fromEntries(
  ['RATE_REQUESTS', 'RATE_MUTATIONS', 'RATE_FEEDBACK', 'RATE_ADDRESS', 'RATE_FAILURES']
    .concat(['SOCKETS_PER_LISTENER', 'SOCKETS_PER_ADDRESS'])
    .map((name) => [`CADENZA_${name}`, '1000000']),
);

async function lay({ seed, requests, attackers, rates }: Siege, secret: string | null): Promise<Outcome> {
  const folder = await mkdtemp(join(tmpdir(), 'cadenza-siege-'));
  const server = await startBesieged(folder, {
    ...(!rates && UNLIMITED),
    ...(secret && { CADENZA_JWT_SECRET: secret }),
  });
  try {
    const authorization = secret === null ? null : await authorizationOf('stranger');
    const slips: Slips = { internalErrors: 0, leaks: 0, examples: [] };
    const target = { port: Number(new URL(server.url).port), authorization, slips };
    const victim = new Victim(server.url, secret === null ? null : await authorizationOf('victim'));
    const random = randomStream(seed);
    const attack = (share: number) => attackUntil(target, random, requests * share, attackers);
    let sent = await attack(WARM_UP);
    const alone = await victim.ask((asked) => asked < ALONE);
    const before = await memoryOf(server.process);
    let isOver = false;
    const during = victim.ask(() => !isOver);
    sent += await attack(1 - WARM_UP).finally(() => (isOver = true));
    const ratio = quantile(await during, 0.99) / quantile(alone, 0.99);
    const after = await memoryOf(server.process);
    for (const example of slips.examples) console.error(example);
    console.error('Bytes held and in use, after the first part and in the end:', before, after);
    return {
      requests: sent,
      died: server.process.exitCode === null && server.process.signalCode === null ? 0 : 1,
      rss_growth: round(after.rss / before.rss - 1),
      used_growth: round(after.used / before.used - 1),
      victim_p99_ratio: round(ratio),
      internal_errors: slips.internalErrors,
      leaks: slips.leaks,
    };
  } finally {
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

/** Attackers work side by side, each at one attack after the other; the floods come in between, evenly. */
async function attackUntil(target: Target, random: Random, requests: number, attackers: number): Promise<number> {
  let sent = 0;
  let begun = 0;
  const every = Math.max(50, Math.floor(requests / (3 * floods.length)));
  const attacker = async (): Promise<void> => {
    while (sent < requests) {
      const flood = ++begun % every === 0 ? floods[Math.floor(begun / every) % floods.length] : undefined;
      // However much a flood sends, it is one connection that is not read from.
      const count = await (flood ?? pick(random, skirmishes))(target, random);
      sent += flood ? 1 : count;
    }
  };
  await Promise.all(Array.from({ length: attackers }, attacker));
  return sent;
}

/** Somebody who behaves, and asks one thing after the other. */
class Victim {
  readonly #url: string;
  readonly #headers: Record<string, string>;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });

  constructor(url: string, authorization: string | null) {
    this.#url = url;
    this.#headers = { 'content-type': 'application/json', ...(authorization !== null && { authorization }) };
  }

  /** @returns how long each answer took, in milliseconds @throws when one is not what was asked for */
  async ask(goOn: (asked: number) => boolean): Promise<number[]> {
    const times: number[] = [];
    while (goOn(times.length)) {
      const start = performance.now();
      const answer = await this.#askOnce();
      if (!answer.includes('"data":{"viewer"')) throw new Error(`The victim was answered ${answer}`);
      times.push(performance.now() - start);
      await delay(PAUSE_MS);
    }
    return times;
  }

  #askOnce(): Promise<string> {
    return new Promise((resolve, reject) => {
      const asking = request(this.#url, { method: 'POST', agent: this.#agent, headers: this.#headers }, (response) => {
        text(response).then(resolve, reject);
      });
      asking.on('error', reject).end('{"query":"{ viewer { id } }"}');
    });
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
