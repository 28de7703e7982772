import { conversationOf } from '../../src/drafts/turns/prompts.ts';
import { randomStream } from '../../src/lib/random.ts';
import { openModelText } from '../../src/ml/text/model-text.ts';
import type { Prompt } from './work.ts';

/** Each a token of its own for any usual vocabulary; what it is not for is left out. */
const WORDS =
  'sea old man boat storm night light house wind rain road river stone tree bird song dance winter summer morning garden ' +
  'window door letter king child mother father friend city train bridge mountain forest horse dog fire gold silver blue ' +
  'green red white black small great quiet lost found first last slow cold warm long deep high bright';

type Messages = Prompt['messages'];

/** Makes prompts of an exact length for one model, no two alike. */
export interface Prompts {
  /** What `startDraft` makes of a prompt: all have the kind's instruction before them. */
  story(tokens: number): Prompt;
  /** Different from each other from the first word on, so that nothing of one helps with the next. */
  fresh(tokens: number): Prompt;
  /** Plain text, cut into pieces of so many tokens. */
  pieces(text: string, tokens: number): number[][];
}

export async function openPrompts(ggufPath: string): Promise<Prompts> {
  const { tokenizer, chat } = await openModelText(ggufPath);
  const words = WORDS.split(' ').filter((word) => tokenizer.encode(` ${word}`).length === 1);
  const random = randomStream(Math.floor(Math.random() * 2 ** 32));
  const draw = () => words[Math.floor(random() * words.length)] ?? '';
  const fill = (tokens: number, messagesOf: (text: string) => Messages): Omit<Prompt, 'text'> & { text: string } => {
    let text = draw();
    for (;;) {
      const messages = messagesOf(text);
      const ids = chat.encode(messages, false);
      if (ids.length === tokens) return { text, messages, ids };
      if (ids.length > tokens) throw new RangeError(`a prompt has ${ids.length} tokens at least, not ${tokens}`);
      text += Array.from({ length: tokens - ids.length }, () => ` ${draw()}`).join('');
    }
  };
  return {
    story: (tokens) =>
      fill(
        tokens,
        (text) =>
          conversationOf({ kind: 'STORY', prompt: text, origin: null }, [{ instruction: null, text: '' }]).messages,
      ),
    fresh(tokens) {
      const system = Array.from({ length: 8 }, draw).join(' ');
      const prompt = fill(tokens, (content) => [
        { role: 'system', content: system },
        { role: 'user', content },
      ]);
      return { ...prompt, text: null };
    },
    pieces(text, tokens) {
      const ids = tokenizer.encode(text);
      const count = Math.floor(ids.length / tokens);
      return Array.from({ length: count }, (_, i) => ids.slice(i * tokens, (i + 1) * tokens));
    },
  };
}
