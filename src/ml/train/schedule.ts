export interface Schedule {
  /** Number of steps altogether. */
  steps: number;
  /** Steps in which the learning rate rises to its highest. */
  warmup: number;
  /** The highest learning rate. */
  highest: number;
  /** Share of the highest rate at the end. */
  last: number;
  /** Share of the steps in which the rate falls, at the end; 1 is a fall from the warm-up on. */
  fall: number;
}

/**
 * The learning rate of a step, from 1: a linear rise, a plateau, and half a cosine (Loshchilov and Hutter 2017; Hägele et
 * al. 2024 for the plateau). Before the fall it does not depend on the number of steps, so a training can be made
 * longer or shorter until then.
 */
export function learningRateAt(step: number, { highest, warmup, last, ...rest }: Schedule): number {
  if (step <= warmup) return (highest * step) / warmup;
  const fallsFrom = Math.max(warmup, plateauEnd(rest));
  const share = Math.min(1, Math.max(0, step - fallsFrom) / Math.max(1, rest.steps - fallsFrom));
  return highest * (last + ((1 - last) * (1 + Math.cos(Math.PI * share))) / 2);
}

/** The last step before the rate falls. */
export function plateauEnd({ steps, fall }: Pick<Schedule, 'steps' | 'fall'>): number {
  return Math.floor(steps * (1 - fall));
}
