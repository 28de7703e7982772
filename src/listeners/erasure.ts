import type { Database } from '../db/client.ts';
import { namesNobody } from '../db/failures.ts';
import { type ErasedRows, eraseListener } from '../db/queries/erasure-queries.ts';
import { ConflictError, NotFoundError } from '../lib/errors.ts';

export const noSuchListener = (): NotFoundError => new NotFoundError('The listener does not exist or has been erased');

/** A write in a listener's name: a connection may outlive the listener that it was opened for. @throws NotFoundError */
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

/** Times that drafts are deleted once more, since others were started meanwhile. */
const ATTEMPTS = 10;

/**
 * Deletes all that is kept of a listener ([ERASE1]). Should it end half way, the listener and what is left of theirs is still
 * there, and doing it again does the rest.
 * @param deleteDrafts deletes those that there are, and tells how many
 * @throws NotFoundError when there is no such listener, ConflictError when drafts are started faster than they are deleted
 */
export async function erase(
  { sql }: Database,
  listenerId: number,
  deleteDrafts: () => Promise<number>,
): Promise<Erasure> {
  let drafts = 0;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    drafts += await deleteDrafts();
    const erased = await eraseListener(sql, listenerId);
    if (erased === null) throw noSuchListener();
    if (erased !== 'drafts') return { ...erased, drafts };
  }
  throw new ConflictError(
    'New drafts of this listener are being started continuously; nothing was deleted except drafts',
  );
}
