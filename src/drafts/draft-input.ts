import { createHash } from 'node:crypto';
import { InvalidInputError } from '../lib/errors.ts';
import { checkExactText, checkRange, checkText } from '../lib/text/check-text.ts';
import { countCodePoints } from '../lib/text/code-points.ts';
import { checkSampling, defaultSampling, type Sampling } from '../ml/engine.ts';
import {
  type ContinueDraftInput,
  type Draft,
  MOST_ALTERNATIVES,
  type SamplingInput,
  type UpdateDraftInput,
} from './contract.ts';

const MAX_PROMPT = 8_000;
const MAX_TITLE = 200;
const MAX_TEXT = 100_000;
const DEFAULT_TITLE = 60;
/** The maximum of GraphQL's Int. */
const MAX_INT = 2 ** 31 - 1;

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
    ...{ ...defaultSampling, seed: Math.floor(random() * (MAX_INT + 1)) },
    ...withoutNulls(input ?? {}),
  };
  checkSampling(sampling, field);
  return sampling;
}

/**
 * The sampling of each alternative, of one if none are asked for. They differ in their seeds: the first has the one that
 * is given, if one is, and the others those after it.
 * @throws InvalidInputError
 */
export function resolveAlternatives(
  { sampling, alternatives }: { sampling?: SamplingInput | null; alternatives?: number | null },
  random: () => number,
): [Sampling, ...Sampling[]] {
  const count = alternatives == null ? 1 : checkRange(alternatives, 'input.alternatives', 1, MOST_ALTERNATIVES);
  const first = resolveSampling(sampling, random);
  const others = Array.from({ length: count - 1 }, (_, i) =>
    sampling?.seed == null
      ? resolveSampling(sampling, random)
      : { ...first, seed: (first.seed + i + 1) % (MAX_INT + 1) },
  );
  return [first, ...others];
}

const withoutNulls = (input: object): Record<string, unknown> =>
  Object.fromEntries(Object.entries(input).filter(([, value]) => value != null));

export function checkKey(key: string | null | undefined): string | null {
  return key == null ? null : checkText(key, 'input.idempotencyKey', { max: 200 });
}

/** A digest that is the same for equal inputs in any order of fields. A null field equals an absent one. */
export function inputDigest({ sampling, ...input }: object & { sampling?: SamplingInput | null }): string {
  const fields = [...sortedFields(input), sortedFields(sampling ?? {})];
  return createHash('sha256').update(JSON.stringify(fields)).digest('hex');
}

const sortedFields = (input: object): [string, unknown][] =>
  Object.entries(withoutNulls(input))
    .map(([name, value]): [string, unknown] => [name, isFields(value) ? sortedFields(value) : value])
    .sort(([a], [b]) => (a < b ? -1 : 1));

const isFields = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export function checkPrompt(prompt: string): string {
  return checkText(prompt, 'input.prompt', { max: MAX_PROMPT });
}

export function checkInstruction(instruction: string | null | undefined): string | null {
  return instruction == null ? null : checkText(instruction, 'input.instruction', { max: MAX_PROMPT });
}

/** A change of what is said of a draft, or of its text, which is made or refused as a whole. */
type DraftChange = { type: 'description'; set: DraftDescription } | { type: 'text'; input: TextInput };
export type DraftDescription = Partial<Pick<Draft, 'title' | 'visibility'>>;
export interface TextInput {
  draftId: string;
  text: string;
  ifRevision: number;
  idempotencyKey: string | null;
}

/** @throws InvalidInputError */
export function checkUpdate({ draftId, ...input }: UpdateDraftInput): DraftChange {
  const title = input.title == null ? null : checkTitle(input.title);
  const { visibility = null } = input;
  const [ifRevision, idempotencyKey] = [checkRevision(input.ifRevision), checkKey(input.idempotencyKey)];
  if (input.text == null) {
    const misplaced = ifRevision !== null ? 'ifRevision' : idempotencyKey !== null ? 'idempotencyKey' : null;
    if (misplaced) throw new InvalidInputError(`input.${misplaced} requires input.text`, `input.${misplaced}`);
    return { type: 'description', set: { ...(title !== null && { title }), ...(visibility && { visibility }) } };
  }
  // Exactly as it was sent.
  const text = checkExactText(input.text, 'input.text', { min: 0, max: MAX_TEXT });
  if (title !== null || visibility)
    throw new InvalidInputError('input.text is changed in a request without title and visibility', 'input.text');
  if (ifRevision === null)
    throw new InvalidInputError('input.ifRevision is required with input.text', 'input.ifRevision');
  return { type: 'text', input: { draftId, text, ifRevision, idempotencyKey } };
}

export function checkRevision(ifRevision: number | null | undefined): number | null {
  return ifRevision == null ? null : checkRange(ifRevision, 'input.ifRevision', 0, MAX_INT);
}

/** Where a draft is continued. A position needs the revision in which it was meant. @throws InvalidInputError */
export function checkPosition({ at, ifRevision }: Pick<ContinueDraftInput, 'at' | 'ifRevision'>): number | null {
  if (at == null) return null;
  if (ifRevision == null) throw new InvalidInputError('input.ifRevision is required with input.at', 'input.ifRevision');
  return checkRange(at, 'input.at', 0, MAX_INT);
}

/** @returns null at the end of the text. @throws InvalidInputError beyond it */
export function positionIn(text: string, at: number | null): number | null {
  const length = countCodePoints(text);
  return at === null || checkRange(at, 'input.at', 0, length) === length ? null : at;
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
