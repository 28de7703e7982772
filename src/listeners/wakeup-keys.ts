/** Woken by everything that a listener's recommendations depend on. */
export const listenerKey = (listenerId: number): string => `listener:${listenerId}`;

/** Woken when a listener has been erased, or a visitor has become an account: cached external ids must be looked up again. */
export const erasureWakeup = 'erasure';

/** Woken by any feedback of any listener. Retraining waits for it. */
export const feedbackWakeup = 'feedback';

/** Woken by an import, which may have changed the feedback of every listener. */
export const importWakeup = 'import';
