import { ConflictError, InvalidInputError } from '../../lib/errors.ts';
import type { Sampling, VerseRequest } from '../../ml/engine.ts';
import {
  firstImpossible,
  headingsOf,
  loadVerseWords,
  readVerse,
  resolveForm,
  Rhymes,
  type VerseForm,
  type VerseFormInput,
} from '../../verse/verse.ts';
import type { ContinueDraftInput, DraftKind } from '../contract.ts';
import type { TurnVerse } from '../log/stored.ts';
import type { Conversation } from './prompts.ts';

const FIELD = 'input.form';
const BLANK_LINE = '\n\n';

/** What a form depends on besides itself. */
interface VerseCircumstances {
  kind: DraftKind;
  bannedPhrases: readonly string[];
}

/** @throws InvalidInputError for a form that cannot be */
export function checkForm(input: VerseFormInput | null | undefined): VerseForm | null {
  return input == null ? null : resolveForm(input, FIELD);
}

/**
 * @param answer the text that the form follows
 * @throws InvalidInputError for a form that cannot be, or that no words could keep
 */
export async function startVerse(
  input: VerseFormInput | null | undefined,
  { kind, bannedPhrases }: VerseCircumstances,
  answer = '',
): Promise<TurnVerse | null> {
  const form = checkForm(input);
  if (!form) return null;
  if (kind === 'TUNE') throw new InvalidInputError(`${FIELD} does not apply to tunes`, FIELD);
  checkBanned(bannedPhrases, form);
  const impossible = firstImpossible(form, await rhymesWithout(bannedPhrases));
  if (impossible !== null) {
    const field = `${FIELD}.stanzas.${impossible}`;
    throw new InvalidInputError(`${field}: no words rhyme and have the syllables and stresses of its lines`, field);
  }
  return { form, lead: answer === '' ? '' : BLANK_LINE, from: answer.length };
}

/**
 * The form of a continuation. Without an instruction an unfinished form is carried on, and a finished one is begun again
 * below. An instruction asks for another text, which has a form only if one is given.
 * @throws ConflictError if the text no longer keeps its form; InvalidInputError
 */
export async function continueVerse(
  { form: input }: Pick<ContinueDraftInput, 'form'>,
  { before, ...circumstances }: VerseCircumstances & { before: TurnVerse | null },
  conversation: Conversation,
): Promise<TurnVerse | null> {
  const answer = answerOf(conversation);
  if (input != null) return startVerse(input, circumstances, answer);
  if (!before || !conversation.continueLast) return null;
  const { form, lead, from } = before;
  checkBanned(circumstances.bannedPhrases, form);
  switch (readVerse(answer.slice(from), form, await rhymesWithout(circumstances.bannedPhrases), lead)) {
    case 'INCOMPLETE':
      return before;
    case 'COMPLETE':
      return { form, lead: BLANK_LINE, from: answer.length };
    case 'BROKEN':
      throw new ConflictError('The text no longer keeps its form; continue with an instruction, or with the form FREE');
  }
}

/** A form needs its headings, spaces and line breaks. */
function checkBanned(phrases: readonly string[], form: VerseForm): void {
  const needed = headingsOf(form).join('').toLowerCase();
  const index = phrases.findIndex((phrase) => phrase.trim() === '' || needed.includes(phrase.trim().toLowerCase()));
  if (index === -1) return;
  const field = `input.sampling.bannedPhrases.${index}`;
  throw new InvalidInputError(`${field} occurs in what the form requires: spaces, line breaks and headings`, field);
}

/** What the engine needs to keep the form. */
export async function verseRequestOf(
  { form, lead, from }: TurnVerse,
  conversation: Conversation,
): Promise<VerseRequest> {
  return { form, lead, words: await loadVerseWords(), written: answerOf(conversation).slice(from) };
}

/** A form gets as many tokens as it may need. */
export function verseSampling(sampling: Sampling, { form }: TurnVerse): Sampling {
  return { ...sampling, maxTokens: Math.max(sampling.maxTokens, tokensFor(form)) };
}

/** Two tokens for a syllable and four for the rest of a line are more than a model uses. */
function tokensFor({ stanzas }: VerseForm): number {
  const own = stanzas.map(({ lines }) => lines.reduce((sum, { most }) => sum + 2 * most + 4, 0));
  return stanzas.reduce((sum, { refrainOf }, i) => sum + 8 + (own[refrainOf ?? i] ?? 0), 0);
}

/** The answer that is continued. Empty if a new one begins. */
const answerOf = ({ messages, continueLast }: Conversation): string =>
  continueLast ? (messages.at(-1)?.content ?? '') : '';

let known: Rhymes | null = null;

/** The sets of rhyming words are the same for all drafts that ban nothing. */
async function rhymesWithout(banned: readonly string[]): Promise<Rhymes> {
  const words = await loadVerseWords();
  if (banned.length > 0) return new Rhymes(words, banned);
  if (known?.words !== words) known = new Rhymes(words);
  return known;
}
