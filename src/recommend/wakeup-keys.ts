/** Woken when another version becomes the active one. */
export const modelWakeup = 'model';
