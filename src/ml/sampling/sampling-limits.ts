import { InvalidInputError } from '../../lib/errors.ts';
import type { LogitBias, Sampling } from '../contract.ts';

/** The defaults; a seed is drawn. Stored samplings that lack a newer field mean its default. */
export const defaultSampling: Omit<Sampling, 'seed'> = {
  temperature: 0.8,
  topK: 40,
  topP: 0.95,
  minP: 0,
  repetitionPenalty: 1.1,
  presencePenalty: 0,
  frequencyPenalty: 0,
  dryMultiplier: 0,
  dryBase: 1.75,
  dryAllowedLength: 2,
  xtcProbability: 0,
  xtcThreshold: 0.1,
  logitBias: [],
  bannedPhrases: [],
  maxTokens: 256,
  maxSeconds: null,
  stop: [],
};

interface Range {
  least: number;
  most: number;
  /** The minimum itself is excluded. */
  open?: boolean;
  integer?: boolean;
}

const ranges: Record<Exclude<keyof Sampling, 'maxSeconds' | 'stop' | 'logitBias' | 'bannedPhrases'>, Range> = {
  temperature: { least: 0, most: 2 },
  topK: { least: 0, most: 1000, integer: true },
  topP: { least: 0, most: 1, open: true },
  minP: { least: 0, most: 1 },
  repetitionPenalty: { least: 0.5, most: 2 },
  presencePenalty: { least: -2, most: 2 },
  frequencyPenalty: { least: -2, most: 2 },
  dryMultiplier: { least: 0, most: 5 },
  dryBase: { least: 1, most: 4 },
  dryAllowedLength: { least: 1, most: 50, integer: true },
  xtcProbability: { least: 0, most: 1 },
  xtcThreshold: { least: 0, most: 0.5, open: true },
  maxTokens: { least: 1, most: 4096, integer: true },
  seed: { least: 0, most: Number.MAX_SAFE_INTEGER, integer: true },
};
const biasRange: Range = { least: -100, most: 100 };
const secondsRange: Range = { least: 0, most: 86_400, open: true };
const MOST_STOPS = 8;
const MOST_BIASES = 64;
const MOST_BANNED = 32;
const LONGEST_TEXT = 100;

/**
 * Checks the bounds of [GEN5].
 * @param field dotted path of the sampling in the caller's input, for example `input.sampling`
 * @throws InvalidInputError that names the first value out of range
 */
export function checkSampling(sampling: Sampling, field = 'sampling'): void {
  for (const [name, range] of Object.entries(ranges)) {
    checkNumber(sampling[name as keyof typeof ranges], range, `${field}.${name}`);
  }
  if (sampling.maxSeconds !== null) checkNumber(sampling.maxSeconds, secondsRange, `${field}.maxSeconds`);
  checkTexts(sampling.stop, MOST_STOPS, `${field}.stop`);
  checkTexts(sampling.bannedPhrases, MOST_BANNED, `${field}.bannedPhrases`);
  checkBiases(sampling.logitBias, `${field}.logitBias`);
}

function checkNumber(value: number, { least, most, open = false, integer = false }: Range, field: string): void {
  const inRange = value <= most && (open ? value > least : value >= least);
  if (inRange && (!integer || Number.isInteger(value))) return;
  const kind = integer ? 'a whole number' : 'a number';
  const bounds = open ? `above ${least} and at most ${most}` : `from ${least} to ${most}`;
  throw new InvalidInputError(`${field} must be ${kind} ${bounds}, not ${value}`, field);
}

function checkBiases(biases: readonly LogitBias[], field: string): void {
  checkCount(biases, MOST_BIASES, 'entries', field);
  biases.forEach(({ text, bias }, i) => {
    checkPiece(text, `${field}.${i}.text`);
    checkNumber(bias, biasRange, `${field}.${i}.bias`);
  });
}

function checkTexts(texts: readonly string[], most: number, field: string): void {
  checkCount(texts, most, 'strings', field);
  texts.forEach((text, i) => checkPiece(text, `${field}.${i}`));
}

function checkCount(list: readonly unknown[], most: number, what: string, field: string): void {
  if (list.length > most)
    throw new InvalidInputError(`${field} may hold at most ${most} ${what}, not ${list.length}`, field);
}

/** A piece of text, which may consist of white space. */
function checkPiece(text: string, field: string): void {
  if (text.length < 1 || text.length > LONGEST_TEXT)
    throw new InvalidInputError(`${field} must be 1 to ${LONGEST_TEXT} characters long, not ${text.length}`, field);
  // An unpaired surrogate would match inside another character, and U+FFFD stands for bytes that are not a character.
  if (/[\0\uFFFD]|\p{Surrogate}/u.test(text)) throw new InvalidInputError(`${field} is not well-formed text`, field);
}
