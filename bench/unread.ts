import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import WebSocket from 'ws';
import { acquiring } from '../src/lib/async/disposal.ts';
import { type Side, startOurs } from './fanout/sides.ts';
import { QUERY } from './fanout/work.ts';
import { beginningOf } from './support/draft-client.ts';
import { forgetPeakRss, peakRssMb } from './support/processes.ts';
import { quantile, round } from './support/statistics.ts';

const DRAFTS = 20;
const READERS_EACH = 5;
const UNREAD = 200;
const SUBSCRIPTIONS = 10;
/** 20 tokens a second of each draft. */
const STEP_MS = 50;
/** What each draft has to begin with: more than networks hold. */
const BACKLOG = 2_000;
/** Longer than the server puts up with one. */
const STAY_MS = 45_000;

/** With all that can be had of a token. */
const EVERYTHING = /* GraphQL */ `
  subscription ($id: ID!, $after: DraftCursor) {
    draftEvents(draftId: $id, after: $after) {
      ... on TokensAppended {
        cursor
        text
        tokens {
          text
          logprob
          alternatives {
            text
            logprob
          }
        }
      }
    }
  }
`;

/**
 * `npm run bench -- unread --minutes 5`: beside readers who read, others who open a socket, subscribe to ten logs of thousands
 * of events, and never read a byte; sent away, they are back at once. What they cost the server, and by how much later the
 * first get their tokens, counted from the append on: both against the same load without them.
 */
export function run(args: string[]): Promise<Record<string, number>> {
  const { values } = parseArgs({ args, options: { minutes: { type: 'string', default: '5' } } });
  return acquiring(async (disposal) => {
    const folder = await mkdtemp(join(tmpdir(), 'cadenza-unread-'));
    disposal.defer(() => rm(folder, { recursive: true, force: true }));
    const side = disposal.use(await startOurs(folder));
    const load = new Load(side, await side.begin(DRAFTS));
    await load.begin();
    const alone = await load.run(60_000);
    const unread = new UnreadSockets(side, load.drafts);
    const beside = await load.run(Number(values.minutes) * 60_000, unread);
    await disposal[Symbol.asyncDispose]();
    return {
      ...{ unread_sockets: UNREAD, subscriptions: UNREAD * SUBSCRIPTIONS, sent_away: unread.sentAway },
      ...{ rss_alone_mb: alone.peakMb, rss_beside_mb: beside.peakMb },
      kb_per_unread: round(((beside.peakMb - alone.peakMb) * 1024) / UNREAD, 0),
      ...{ p50_alone_ms: alone.p50, p50_beside_ms: beside.p50, p99_alone_ms: alone.p99, p99_beside_ms: beside.p99 },
    };
  });
}

interface Measured {
  peakMb: number;
  p50: number;
  p99: number;
}

/** Drafts that grow, and readers who read them. */
class Load {
  readonly drafts: readonly string[];
  readonly #side: Side;
  /** When each step was handed to the log. */
  readonly #begun = new Map<number, number>();
  #delays: number[] = [];
  #step = 0;

  constructor(side: Side, drafts: readonly string[]) {
    this.#side = side;
    this.drafts = drafts;
  }

  async begin(): Promise<void> {
    while (this.#step < BACKLOG) await this.#publish();
    for (const draftId of this.drafts) {
      for (let n = 0; n < READERS_EACH; n++) await this.#read(draftId);
    }
  }

  async run(ms: number, unread?: UnreadSockets): Promise<Measured> {
    await forgetPeakRss(this.#side.server.process);
    this.#delays = [];
    const ends = performance.now() + ms;
    const staying = unread?.stay(ends);
    while (performance.now() < ends) {
      const next = delay(STEP_MS);
      await this.#publish();
      await next;
    }
    await staying;
    const at = (share: number): number => round(quantile(this.#delays, share), 1);
    return { peakMb: await peakRssMb(this.#side.server.process), p50: at(0.5), p99: at(0.99) };
  }

  async #publish(): Promise<void> {
    this.#begun.set(++this.#step, performance.now());
    await this.#side.publish(this.drafts, this.#step);
  }

  async #read(draftId: string): Promise<void> {
    const socket = await open(this.#side);
    socket.on('message', (data: Buffer) => this.#take(data.toString()));
    socket.send(JSON.stringify({ id: 'a', type: 'subscribe', payload: { query: QUERY, variables: { draftId } } }));
  }

  /** Each text begins with the number of its step; several may have come together. */
  #take(message: string): void {
    const now = performance.now();
    for (const [, step] of message.matchAll(/(?:"text":"|and )(\d+) the snow/g)) {
      const begun = this.#begun.get(Number(step));
      if (begun !== undefined && Number(step) > BACKLOG) this.#delays.push(now - begun);
    }
  }
}

/** Sockets that are open and full. */
class UnreadSockets {
  readonly #side: Side;
  readonly #drafts: readonly string[];
  sentAway = 0;

  constructor(side: Side, drafts: readonly string[]) {
    this.#side = side;
    this.#drafts = drafts;
  }

  async stay(until: number): Promise<void> {
    const comeAfter = async (ms: number): Promise<void> => {
      await delay(ms);
      await this.#comeBack(until);
    };
    await Promise.all(Array.from({ length: UNREAD }, (_, i) => comeAfter((i / UNREAD) * STAY_MS)));
  }

  async #comeBack(until: number): Promise<void> {
    while (performance.now() < until) {
      const socket = await open(this.#side);
      socket.pause();
      for (let n = 0; n < SUBSCRIPTIONS; n++) {
        const id = this.#drafts[n % this.#drafts.length] ?? '';
        const variables = { id, after: beginningOf(id) };
        socket.send(JSON.stringify({ id: `${n}`, type: 'subscribe', payload: { query: EVERYTHING, variables } }));
      }
      await delay(Math.min(STAY_MS, Math.max(0, until - performance.now())));
      if (performance.now() < until) await this.#look(socket);
      socket.terminate();
    }
  }

  /** Reads what the network had kept, to see how it ends. */
  async #look(socket: WebSocket): Promise<void> {
    const closed = once(socket, 'close') as Promise<[number]>;
    socket.resume();
    const [code] = await Promise.race([closed, delay(5_000, [0])]);
    if (code === 1013) this.sentAway++;
  }
}

async function open({ server }: Side): Promise<WebSocket> {
  const url = server.url.replace('http', 'ws');
  const socket = new WebSocket(url, 'graphql-transport-ws', { perMessageDeflate: false });
  socket.on('error', () => undefined);
  await once(socket, 'open');
  socket.send('{"type":"connection_init"}');
  await once(socket, 'message');
  return socket;
}
