import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { ModelFileError } from '../model-file-error.ts';

/** The end of the name of one file of several, as llama.cpp writes them. */
const PART = /-(\d{5})-of-(\d{5})\.gguf$/;
/** Maximum number of files of a model. */
const MAX_PARTS = 1_000;

/** The GGUF file at a path, or the first of a folder that has the files of one. Null for any other folder. */
export async function findGguf(path: string): Promise<string | null> {
  if (!(await stat(path)).isDirectory()) return path;
  const first = (await readdir(path)).find((name) => PART.exec(name)?.[1] === '00001');
  return first === undefined ? null : join(path, first);
}

/**
 * The other files of a model of which `path` is the first.
 * @param split the file's number, from 0 on, and how many there are
 * @throws ModelFileError if it is not the first, or another is missing
 */
export async function otherParts(path: string, split: { no: number; count: number }): Promise<string[]> {
  const { no, count } = split;
  if (count <= 1) return [];
  const name = basename(path);
  const advice = 'add the folder that has all of them, or merge them with llama.cpp’s "llama-gguf-split --merge"';
  const told = `the file is part ${no + 1} of the ${count} that a model was split into`;
  if (no !== 0 || Number(PART.exec(name)?.[2]) !== count || count > MAX_PARTS)
    throw new ModelFileError(`${told}: ${advice}`);
  const names = Array.from({ length: count - 1 }, (_, i) => partName(name, i + 1));
  for (const other of names)
    if (!(await stat(join(dirname(path), other)).catch(() => null)))
      throw new ModelFileError(`${told}, and ${other} is not beside it: ${advice}`);
  return names.map((other) => join(dirname(path), other));
}

/** The name of the file with this number, from 0 on. @param first the first file's */
export function partName(first: string, part: number): string {
  return first.replace(PART, (_, __, count: string) => `-${String(part + 1).padStart(5, '0')}-of-${count}.gguf`);
}
