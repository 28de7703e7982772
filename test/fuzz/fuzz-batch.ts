import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { prepareSubjects, runCase } from './model-cases.ts';

/** Run as a process of its own: cases [from, to) of a seed, each told before it begins and when it has ended. */
const [seed = 0, from = 0, to = 0] = process.argv.slice(2).map(Number);
const tell = (message: object) => process.stdout.write(`${JSON.stringify(message)}\n`);
const work = await mkdtemp(join(tmpdir(), 'cadenza-fuzz-'));
await prepareSubjects(work);
for (let index = from; index < to; index++) {
  tell({ begun: index });
  tell({ ended: index, ...(await runCase(work, seed, index)), peakMb: process.resourceUsage().maxRSS / 1024 });
}
await rm(work, { recursive: true, force: true });
