import { constants, setPriority } from 'node:os';
import process from 'node:process';
import { randomStream } from '../../src/lib/random.ts';
import { floods, skirmishes, type Target } from './attacks.ts';
import { pick, type Random } from './grammar.ts';

/** What the attackers' process is started with, as JSON. */
export interface Orders {
  port: number;
  /** A good token, where one is needed. */
  authorization: string | null;
  seed: number;
  /** How many attack at a time. */
  attackers: number;
}

/** What it answers when told to attack with so many requests, messages and upgrades. */
export interface Attacked {
  sent: number;
  internalErrors: number;
  leaks: number;
  examples: readonly string[];
}

// Strangers come from other machines and do not take the server's processors from it. Here they may use what is left over.
setPriority(constants.priority.PRIORITY_LOW);

const { port, authorization, seed, attackers } = JSON.parse(process.argv[2] ?? '') as Orders;
const target: Target = { port, authorization, slips: { internalErrors: 0, leaks: 0, examples: [] } };
const random = randomStream(seed);

process.on('message', (requests: number) => {
  void attackUntil(target, random, requests).then((sent) =>
    process.send?.({ sent, ...target.slips } satisfies Attacked),
  );
});

/** Attackers work side by side, each at one attack after the other; the floods come in between, evenly. */
async function attackUntil(target: Target, random: Random, requests: number): Promise<number> {
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
