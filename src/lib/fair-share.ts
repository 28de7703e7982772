/** What is known of when places become free. */
export interface Forecast {
  /** From one token of a draft to its next, in ms, as measured lately. */
  stepMs: number;
  /** When so many drafts will have been written at the latest, in ms from now, the earliest first; 0 for a slot that is free. */
  endsMs: readonly number[];
}

/**
 * Whether somebody who holds so many places may take another ([FAIR1]). Who holds none may have any that is free; who holds some
 * leaves as many to others as they then hold. So nobody holds more than half, several who take what they can leave places too
 * (dynamic thresholds: Choudhury and Hahne 1998), and where nobody else asks no place is kept for a fixed share of theirs.
 */
export const mayTake = (held: number, free: number): boolean => (held === 0 ? free > 0 : held + 1 < free);

/** A place that will be free. */
export interface End {
  /** It is one of theirs who ask. */
  own: boolean;
  ms: number;
}

/** When somebody may take another place, as far as the ends of what is held are known. @param ends the earliest first */
export function whenMayTake(held: number, free: number, ends: readonly End[]): number | null {
  let [holds, left] = [held, free];
  for (const { own, ms } of ends) {
    left++;
    if (own) holds--;
    if (mayTake(holds, left)) return ms;
  }
  return null;
}

/** Drafts often take a little longer than the pace of late foretells: prompts that come in between make steps longer. */
const MARGIN = 1 / 10;

/** What to tell somebody who has to come again: later rather than in vain. */
export const retryAfter = (ms: number): number => Math.max(1, Math.ceil(ms + ms * MARGIN));
