/** Woken when another version becomes active. */
export const modelWakeup = 'model';
