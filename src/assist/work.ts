import type { Database } from '../db/client.ts';
import { endAssist } from '../db/documents/assist-queries.ts';
import { explainFailure } from '../db/failures.ts';
import type { Documents } from '../documents/documents.ts';
import type { Drafts } from '../drafts/drafts.ts';
import { retry } from '../lib/async/retry.ts';
import type { Clock } from '../lib/clock.ts';
import { DiskFullError, OverloadedError, ServiceUnavailableError } from '../lib/errors.ts';
import type { Logger } from '../lib/log.ts';
import type { Viewer } from '../listeners/listeners.ts';
import type { Assist, AssistReason } from './contract.ts';
import type { DraftsEnd, DraftText } from './draft-text.ts';

export interface WorkOptions {
  database: Database;
  documents: Documents;
  drafts: Drafts;
  clock: Clock;
  logger: Logger;
  assist: Assist;
  /** Who asked for it. */
  viewer: Viewer;
  /** Ends what is tried again. */
  signal: AbortSignal;
}

/** What is shown of a model that writes: its place, as JSON that Yjs makes a position of, and what is not in the text. */
export interface ShownWork {
  caret: string | null;
  tail: string;
}

/** What becomes of drafts in a document: they are written into its text, or suggested. */
export interface AssistWork extends AsyncDisposable {
  /** Does what can be done of drafts that are still written. @returns null if their range is deleted */
  goOn(drafts: readonly DraftText[]): Promise<ShownWork | null>;
  /** Does what is done when they are written, and stores that. @returns false if their range is deleted */
  finish(drafts: readonly DraftText[]): Promise<boolean>;
  /** Leaves the text without what is not whole, and stores why. */
  leave(reason: AssistReason): Promise<void>;
  /** The same, if who asked for it may not do it any more. */
  abandon(reason: AssistReason): Promise<void>;
}

/** Another process has carried it to its end. */
export class OverError extends Error {}

/** @throws OverError */
export async function storeEnd(
  sql: Parameters<typeof endAssist>[0],
  { assist, clock }: Pick<WorkOptions, 'assist' | 'clock'>,
  end: DraftsEnd,
): Promise<void> {
  const ended = { ...endAs(end), at: new Date(clock.now()) };
  if (!(await endAssist(sql, assist.id, ended))) throw new OverError();
}

function endAs(end: DraftsEnd) {
  if (end === 'whole') return { status: 'WRITTEN', reason: null } as const;
  if (end === 'MODEL_FAILED') return { status: 'FAILED', reason: end } as const;
  return { status: 'STOPPED', reason: end } as const;
}

const BACKOFF = { firstMs: 100, longestMs: 2_000 };

/** Tries again what fails because a part of the server cannot work at the moment. @param what for the log */
export function patiently<Result>(
  { assist, logger, signal }: Pick<WorkOptions, 'assist' | 'logger' | 'signal'>,
  what: string,
  attempt: () => Promise<Result>,
): Promise<Result> {
  return retry(attempt, {
    backoff: BACKOFF,
    signal,
    onFailure: (error) => {
      if (!mayPass(error)) throw error;
      logger.warn({ err: error, assist: assist.id }, `${what}; trying again`);
    },
  });
}

function mayPass(failure: unknown): boolean {
  const error = explainFailure(failure);
  return error instanceof ServiceUnavailableError || error instanceof OverloadedError || error instanceof DiskFullError;
}
