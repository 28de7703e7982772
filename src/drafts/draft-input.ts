import { createHash } from 'node:crypto';
import { checkText } from '../lib/text/check-text.ts';
import { checkSampling, defaultSampling, type Sampling } from '../ml/engine.ts';
import type { SamplingInput } from './contract.ts';

const MAX_PROMPT = 8_000;
const MAX_TITLE = 200;
const DEFAULT_TITLE = 60;
/** The maximum of GraphQL's Int. */
const MAX_SEED = 2 ** 31 - 1;

/**
 * Completes the options and draws the seed, which is stored so that the text can be reproduced.
 * @throws InvalidInputError
 */
export function resolveSampling(
  input: SamplingInput | null | undefined,
  random: () => number,
  field = 'input.sampling',
): Sampling {
  const sampling: Sampling = {
    ...{ ...defaultSampling, seed: Math.floor(random() * (MAX_SEED + 1)) },
    ...withoutNulls(input ?? {}),
  };
  checkSampling(sampling, field);
  return sampling;
}

const withoutNulls = (input: object): Record<string, unknown> =>
  Object.fromEntries(Object.entries(input).filter(([, value]) => value != null));

export function checkKey(key: string | null | undefined): string | null {
  return key == null ? null : checkText(key, 'input.idempotencyKey', { max: 200 });
}

/** A digest that is the same for equal inputs in any order of fields. A null field equals an absent one. */
export function inputDigest({ sampling, ...input }: { sampling?: SamplingInput | null | undefined }): string {
  const fields = [...sortedFields(input), sortedFields(sampling ?? {})];
  return createHash('sha256').update(JSON.stringify(fields)).digest('hex');
}

const sortedFields = (input: object): [string, unknown][] =>
  Object.entries(withoutNulls(input)).sort(([a], [b]) => (a < b ? -1 : 1));

export function checkPrompt(prompt: string): string {
  return checkText(prompt, 'input.prompt', { max: MAX_PROMPT });
}

export function checkInstruction(instruction: string | null | undefined): string | null {
  return instruction == null ? null : checkText(instruction, 'input.instruction', { max: MAX_PROMPT });
}

export function checkTitle(title: string): string {
  return checkText(title, 'input.title', { max: MAX_TITLE }).replace(/\s+/g, ' ');
}

/** The prompt's first line, truncated at a word. */
export function titleFrom(prompt: string): string {
  const line = prompt.replace(/\s+/g, ' ');
  const characters = Array.from(line);
  if (characters.length <= DEFAULT_TITLE) return line;
  const cut = characters.slice(0, DEFAULT_TITLE).join('');
  return `${cut.slice(0, cut.lastIndexOf(' ') > 20 ? cut.lastIndexOf(' ') : undefined)}…`;
}
