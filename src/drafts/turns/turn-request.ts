import type { ChatMessage, GenerationRequest } from '../../ml/engine.ts';
import type { TuneTask } from '../../tunes/tunes.ts';
import type { DraftKind } from '../contract.ts';
import { lastTurn, type TurnHistory } from '../log/stored.ts';
import { type Conversation, conversationOf, type WrittenTurn } from './prompts.ts';
import { verseRequestOf } from './verse-turn.ts';

type TurnRequest = Conversation & Pick<GenerationRequest, 'sampling' | 'tune' | 'verse'>;

/** What the engine is asked for in a draft's last turn. */
export async function requestOf(
  { kind, prompt, turns }: { kind: DraftKind; prompt: string; turns: TurnHistory },
  written: readonly WrittenTurn[],
): Promise<TurnRequest> {
  const { tune, verse, sampling } = lastTurn({ turns });
  if (tune) return { ...requestOfTune(tune), sampling };
  const conversation = conversationOf(kind, prompt, written);
  return { ...conversation, sampling, verse: verse && (await verseRequestOf(verse, conversation)) };
}

/** A model of tunes reads fields, and continues music. */
function requestOfTune({ prompt, context, plan }: TuneTask): Conversation & { tune: TuneTask['plan'] } {
  const music = context + plan.written;
  const messages: ChatMessage[] = [{ role: 'user', content: prompt }];
  if (music !== '') messages.push({ role: 'assistant', content: music });
  return { messages, continueLast: music !== '', tune: plan };
}
