import { setTimeout as delay } from 'node:timers/promises';
import type { StormNode } from './nodes.ts';

export interface ChaosOptions {
  nodes: readonly StormNode[];
  /** Ways to end what the nodes share, each of which comes back by itself. @returns false when there was nothing to end */
  services: readonly (() => Promise<boolean>)[];
  random: () => number;
  /** Mean time between two misfortunes. */
  everyMs: number;
  /** No more after that; what is broken is mended. */
  calm: AbortSignal;
}

/** What has happened. */
export interface Toll {
  kills: number;
  cuts: number;
}

/** Kills and cuts, by the seed, until told to stop. */
export async function unleash({ nodes, services, random, everyMs, calm }: ChaosOptions): Promise<Toll> {
  const toll: Toll = { kills: 0, cuts: 0 };
  const repairs: Promise<unknown>[] = [];
  const busy = new Set<StormNode>();
  const between = (least: number, most: number): number => least + random() * (most - least);
  const killNode = async (node: StormNode): Promise<void> => {
    toll.kills++;
    await node.kill();
    await delay(between(0, 1_500));
    await node.restart();
  };
  const cutOff = async (node: StormNode): Promise<void> => {
    toll.cuts++;
    const { mostMs, mend } = node.disturb(random);
    await delay(between(100, mostMs));
    mend();
  };
  const strike = async (): Promise<void> => {
    const node = nodes[Math.floor(random() * nodes.length)];
    const kind = random();
    if (kind < 0.1) {
      if (await services[Math.floor(random() * services.length)]?.()) toll.kills++;
    } else if (node && !busy.has(node)) {
      busy.add(node);
      repairs.push((kind < 0.5 ? killNode(node) : cutOff(node)).finally(() => busy.delete(node)));
    }
  };
  while (!calm.aborted) {
    await strike();
    await delay(between(0.3, 1.7) * everyMs, undefined, { signal: calm }).catch(() => undefined);
  }
  await Promise.all(repairs);
  return toll;
}
