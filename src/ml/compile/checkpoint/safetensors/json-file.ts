import { readFile, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import type { z } from 'zod';
import { ModelFileError } from '../model-file-error.ts';

/** Maximum size of a JSON file next to weights. */
const MAX_BYTES = 64 * 1024 * 1024;

/** @throws ModelFileError if the file does not exist, is not JSON or does not have this form */
export async function readJsonFile<Schema extends z.ZodType>(path: string, schema: Schema): Promise<z.output<Schema>> {
  const name = basename(path);
  const { size } = await stat(path).catch(() => {
    throw new ModelFileError(`there is no ${name}`);
  });
  if (size > MAX_BYTES) throw new ModelFileError(`${name} has ${size} bytes, which is implausibly large`);
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
