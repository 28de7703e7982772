import type { Database } from '../db/client.ts';
import { namesNobody } from '../db/failures.ts';
import { type ErasedRows, eraseListenerRows } from '../db/queries/erasure-queries.ts';
import { ConflictError, NotFoundError } from '../lib/errors.ts';

export const noSuchListener = (): NotFoundError => new NotFoundError('The listener does not exist or has been erased');

/**
 * Wraps a write for a listener, because a connection may outlive the listener that it was opened for. @throws
 * NotFoundError
 */
export async function unlessErased<Result>(write: Promise<Result>): Promise<Result> {
  try {
    return await write;
  } catch (error) {
    throw namesNobody(error) ? noSuchListener() : error;
  }
}

export interface Erasure extends ErasedRows {
  drafts: number;
}

/** Maximum number of attempts. Another is needed if drafts were started during the deletion. */
const ATTEMPTS = 10;

/**
 * Deletes everything stored about a listener ([ERASE1]). If it fails half-way, the listener and the remaining data
 * still exist, and repeating it deletes the rest.
 * @param deleteDrafts deletes the existing drafts and returns their number
 * @throws NotFoundError if there is no such listener; ConflictError if drafts are started faster than they are deleted
 */
export async function erase(
  database: Database,
  listenerId: number,
  deleteDrafts: () => Promise<number>,
): Promise<Erasure> {
  let drafts = 0;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    drafts += await deleteDrafts();
    const erased = await eraseListenerRows(database, listenerId);
    if (erased === null) throw noSuchListener();
    if (erased !== 'drafts') return { ...erased, drafts };
  }
  throw new ConflictError(
    'New drafts of this listener are being started continuously; nothing was deleted except drafts',
  );
}
