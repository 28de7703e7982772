import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { InvalidInputError, NotFoundError } from '../../lib/errors.ts';
import { readHead, type TextHead } from './head-file.ts';

const builtIn = fileURLToPath(new URL('../../../assets/heads', import.meta.url));
const NAME = /^[a-z0-9][a-z0-9-]{0,49}$/;
const ENDING = '.json';

/** @throws InvalidInputError */
export function checkHeadName(name: string, field: string): string {
  if (NAME.test(name)) return name;
  throw new InvalidInputError(`${field} must be 1 to 50 lower-case letters, digits and dashes`, field);
}

/** Where the classifiers of a data folder are. */
export const headPath = (dataDir: string, name: string): string => join(dataDir, 'heads', `${name}${ENDING}`);

/** The classifiers by name: those of the data folder first, then the built-in ones. A file that changes is read again. */
export class HeadFolder {
  readonly #dataDir: string;
  readonly #read = new Map<string, { mark: string; head: Promise<TextHead> }>();

  constructor(dataDir: string) {
    this.#dataDir = dataDir;
  }

  /** @throws NotFoundError; ModelUnavailableError if its file is damaged */
  async find(name: string, field: string): Promise<TextHead> {
    checkHeadName(name, field);
    for (const path of [headPath(this.#dataDir, name), join(builtIn, `${name}${ENDING}`)]) {
      const found = await stat(path).catch(() => null);
      if (found) return this.#readOnce(path, `${found.mtimeMs} ${found.size} ${found.ino}`);
    }
    throw new NotFoundError(
      `there is no classifier ${name}; there are ${(await this.names()).join(', ')}`,
      name,
      field,
    );
  }

  async names(): Promise<string[]> {
    const folders = [join(this.#dataDir, 'heads'), builtIn];
    const files = await Promise.all(folders.map((folder) => readdir(folder).catch(() => [])));
    const names = files.flat().flatMap((file) => (file.endsWith(ENDING) ? file.slice(0, -ENDING.length) : []));
    return [...new Set(names)].filter((name) => NAME.test(name)).sort();
  }

  #readOnce(path: string, mark: string): Promise<TextHead> {
    const known = this.#read.get(path);
    if (known?.mark === mark) return known.head;
    const head = readHead(path);
    this.#read.set(path, { mark, head });
    head.catch(() => this.#read.delete(path));
    return head;
  }
}
