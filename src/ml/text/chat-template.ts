import { Template } from '@huggingface/jinja';
import { ModelFileError } from '../compile/compile.ts';
import type { ChatMessage } from '../contract.ts';
import { strftime } from './fixed-date.ts';

/** `open`: the prompt ends where the assistant's answer begins. */
type Render = (messages: readonly ChatMessage[], open: boolean) => string;

/** A model's chat template, which renders a conversation as text. */
export interface ChatTemplate {
  /** @throws Error with the message of the template or the interpreter */
  render: Render;
  /** Whether it supports a system message. */
  takesSystem: boolean;
}

/** Unicode noncharacters, which no text uses, mark positions in a rendered prompt. */
const markers = { system: '\uFDD2', user: '\uFDD3', assistant: '\uFDD4', last: '\uFDD5' };

const said = (role: ChatMessage['role'], content: string): ChatMessage => ({ role, content });

/** @param source Jinja from the model's files @throws ModelFileError if it is invalid, or omits the user's message */
export function openChatTemplate(source: string, marks: { bos: string; eos: string }): ChatTemplate {
  const render = rendererOf(parseTemplate(source), marks);
  const question = said('user', markers.user);
  const shows = (text: string, ...all: string[]) => all.every((marker) => text.includes(marker));
  const takesSystem = attempt(() => render([said('system', markers.system), question], true), null);
  if (takesSystem !== null && shows(takesSystem, markers.system, markers.user)) return { render, takesSystem: true };
  const alone = attempt(
    () => render([question], true),
    (reason) => new ModelFileError(`the chat template cannot be used: ${reason}`),
  );
  if (!shows(alone, markers.user)) throw new ModelFileError('the chat template omits the user’s message');
  return { render, takesSystem: false };
}

/** The text that the template puts around the messages of a conversation and, of that, what follows an answer. */
export function surroundings({ render, takesSystem }: ChatTemplate): { pieces: string[]; afterAnswer: string } {
  const question = said('user', markers.user);
  const begun = takesSystem ? [said('system', markers.system), question] : [question];
  const whole = [...begun, said('assistant', markers.assistant), said('user', markers.last)];
  const text = attempt(() => render(whole, true), null) ?? render(begun, true);
  const afterAnswer = new RegExp(`${markers.assistant}([^${Object.values(markers).join('')}]*)`).exec(text)?.[1] ?? '';
  return { pieces: text.split(new RegExp(`[${Object.values(markers).join('')}]`)), afterAnswer };
}

/** What transformers passes if there are no tools or documents. Drafts are written without thinking. */
const context = { tools: null, documents: null, enable_thinking: false, date_string: strftime('%d %B %Y'), strftime };

function rendererOf(template: Template, { bos, eos }: { bos: string; eos: string }): Render {
  return (messages, open) =>
    template.render({ ...context, messages, add_generation_prompt: open, bos_token: bos, eos_token: eos });
}

/** The library's own `strftime_now` uses today's date, and can only be replaced from within the template. */
const PRELUDE = '{% set strftime_now = strftime %}\n';

function parseTemplate(source: string): Template {
  return attempt(
    // Jinja reads every line break as \n.
    () => new Template(PRELUDE + source.replace(/\r\n?/g, '\n')),
    (reason) => new ModelFileError(`the chat template is not valid: ${reason}`),
  );
}

function attempt<Result>(work: () => Result, otherwise: (reason: string) => Error): Result;
function attempt<Result>(work: () => Result, otherwise: null): Result | null;
function attempt<Result>(work: () => Result, otherwise: ((reason: string) => Error) | null): Result | null {
  try {
    return work();
  } catch (error) {
    if (otherwise === null) return null;
    throw otherwise(error instanceof Error ? error.message : String(error));
  }
}
