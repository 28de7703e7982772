import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Database } from '../../src/db/client.ts';

/** Texts that occur nowhere else, to look for where they must not be. */
export const canaryOf = (what: string): string => `canary${what}${Math.random().toString(36).slice(2, 12)}`;

/** The tables with a row that has one of the texts in any column, as text, in bytes, or in base64. */
export async function tablesWith({ sql }: Database, canaries: readonly string[]): Promise<string[]> {
  const tables = await sql<{ name: string }[]>`
    select table_name as name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'`;
  const found: string[] = [];
  for (const { name } of tables) {
    const rows = await sql<{ row: string }[]>`select t::text as row from ${sql(name)} t`;
    const text = rows.map(({ row }) => row.toLowerCase()).join('\n');
    if (canaries.some((canary) => formsOf(canary).some((form) => text.includes(form)))) found.push(name);
  }
  return found;
}

/** A row's bytes are hexadecimal there. Of base64 the middle is looked for, at each of three offsets. */
function formsOf(canary: string): string[] {
  const middles = [0, 1, 2].map((skipped) => {
    const base64 = Buffer.from('x'.repeat(skipped) + canary).toString('base64');
    return base64.slice(4, 4 * Math.floor((skipped + canary.length) / 3)).toLowerCase();
  });
  return [canary.toLowerCase(), Buffer.from(canary).toString('hex'), ...middles];
}

/** The files in a folder with one of the texts. */
export async function filesWith(folder: string, canaries: readonly string[]): Promise<string[]> {
  const needles = canaries.map((canary) => Buffer.from(canary));
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const found: string[] = [];
  for (const entry of entries) {
    if (entry.isFile() && (await hasAny(join(entry.parentPath, entry.name), needles))) found.push(entry.name);
  }
  return found;
}

const BLOCK = 4 * 2 ** 20;
const OVERLAP = 256;

async function hasAny(path: string, needles: readonly Buffer[]): Promise<boolean> {
  // PostgreSQL removes files meanwhile.
  const file = await open(path).catch(() => null);
  if (!file) return false;
  try {
    const block = Buffer.alloc(BLOCK);
    for (let at = 0; ; at += BLOCK - OVERLAP) {
      const { bytesRead } = await file.read(block, 0, BLOCK, at);
      const read = block.subarray(0, bytesRead);
      if (needles.some((needle) => read.includes(needle))) return true;
      if (bytesRead < BLOCK) return false;
    }
  } finally {
    await file.close();
  }
}
