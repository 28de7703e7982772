import { mkdtemp } from 'node:fs/promises';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger } from '../../../src/lib/log.ts';
import { type LoneEncoder, openEncoder } from '../../../src/ml/engine.ts';
import { encoderEntryFor } from './tiny-engine.ts';

/** The tiny encoder, opened in a folder of its own. */
export async function openTinyEncoder(): Promise<LoneEncoder> {
  const dataDir = await mkdtemp(join(tmpdir(), 'cadenza-'));
  const catalogueFile = join(dataDir, 'models.json');
  await writeFile(catalogueFile, JSON.stringify({ models: [await encoderEntryFor(dataDir)] }));
  const network = { hubToken: null, proxies: null };
  const { signal } = new AbortController();
  return openEncoder({ dataDir, catalogueFile, threads: 2, network, log: silentLogger, signal });
}

/** Texts that their words tell apart: rain is sad, songs are happy, and some are both. */
export function tinyRows(count: number, seed = 0): { text: string; labels: string[] }[] {
  return Array.from({ length: count }, (_, i) => {
    const number = `${i + seed * 1000}`;
    if (i % 5 === 0) return { text: `sad rain happy song ${number}`, labels: ['sadness', 'joy'] };
    return i % 2 === 0
      ? { text: `the sad rain ${number}`, labels: ['sadness'] }
      : { text: `i love the happy song ${number}`, labels: ['joy'] };
  });
}
