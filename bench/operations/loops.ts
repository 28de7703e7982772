import { setTimeout as delay } from 'node:timers/promises';
import type { StormNode } from '../storm/nodes.ts';
import { quantile, round } from '../support/statistics.ts';

/** @returns the middle of what the nodes' metrics said of their event loops' delay (p99), of the worst node, in seconds */
export async function watchLoops(nodes: readonly StormNode[], over: AbortSignal): Promise<number> {
  const seen = new Map<StormNode, number[]>(nodes.map((node) => [node, []]));
  while (!over.aborted) {
    await delay(5_000, undefined, { signal: over }).catch(() => undefined);
    for (const [node, values] of seen) {
      const { host, port } = node.address;
      const told = await fetch(`http://${host}:${port}/metrics`, { signal: AbortSignal.timeout(2_000) })
        .then((response) => response.text())
        .catch(() => '');
      const value = /^nodejs_eventloop_lag_p99_seconds (\S+)$/m.exec(told)?.[1];
      if (value !== undefined) values.push(Number(value));
    }
  }
  for (const [{ role }, values] of seen) {
    console.error(
      `${role}: event loop p99 ${round(1_000 * quantile(values, 0.5), 1)} ms, at most ${round(1_000 * Math.max(...values), 1)}`,
    );
  }
  return Math.max(...[...seen.values()].map((values) => quantile(values, 0.5)));
}
