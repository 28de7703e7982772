import { readFile, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import type { z } from 'zod';
import { ModelFileError } from './model-file-error.ts';

/** A JSON file beside weights that is larger than this is not one. */
const MAX_BYTES = 64 * 1024 * 1024;

/** @throws ModelFileError when the file is not there, no JSON or not of this form */
export async function readJsonFile<Schema extends z.ZodType>(path: string, schema: Schema): Promise<z.output<Schema>> {
  const name = basename(path);
  const { size } = await stat(path).catch(() => {
    throw new ModelFileError(`there is no ${name}`);
  });
  if (size > MAX_BYTES) throw new ModelFileError(`${name} has ${size} bytes, which is beyond belief`);
  const parsed = schema.safeParse(parse(await readFile(path, 'utf8'), name));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new ModelFileError(`${name}: ${issue?.path.join('.') || '(whole)'}: ${issue?.message ?? 'not valid'}`);
}

function parse(text: string, name: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ModelFileError(`${name} is not JSON: ${(error as Error).message}`);
  }
}
