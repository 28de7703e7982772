import { InvalidInputError } from '../lib/errors.ts';
import type { Sampling } from './engine.ts';

interface Range {
  least: number;
  most: number;
  /** `least` itself is not allowed. */
  open?: boolean;
  integer?: boolean;
}

const ranges: Record<Exclude<keyof Sampling, 'stop'>, Range> = {
  temperature: { least: 0, most: 2 },
  topK: { least: 0, most: 1000, integer: true },
  topP: { least: 0, most: 1, open: true },
  minP: { least: 0, most: 1 },
  repetitionPenalty: { least: 0.5, most: 2 },
  maxTokens: { least: 1, most: 4096, integer: true },
  seed: { least: 0, most: Number.MAX_SAFE_INTEGER, integer: true },
};
const MOST_STOPS = 8;
const LONGEST_STOP = 100;

/**
 * SPEC [GEN5].
 * @param field dotted path of the sampling in the caller's input, e.g. `input.sampling`
 * @throws InvalidInputError that names the first value out of range
 */
export function checkSampling(sampling: Sampling, field = 'sampling'): void {
  for (const [name, range] of Object.entries(ranges)) {
    checkNumber(sampling[name as keyof typeof ranges], range, `${field}.${name}`);
  }
  checkStop(sampling.stop, `${field}.stop`);
}

function checkNumber(value: number, { least, most, open = false, integer = false }: Range, field: string): void {
  const inRange = value <= most && (open ? value > least : value >= least);
  if (inRange && (!integer || Number.isInteger(value))) return;
  const kind = integer ? 'a whole number' : 'a number';
  const bounds = open ? `above ${least} and at most ${most}` : `from ${least} to ${most}`;
  throw new InvalidInputError(`${field} must be ${kind} ${bounds}, not ${value}`, field);
}

function checkStop(stop: readonly string[], field: string): void {
  if (stop.length > MOST_STOPS) {
    throw new InvalidInputError(`${field} may hold at most ${MOST_STOPS} strings, not ${stop.length}`, field);
  }
  stop.forEach((text, i) => {
    if (text.length < 1 || text.length > LONGEST_STOP) {
      const message = `${field}.${i} must be 1 to ${LONGEST_STOP} characters long, not ${text.length}`;
      throw new InvalidInputError(message, `${field}.${i}`);
    }
    // Half of a surrogate pair would match inside another character.
    if (/\p{Surrogate}/u.test(text))
      throw new InvalidInputError(`${field}.${i} is not well-formed Unicode`, `${field}.${i}`);
  });
}
