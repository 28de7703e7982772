import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { measurePerplexity, measureWhilePrefilling, runRounds, warmUp } from './engine/measurements.ts';
import { readOptions } from './engine/options.ts';
import { startParts } from './engine/parts.ts';
import { describeResults, describeSetup, figuresOf } from './engine/report.ts';
import { emptyResults } from './engine/results.ts';

/**
 * Our engine, raw and through the GraphQL subscription of a whole server, against node-llama-cpp and transformers.js with
 * the same weights and as many threads. All sides live through the whole run, each in a process of its own, and take
 * turns, so that a slow spell of the machine hits all of them. No prompt is used twice.
 */
export async function run(args: string[]): Promise<Record<string, number>> {
  const options = readOptions(args);
  const folder = await mkdtemp(join(tmpdir(), 'cadenza-bench-'));
  try {
    const results = emptyResults();
    await using parts = await startParts(options, folder);
    console.log(describeSetup(options));
    await warmUp(parts);
    await runRounds(parts, options, results);
    await measureWhilePrefilling(parts, results);
    await measurePerplexity(parts, results);
    for (const [name, side] of parts.sides) results.peakRssMb.set(name, await side.peakRssMb());
    console.log(describeResults(results, options));
    return figuresOf(results);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
