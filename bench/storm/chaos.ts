import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { StormNode } from './nodes.ts';

export interface ChaosOptions {
  nodes: readonly StormNode[];
  /** Of the PostgreSQL that the nodes share. */
  directory: string;
  random: () => number;
  /** Mean time between two misfortunes. */
  everyMs: number;
  /** No more after that; what is broken is mended. */
  calm: AbortSignal;
}

/** Kills and cuts, by the seed, until told to stop. @returns how many processes were killed */
export async function unleash({ nodes, directory, random, everyMs, calm }: ChaosOptions): Promise<number> {
  let kills = 0;
  const repairs: Promise<unknown>[] = [];
  const busy = new Set<StormNode>();
  const between = (least: number, most: number): number => least + random() * (most - least);
  const strike = async (): Promise<void> => {
    const node = nodes[Math.floor(random() * nodes.length)];
    const kind = random();
    if (kind < 0.1) {
      const pid = Number.parseInt(
        await readFile(join(directory, 'data', 'postmaster.pid'), 'utf8').catch(() => ''),
        10,
      );
      if (Number.isInteger(pid) && endProcess(pid)) kills++;
      return;
    }
    if (!node || busy.has(node)) return;
    busy.add(node);
    const repair = async (): Promise<void> => {
      if (kind < 0.5) {
        kills++;
        await node.kill();
        await delay(between(0, 1_500));
        await node.restart();
      } else {
        const link = kind < 0.8 ? node.database : node.readers;
        if (random() < 0.5) link.cut();
        else link.stall();
        await delay(between(100, kind < 0.8 ? 7_000 : 2_000));
        link.heal();
      }
      busy.delete(node);
    };
    repairs.push(repair());
  };
  while (!calm.aborted) {
    await strike();
    await delay(between(0.3, 1.7) * everyMs, undefined, { signal: calm }).catch(() => undefined);
  }
  await Promise.all(repairs);
  return kills;
}

/** @returns false when it has ended already */
function endProcess(pid: number): boolean {
  try {
    return process.kill(pid, 'SIGKILL');
  } catch {
    return false;
  }
}
