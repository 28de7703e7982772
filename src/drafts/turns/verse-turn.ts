import { ConflictError, InvalidInputError } from '../../lib/errors.ts';
import type { Sampling, VerseRequest } from '../../ml/engine.ts';
import { readSong } from '../../tunes/tunes.ts';
import {
  firstImpossible,
  headingsOf,
  loadVerseWords,
  offensiveIn,
  readVerse,
  resolveForm,
  Rhymes,
  type VerseForm,
} from '../../verse/verse.ts';
import type { ContinueDraftInput, DraftFormInput, DraftKind } from '../contract.ts';
import type { TurnVerse } from '../log/stored.ts';
import type { FindDraft } from '../tune-draft.ts';
import { defaultPreset } from './default-form.ts';
import type { Conversation } from './prompts.ts';
import { formOfTune } from './sung-form.ts';

const FIELD = 'input.form';
const BLANK_LINE = '\n\n';

/** What a form depends on besides itself. */
interface VerseCircumstances {
  kind: DraftKind;
  bannedPhrases: readonly string[];
  /** Finds a tune that words are to be sung to. */
  find: FindDraft;
}

/** What can be said without looking anything up. @throws InvalidInputError for a form that cannot be */
export function checkForm(input: DraftFormInput | null | undefined): void {
  if (input == null) return;
  const { fromTune, preset, stanzas } = input;
  if (fromTune == null || preset != null || stanzas != null) resolveForm(input, FIELD);
  if (fromTune?.abc != null) readSong(fromTune.abc, `${FIELD}.fromTune.abc`);
}

/**
 * @param answer the text that the form follows
 * @throws InvalidInputError for a form that cannot be, or that no words could keep
 */
export async function startVerse(
  input: DraftFormInput | null | undefined,
  { kind, bannedPhrases, find }: VerseCircumstances,
  answer = '',
): Promise<TurnVerse | null> {
  if (input == null) return null;
  checkForm(input);
  const { fromTune, preset, stanzas } = input;
  // A free text does not wait for the words, which take seconds after a start on a busy machine.
  if (fromTune == null && !resolveForm(input, FIELD)) return null;
  const rhymes = await rhymesWithout(bannedPhrases);
  const form = fromTune == null ? resolveForm(input, FIELD) : await formOfTune(fromTune, rhymes, find);
  if (!form) return null;
  if (fromTune != null && (preset != null || stanzas != null))
    throw new InvalidInputError(`${FIELD}.fromTune excludes preset and stanzas`, `${FIELD}.fromTune`);
  if (kind === 'TUNE') throw new InvalidInputError(`${FIELD} does not apply to tunes`, FIELD);
  checkBanned(bannedPhrases, form);
  const impossible = firstImpossible(form, rhymes);
  if (impossible !== null) {
    const field = `${FIELD}.stanzas.${impossible}`;
    throw new InvalidInputError(`${field}: no words rhyme and have the syllables and stresses of its lines`, field);
  }
  return { form, lead: answer === '' ? '' : BLANK_LINE, from: answer.length, byDefault: false };
}

/** The form of a text for which none is asked. Null where there is none, or it cannot be kept. */
export async function defaultVerse(circumstances: VerseCircumstances & { prompt: string }): Promise<TurnVerse | null> {
  const preset = defaultPreset(circumstances.kind, circumstances.prompt);
  try {
    const verse = await startVerse({ preset }, circumstances);
    return verse && { ...verse, byDefault: true };
  } catch (error) {
    if (error instanceof InvalidInputError) return null;
    throw error;
  }
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
  try {
    return await carriedOn(before, circumstances.bannedPhrases, answer);
  } catch (error) {
    if (before.byDefault && (error instanceof ConflictError || error instanceof InvalidInputError)) return null;
    throw error;
  }
}

async function carriedOn(before: TurnVerse, bannedPhrases: readonly string[], answer: string): Promise<TurnVerse> {
  const { form, lead, from } = before;
  checkBanned(bannedPhrases, form);
  switch (readVerse(answer.slice(from), form, await rhymesWithout(bannedPhrases, answer), lead)) {
    case 'INCOMPLETE':
      return before;
    case 'COMPLETE':
      return { ...before, lead: BLANK_LINE, from: answer.length };
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
  const words = await loadVerseWords();
  const own = offensiveIn(
    words,
    conversation.messages.map(({ content }) => content),
  );
  return { form, lead, words, own, written: answerOf(conversation).slice(from) };
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
export const answerOf = ({ messages, continueLast }: Conversation): string =>
  continueLast ? (messages.at(-1)?.content ?? '') : '';

let known: Rhymes | null = null;

/**
 * The sets of rhyming words are the same for all drafts that ban nothing.
 * @param text whose words may be used, also those that offend
 */
async function rhymesWithout(banned: readonly string[], text = ''): Promise<Rhymes> {
  const words = await loadVerseWords();
  const own = offensiveIn(words, [text]);
  if (banned.length + own.length > 0) return new Rhymes(words, { banned, own });
  if (known?.words !== words) known = new Rhymes(words);
  return known;
}
