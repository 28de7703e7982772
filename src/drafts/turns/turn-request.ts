import type { ChatMessage, GenerationRequest } from '../../ml/engine.ts';
import type { TuneTask } from '../../tunes/tunes.ts';
import { isWord, loadVerseWords } from '../../verse/verse.ts';
import { lastTurn, type TurnHistory } from '../log/stored.ts';
import { keptPassages, type KeptText } from '../text/passages.ts';
import { type Conversation, conversationOf, type Subject } from './prompts.ts';
import { writtenTurns } from './turn-events.ts';
import { answerOf, verseRequestOf } from './verse-turn.ts';

type TurnRequest = Conversation & Pick<GenerationRequest, 'sampling' | 'tune' | 'verse' | 'format' | 'wordEnded'>;

/**
 * What the engine is asked for in a draft's last turn.
 * @param kept the text that it continues
 */
export async function requestOf(
  { turns, ...subject }: Subject & { turns: TurnHistory },
  kept: KeptText,
): Promise<TurnRequest> {
  const { tune, verse, format, sampling } = lastTurn({ turns });
  if (tune) return { ...requestOfTune(tune), sampling };
  const asked = { ...subject, format: turns[0].format };
  const conversation = conversationOf(asked, writtenTurns({ turns, ...kept }));
  if (format) return { ...conversation, sampling, format: { format, written: answerOf(conversation) } };
  const wordEnded = conversation.continueLast && !verse && (await endsWithWord(kept));
  return { ...conversation, wordEnded, sampling, verse: verse && (await verseRequestOf(verse, conversation)) };
}

/**
 * Whether a person has typed the end of the text, and it is a whole word ([DRAFT17]). What the model has written goes on
 * as it would have without a stop, also inside a word.
 */
async function endsWithWord(kept: KeptText): Promise<boolean> {
  const last = keptPassages(kept).before.at(-1);
  const word = last?.turn === null ? /(?<![\p{L}\p{N}'’-])[a-z']+$/iu.exec(last.text)?.[0] : undefined;
  return word !== undefined && isWord(await loadVerseWords(), word.toLowerCase());
}

/** A model of tunes reads fields, and continues music. */
function requestOfTune({ prompt, context, plan }: TuneTask): Conversation & { tune: TuneTask['plan'] } {
  const music = context + plan.written;
  const messages: ChatMessage[] = [{ role: 'user', content: prompt }];
  if (music !== '') messages.push({ role: 'assistant', content: music });
  return { messages, continueLast: music !== '', tune: plan };
}
