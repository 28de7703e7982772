/** Woken when a draft waits for a node that has a place for it. */
export const queueKey = 'draft-queue';

export const draftKey = (draftId: string): string => `draft:${draftId}`;

/** Woken when a draft is deleted or its visibility changes: whoever follows it then has to be allowed to anew. */
export const rightsKey = (draftId: string): string => `draft-rights:${draftId}`;

/** Woken when some draft has been taken from whoever was writing it. */
export const takenKey = 'drafts-taken';
