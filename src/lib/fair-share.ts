/** What is known about when places become free. */
export interface Forecast {
  /** Milliseconds from one token of a draft to its next, as measured recently. */
  stepMs: number;
  /** Milliseconds until each running draft ends at the latest, in ascending order. 0 for a free slot. */
  endsMs: readonly number[];
}

/**
 * Whether somebody who holds this many places may take another ([FAIR1]). Whoever holds none may take any free place;
 * whoever holds some must leave as many free as they then hold. So nobody holds more than half, several greedy parties
 * leave places too (dynamic thresholds: Choudhury and Hahne 1998), and no fixed share stays unused while there is no
 * demand.
 */
export const mayTake = (held: number, free: number): boolean => (held === 0 ? free > 0 : held + 1 < free);

/** A place that will become free. */
export interface End {
  /** Whether the place is held by the one who asks. */
  own: boolean;
  ms: number;
}

/**
 * The time when somebody may take another place, as far as the ends of running drafts are known.
 * @param ends ascending
 */
export function whenMayTake(held: number, free: number, ends: readonly End[]): number | null {
  let [holds, left] = [held, free];
  for (const { own, ms } of ends) {
    left++;
    if (own) holds--;
    if (mayTake(holds, left)) return ms;
  }
  return null;
}

/**
 * A margin, because drafts often take a little longer than the recent pace suggests: prompts in between make steps
 * longer.
 */
const MARGIN = 1 / 10;

/** The time to wait before retrying: rather too late than in vain. */
export const retryAfter = (ms: number): number => Math.max(1, Math.ceil(ms + ms * MARGIN));
