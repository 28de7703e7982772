/** Woken by everything that one listener's recommendations depend on. */
export const listenerKey = (listenerId: number): string => `listener:${listenerId}`;

/** Woken by any feedback of anyone: what retraining waits for. */
export const feedbackWakeup = 'feedback';
