import type { z } from 'zod';

/** Stored data that is not of the shape that is written today: it is damaged, or of another version. */
export class StoredDataError extends Error {}

/**
 * What was stored, once it is known to be of that shape.
 * @param what names it in the error, e.g. `the log of draft 7`
 * @throws StoredDataError that names each wrong field
 */
export function parseStored<Data>(shape: z.ZodType<Data>, stored: unknown, what: string): Data {
  const { data, error } = shape.safeParse(stored);
  if (!error) return data;
  const reasons = error.issues.map(({ path, message }) => [path.join('.'), message].filter(Boolean).join(': '));
  throw new StoredDataError(`${what} cannot be read: ${reasons.join('; ')}`);
}

/** The same of its JSON. */
export function parseStoredJson<Data>(shape: z.ZodType<Data>, json: string, what: string): Data {
  let stored: unknown;
  try {
    stored = JSON.parse(json);
  } catch (error) {
    throw new StoredDataError(`${what} cannot be read: it is not JSON`, { cause: error });
  }
  return parseStored(shape, stored, what);
}
