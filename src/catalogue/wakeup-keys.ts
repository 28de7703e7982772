/** Woken when tracks or their popularity change. */
export const catalogueWakeup = 'catalogue';
