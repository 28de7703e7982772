import { type Interval, wilson } from '../math/statistics.ts';

export type RateInterval = Interval;

/** The 95 % interval of a rate. @param whole above 0 */
export const rateInterval = (part: number, whole: number): RateInterval => wilson(part / whole, whole);
