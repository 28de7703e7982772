import { InvalidInputError } from '../../lib/errors.ts';
import type { ChatMessage } from '../contract.ts';
import type { ChatTemplate } from './chat-template.ts';
import type { Tokenizer } from './tokenizer.ts';

/** Unicode noncharacters: no text has a meaning for them, so they can mark places in a rendered prompt. */
const CUT = '\uFDD0';
const ANSWER = '\uFDD1';

/** Turns messages into the prompt a model was trained on. */
export interface ChatFormat {
  /** @throws InvalidInputError when the messages cannot be put into the model's format */
  encode(messages: readonly ChatMessage[], continueLast: boolean): number[];
  /** What a text within a message becomes. */
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

/** Where the template has no place for a system message, its text begins what the user says first. */
function withoutSystem(messages: readonly ChatMessage[]): ChatMessage[] {
  const system = messages.filter(({ role }) => role === 'system').map(({ content }) => content);
  const others = messages.filter(({ role }) => role !== 'system');
  const first = others.find(({ role }) => role === 'user');
  const told = [...system, ...(first ? [first.content] : [])].join('\n\n');
  const user: ChatMessage = { role: 'user', content: told };
  if (system.length === 0) return others;
  return first ? others.map((message) => (message === first ? user : message)) : [user, ...others];
}

/** The last message is left open: whatever the template puts behind it is cut off. */
function renderOpen(messages: readonly ChatMessage[], { render }: ChatTemplate): string {
  const last = messages.at(-1);
  if (last?.role !== 'assistant') {
    throw new InvalidInputError('only a message of the assistant can be continued', 'messages');
  }
  const text = render([...messages.slice(0, -1), { ...last, content: ANSWER }], false);
  const at = text.indexOf(ANSWER);
  // A template that shows no last answer still shows where one begins.
  return (at === -1 ? render(messages.slice(0, -1), true) : text.slice(0, at)) + last.content;
}

/**
 * A control token that somebody spells out in a message must stay text, or a prompt could end its own turn and speak as
 * the system. The mark is cut after its first character, and the halves are encoded apart.
 */
function controlPattern({ controls }: Tokenizer): RegExp {
  const marks = [...controls.keys()].filter((mark) => mark.length > 1).map(escapeRegExp);
  return new RegExp([...marks, CUT, ANSWER].join('|'), 'g');
}

function splitMark(mark: string): string {
  return mark === CUT || mark === ANSWER ? '\uFFFD' : mark.slice(0, 1) + CUT + mark.slice(1);
}

function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
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
