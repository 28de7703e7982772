import { InvalidInputError } from '../lib/errors.ts';
import { checkText } from '../lib/text.ts';
import { checkSampling, type Sampling } from '../ml/engine.ts';
import type { SamplingInput } from './drafts.ts';

const MAX_PROMPT = 8_000;
const MAX_TITLE = 200;
const DEFAULT_TITLE = 60;
/** GraphQL's Int ends there. */
const MAX_SEED = 2 ** 31 - 1;

const defaults = { temperature: 0.8, topK: 40, topP: 0.95, minP: 0, repetitionPenalty: 1.1, maxTokens: 256, stop: [] };

/** Every value decided, the seed drawn and kept, so that the text can be had again. @throws InvalidInputError */
export function resolveSampling(
  input: SamplingInput | null | undefined,
  random: () => number,
  field = 'input.sampling',
): Sampling {
  const given = Object.fromEntries(Object.entries(input ?? {}).filter(([, value]) => value != null));
  const sampling: Sampling = { ...defaults, seed: Math.floor(random() * (MAX_SEED + 1)), ...given };
  checkSampling(sampling, field);
  sampling.stop.forEach((text, i) => checkWellFormed(text, `${field}.stop.${i}`));
  return sampling;
}

/** A stop string may be white space alone, which `checkText` would trim away. */
function checkWellFormed(text: string, field: string): void {
  if (text.includes('\0') || /\p{Surrogate}/u.test(text))
    throw new InvalidInputError(`${field} is not well-formed text`, field);
}

export function checkPrompt(prompt: string): string {
  return checkText(prompt, 'input.prompt', { max: MAX_PROMPT });
}

export function checkInstruction(instruction: string | null | undefined): string | null {
  return instruction == null ? null : checkText(instruction, 'input.instruction', { max: MAX_PROMPT });
}

export function checkTitle(title: string): string {
  return checkText(title, 'input.title', { max: MAX_TITLE }).replace(/\s+/g, ' ');
}

/** The prompt's first line, cut at a word. */
export function titleFrom(prompt: string): string {
  const line = prompt.replace(/\s+/g, ' ');
  const characters = Array.from(line);
  if (characters.length <= DEFAULT_TITLE) return line;
  const cut = characters.slice(0, DEFAULT_TITLE).join('');
  return `${cut.slice(0, cut.lastIndexOf(' ') > 20 ? cut.lastIndexOf(' ') : undefined)}…`;
}
