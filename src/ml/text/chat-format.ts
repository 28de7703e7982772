import { InvalidInputError } from '../../lib/errors.ts';
import { escapeRegExp } from '../../lib/text/escape-reg-exp.ts';
import type { ChatMessage } from '../contract.ts';
import type { ChatTemplate } from './chat-template.ts';
import type { Tokenizer } from './tokenizer/tokenizer.ts';

/** A Unicode noncharacter, which no text uses, marks a position in a rendered prompt. */
const CUT = '\uFDD0';
const ANSWER = '\uFDD1';

/** Turns messages into the kind of prompt that the model was trained on. */
export interface ChatFormat {
  /** @throws InvalidInputError if the messages do not fit the model's format */
  encode(messages: readonly ChatMessage[], continueLast: boolean): number[];
  /** The tokens of a text within a message. */
  encodeText(text: string): number[];
}

export function createChatFormat(template: ChatTemplate, tokenizer: Tokenizer): ChatFormat {
  const control = controlPattern(tokenizer);
  const safe = (text: string) => text.replace(control, splitMark);
  const encodeSafe = (text: string) => text.split(CUT).flatMap((part) => tokenizer.encode(part));
  return {
    encode(messages, continueLast) {
      const texts = messages.map(({ role, content }) => ({ role, content: safe(content) }));
      const fitting = template.takesSystem ? texts : withoutSystem(texts);
      const ids = encodeSafe(
        describeFailure(() => (continueLast ? renderOpen(fitting, template) : template.render(fitting, true))),
      );
      const { bos } = tokenizer;
      return bos?.add && ids[0] !== bos.id ? [bos.id, ...ids] : ids;
    },
    encodeText: (text) => encodeSafe(safe(text)),
  };
}

/** If the template does not support system messages, their text is put before the user's first message. */
function withoutSystem(messages: readonly ChatMessage[]): ChatMessage[] {
  const system = messages.filter(({ role }) => role === 'system').map(({ content }) => content);
  const others = messages.filter(({ role }) => role !== 'system');
  const first = others.find(({ role }) => role === 'user');
  const told = [...system, ...(first ? [first.content] : [])].join('\n\n');
  const user: ChatMessage = { role: 'user', content: told };
  if (system.length === 0) return others;
  return first ? others.map((message) => (message === first ? user : message)) : [user, ...others];
}

/** The last message is left open: whatever the template puts after it is cut off. */
function renderOpen(messages: readonly ChatMessage[], { render }: ChatTemplate): string {
  const last = messages.at(-1);
  if (last?.role !== 'assistant') {
    throw new InvalidInputError('only a message of the assistant can be continued', 'messages');
  }
  const text = render([...messages.slice(0, -1), { ...last, content: ANSWER }], false);
  const at = text.indexOf(ANSWER);
  // A template that drops the last answer still shows where one begins.
  return (at === -1 ? render(messages.slice(0, -1), true) : text.slice(0, at)) + last.content;
}

/**
 * A control token that is spelled out in a message must stay text. Otherwise a message could end its own turn and speak
 * as the system. The mark is split after its first character, and the parts are encoded separately.
 */
function controlPattern({ controls }: Tokenizer): RegExp {
  const marks = [...controls.keys()].filter((mark) => mark.length > 1).map(escapeRegExp);
  return new RegExp([...marks, CUT, ANSWER].join('|'), 'g');
}

function splitMark(mark: string): string {
  return mark === CUT || mark === ANSWER ? '\uFFFD' : mark.slice(0, 1) + CUT + mark.slice(1);
}

function describeFailure(render: () => string): string {
  try {
    return render();
  } catch (error) {
    if (error instanceof InvalidInputError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new InvalidInputError(`the messages do not fit the model’s chat format: ${reason}`, 'messages');
  }
}
