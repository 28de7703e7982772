import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { StartupError } from '../../lib/errors.ts';

export const MANIFEST = 'manifest.json';

const name = z.string().regex(/^[a-z_][a-z\d_]{0,62}$/);

/** What a backup holds. */
const manifestSchema = z.object({
  format: z.literal(1),
  createdAt: z.iso.datetime(),
  /** When the newest migration of its tables was made. */
  migration: z.number(),
  /** The ids of the master keys without which its texts cannot be read. The keys are not in it. */
  masters: z.array(z.string()),
  /** Where the drafts' logs are. Those in JetStream are not in the backup. */
  draftLog: z.enum(['postgres', 'nats']),
  /** The last id of each that has given any. */
  sequences: z.array(z.object({ name, last: z.int().positive() })),
  tables: z.array(
    z.object({ name, columns: z.array(name).min(1), rows: z.int().nonnegative(), sha256: z.string().length(64) }),
  ),
});
export type Manifest = z.output<typeof manifestSchema>;

export const fileOf = (folder: string, table: string): string => join(folder, `${table}.copy.gz`);

/** @throws StartupError if it is no backup, or a file of it is missing or damaged */
export async function readManifest(folder: string): Promise<Manifest> {
  const manifest = await parsed(folder);
  for (const { name: table, sha256 } of manifest.tables) {
    const digest = await digestOf(fileOf(folder, table)).catch(() => null);
    if (digest !== sha256)
      throw new StartupError(
        `The backup in ${folder} is damaged: ${table}.copy.gz is ${digest === null ? 'missing' : 'another'}.`,
      );
  }
  return manifest;
}

async function parsed(folder: string): Promise<Manifest> {
  try {
    return manifestSchema.parse(JSON.parse(await readFile(join(folder, MANIFEST), 'utf8')));
  } catch (error) {
    const why = error instanceof z.ZodError ? 'of a newer build, or damaged' : 'missing or damaged';
    throw new StartupError(`There is no backup in ${folder}: ${MANIFEST} is ${why}.`);
  }
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}
