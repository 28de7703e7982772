/** Woken by everything that one listener's recommendations depend on. */
export const listenerKey = (listenerId: number): string => `listener:${listenerId}`;

/** Woken when somebody has been erased: whoever has an external id by heart has to look it up anew. */
export const erasureWakeup = 'erasure';

/** Woken by any feedback of anyone: what retraining waits for. */
export const feedbackWakeup = 'feedback';
