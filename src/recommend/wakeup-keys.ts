/** Woken when another version becomes active. */
export const modelWakeup = 'model';
/** Woken in this process alone when its lists may have changed. */
export const servingWakeup = 'serving';
