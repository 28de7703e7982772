import type { Wakeups } from '../lib/async/wakeups.ts';

/** Woken when a draft waits for a node with a free place. */
export const queueKey = 'draft-queue';

export const draftKey = (draftId: string): string => `draft:${draftId}`;

/** Woken when a draft is deleted or its visibility changes, so that its readers' permissions must be checked again. */
export const rightsKey = (draftId: string): string => `draft-rights:${draftId}`;

/** Woken when a draft has been taken from its writer. */
export const takenKey = 'drafts-taken';

/** Tells a draft's readers that they may have lost the permission to read it. */
export function wakeRights(wakeups: Wakeups, draftId: string): void {
  wakeups.wake(rightsKey(draftId));
  wakeups.wake(draftKey(draftId));
}
