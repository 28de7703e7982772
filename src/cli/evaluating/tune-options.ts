import { readFile } from 'node:fs/promises';
import { InvalidInputError } from '../../lib/errors.ts';
import { UsageError } from '../command.ts';

/** @throws UsageError */
export function numberOption(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  throw new UsageError(`--${name} must be a whole number from ${least} to ${most}, not ${text}`);
}

/** @throws InvalidInputError for a file that cannot be read */
export function readTexts(paths: readonly string[]): Promise<string[]> {
  return Promise.all(
    paths.map((path) =>
      readFile(path, 'utf8').catch((error: unknown) => {
        throw new InvalidInputError(
          `${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
        );
      }),
    ),
  );
}
