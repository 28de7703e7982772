import { ConflictError, IdempotencyConflictError, RevisionConflictError } from '../../lib/errors.ts';
import { checkKey, inputDigest } from '../draft-input.ts';
import { isTerminal, type Repetition } from '../log/log-events.ts';
import type { DraftRecord } from '../log/stored.ts';

/** What identifies a repetition of a request. Null without an idempotency key. @throws InvalidInputError */
export function askedOf({ idempotencyKey, ...input }: { idempotencyKey?: string | null }): Repetition | null {
  const key = checkKey(idempotencyKey);
  return key === null ? null : { key, input: inputDigest(input) };
}

/**
 * Whether the draft was already continued or changed with this key.
 * @throws IdempotencyConflictError if that was with another input
 */
export function isRepeated({ turns }: DraftRecord, asked: Repetition | null): boolean {
  const known = turns.flatMap((turn) => turn.asked ?? []);
  const first = asked && known.find(({ key }) => key === asked.key);
  if (!asked || !first) return false;
  checkSameInput(first.input, asked.input);
  return true;
}

/** @throws IdempotencyConflictError */
export function checkSameInput(first: string | null, now: string): void {
  if (first !== null && first !== now) throw new IdempotencyConflictError('input.idempotencyKey');
}

/** @throws ConflictError; RevisionConflictError if it is of another revision */
export function checkUnchanged({ status, sequence }: DraftRecord, ifRevision: number | null): void {
  if (!isTerminal(status)) throw new ConflictError('The draft is still being written; cancel it or wait for its end');
  if (ifRevision !== null && ifRevision !== sequence) throw new RevisionConflictError(sequence);
}
