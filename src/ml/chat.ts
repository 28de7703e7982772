import { Template } from '@huggingface/jinja';
import { InvalidInputError } from '../lib/errors.ts';
import { ModelFileError } from './compile/compile.ts';
import type { ChatMessage } from './engine.ts';
import type { Tokenizer } from './tokenizer.ts';

/** Unicode noncharacters: no text has a meaning for them, so they can mark places in a rendered prompt. */
const CUT = '\uFDD0';
const ANSWER = '\uFDD1';
/** Some templates print today's date, and a prompt must be the same every day (SPEC [GEN1]). */
const DATE = '01 January 2025';

/** Turns messages into the prompt a model was trained on. */
export interface ChatFormat {
  /** @throws InvalidInputError when the messages cannot be put into the model's format */
  encode(messages: readonly ChatMessage[], continueLast: boolean): number[];
  /** What a text within a message becomes. */
  encodeText(text: string): number[];
}

/** `open`: the prompt ends where the assistant's answer begins. */
type Render = (messages: readonly ChatMessage[], open: boolean) => string;

/** @param template Jinja, as the model's files carry it. @throws ModelFileError when it is not a valid template */
export function createChatFormat(template: string, tokenizer: Tokenizer): ChatFormat {
  const compiled = parseTemplate(template);
  const control = controlPattern(tokenizer);
  const safe = (text: string) => text.replace(control, splitMark);
  const encodeSafe = (text: string) => text.split(CUT).flatMap((part) => tokenizer.encode(part));
  const render: Render = (messages, open) =>
    compiled.render({
      messages,
      add_generation_prompt: open,
      bos_token: tokenizer.bos?.text ?? '',
      eos_token: tokenizer.eosText,
      date_string: DATE,
    });
  return {
    encode(messages, continueLast) {
      const texts = messages.map(({ role, content }) => ({ role, content: safe(content) }));
      const ids = encodeSafe(describeFailure(() => (continueLast ? renderOpen(texts, render) : render(texts, true))));
      const { bos } = tokenizer;
      return bos?.add && ids[0] !== bos.id ? [bos.id, ...ids] : ids;
    },
    encodeText: (text) => encodeSafe(safe(text)),
  };
}

function parseTemplate(template: string): Template {
  try {
    return new Template(template);
  } catch (error) {
    throw new ModelFileError(
      `the chat template is not valid: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

/** The last message is left open: whatever the template puts behind it is cut off. */
function renderOpen(messages: readonly ChatMessage[], render: Render): string {
  const last = messages.at(-1);
  if (last?.role !== 'assistant') {
    throw new InvalidInputError('only an answer of the assistant can be continued', 'messages');
  }
  const text = render([...messages.slice(0, -1), { ...last, content: ANSWER }], false);
  return text.slice(0, text.indexOf(ANSWER)) + last.content;
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
