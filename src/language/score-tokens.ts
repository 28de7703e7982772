import { InvalidInputError, ModelUnavailableError } from '../lib/errors.ts';
import { checkExactText } from '../lib/text/check-text.ts';
import { countCodePoints } from '../lib/text/code-points.ts';
import { defaultSampling, type Engine, type Token, type Usage } from '../ml/engine.ts';
import { LONGEST_TEXT } from './contract.ts';

/** A token of a text that was given, and how likely a model has found it there. Positions are code points. */
export interface ScoredToken extends Omit<Token, 'id'> {
  start: number;
  end: number;
}

/** What precedes the text, so that the model reads it as one that somebody has written. */
const messages = [{ role: 'user', content: 'Write a text.' }] as const;

/**
 * How likely the model that writes texts finds each token of one, given those before it ([SCORE1]). It takes a place as a
 * draft does, and its steps are shared with the drafts'.
 * @throws InvalidInputError; ModelUnavailableError; OverloadedError; the signal's reason
 */
export async function scoreTokens(
  engine: Engine,
  text: string,
  { listener, signal, onUsage }: { listener: number; signal: AbortSignal; onUsage?: (usage: Usage) => void },
): Promise<ScoredToken[]> {
  const scored = checkExactText(text, 'text', { max: LONGEST_TEXT });
  if (scored.trim() === '') throw new InvalidInputError('text is blank', 'text');
  const model = engine.defaultModel('TEXT_GENERATION');
  if (!model) throw new ModelUnavailableError('There is no model that writes texts yet');
  const request = { messages, scored, sampling: { ...defaultSampling, seed: 0 }, listener };
  engine.checkFits(model.id, request);
  using ticket = engine.admit(model.id, request);
  const tokens: ScoredToken[] = [];
  let end = 0;
  for await (const event of ticket.generate(request, signal)) {
    if (event.type === 'finished') onUsage?.(event.usage);
    if (event.type === 'finished' && event.reason === 'ERROR') throw new Error(event.message);
    if (event.type !== 'tokens') continue;
    for (const { id: _, ...token } of event.tokens) {
      const start = end;
      end += countCodePoints(token.text);
      tokens.push({ ...token, start, end });
    }
  }
  signal.throwIfAborted();
  if (end < countCodePoints(scored)) throw new InvalidInputError('text cannot be read by the model as it is', 'text');
  return tokens;
}
