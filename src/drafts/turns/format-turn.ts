import { Automaton, compileFormat, type Format, FormatError } from '../../formats/formats.ts';
import { ConflictError, InvalidInputError } from '../../lib/errors.ts';
import type { Sampling } from '../../ml/engine.ts';
import type { DraftFormatInput, StartDraftInput } from '../contract.ts';
import type { Conversation } from './prompts.ts';
import { answerOf } from './verse-turn.ts';

const FIELD = 'input.format';
const MOST_TOKENS = 4_096;
/** More than the shortest answer, so that a model has a choice. */
const MORE_TOKENS = 64;

/**
 * The format that an answer is to have.
 * @throws InvalidInputError for one that is malformed or not supported, and for what it excludes: a form, a tune, banned
 * phrases and stop strings
 */
export function checkFormat({ format: input, ...others }: Omit<StartDraftInput, 'prompt'>): Format | null {
  if (input == null) return null;
  const format = supported(input);
  const { kind, form, sampling } = others;
  if (kind === 'TUNE') throw new InvalidInputError(`${FIELD} does not apply to tunes`, FIELD);
  if (form != null) throw new InvalidInputError(`${FIELD} excludes input.form`, FIELD);
  for (const name of ['bannedPhrases', 'stop'] as const)
    if ((sampling?.[name]?.length ?? 0) > 0)
      throw new InvalidInputError(`input.sampling.${name} cannot be combined with ${FIELD}`, `input.sampling.${name}`);
  return format;
}

function supported(input: DraftFormatInput): Format {
  const { format, field } = formatOf(input);
  try {
    compileFormat(format);
    return format;
  } catch (error) {
    throw error instanceof FormatError ? new InvalidInputError(`${field} ${error.message}`, field) : error;
  }
}

/** The one that is given. */
function formatOf(input: DraftFormatInput): { format: Format; field: string } {
  const { jsonSchema, regex, choice, gbnf, lark } = input;
  const given = Object.values(input).filter((value) => value != null).length;
  if (given !== 1)
    throw new InvalidInputError(
      `${FIELD} must have one of jsonSchema, regex, choice, gbnf and lark, not ${given}`,
      FIELD,
    );
  const named = (name: keyof DraftFormatInput, format: Format) => ({ format, field: `${FIELD}.${name}` });
  if (jsonSchema != null) return named('jsonSchema', { type: 'JSON_SCHEMA', schema: JSON.stringify(jsonSchema) });
  if (regex != null) return named('regex', { type: 'REGEX', expression: regex });
  if (choice != null) return named('choice', { type: 'CHOICE', options: choice });
  if (gbnf != null) return named('gbnf', { type: 'GBNF', grammar: gbnf });
  return named('lark', { type: 'LARK', grammar: lark ?? '' });
}

/** A format gets as many tokens as its shortest answer may need, and some more. @throws InvalidInputError */
export function formatSampling(sampling: Sampling, format: Format): Sampling {
  const { shortest, start } = compileFormat(format);
  const needed = (shortest[start] ?? 0) + 1;
  if (needed > MOST_TOKENS)
    throw new InvalidInputError(
      `${FIELD} may need ${needed} tokens for its shortest answer, and at most ${MOST_TOKENS} are written`,
      FIELD,
    );
  return { ...sampling, maxTokens: Math.max(sampling.maxTokens, Math.min(MOST_TOKENS, needed + MORE_TOKENS)) };
}

/**
 * The format of a continuation: an answer that was not finished goes on in its own. An instruction, and what is inserted,
 * asks for another text.
 * @throws ConflictError if the answer is complete, or a person has changed it so that it no longer keeps its format
 */
export function continueFormat(before: Format | null, conversation: Conversation): Format | null {
  if (!before || !conversation.continueLast) return null;
  const automaton = new Automaton(compileFormat(before));
  const state = automaton.read(automaton.begin(), new TextEncoder().encode(answerOf(conversation)));
  if (!state) throw new ConflictError('The text no longer keeps its format; continue with an instruction');
  if (state.places.length === 0)
    throw new ConflictError('The answer is complete in its format; continue with an instruction');
  return before;
}
