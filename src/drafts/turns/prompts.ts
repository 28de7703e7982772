import { readFileSync } from 'node:fs';
import { z } from 'zod';
import type { Format } from '../../formats/formats.ts';
import type { ChatMessage } from '../../ml/engine.ts';
import type { DraftKind, DraftOrigin } from '../contract.ts';
import { formatMessages } from './format-prompt.ts';
import { continueMessages, rewriteMessages } from './rewrite-prompt.ts';

const template = z.strictObject({ system: z.string().min(1), user: z.string().includes('{{prompt}}') });
const kinds = ['LYRICS', 'POEM', 'STORY', 'ARTICLE', 'TUNE'] as const;

/** The prompt for each kind of draft. It is data, so that it can be changed without touching code. */
const templates = z
  .record(z.enum(kinds), template)
  .parse(JSON.parse(readFileSync(new URL('../../../assets/prompts.json', import.meta.url), 'utf8')));

/** One turn of writing: the start, or a continuation with or without an instruction. */
export interface WrittenTurn {
  instruction: string | null;
  /** The text that the model has written in it so far. */
  text: string;
}

export interface Conversation {
  messages: ChatMessage[];
  /** The last message is an answer to continue. */
  continueLast: boolean;
}

/** What a draft is about. */
export interface Subject {
  kind: DraftKind;
  prompt: string;
  /** Of a draft that writes a passage of another. */
  origin: DraftOrigin | null;
  /** Of the answer to the prompt. */
  format?: Format | null;
}

function promptMessages({ kind, prompt }: Subject): ChatMessage[] {
  const { system, user } = templates[kind];
  return [
    { role: 'system', content: system },
    // A function, because a replacement string would expand "$&" in the prompt.
    { role: 'user', content: user.replace('{{prompt}}', () => prompt) },
  ];
}

function openingMessages(subject: Subject): ChatMessage[] {
  const { origin, format, prompt } = subject;
  if (format) return formatMessages(prompt, format);
  if (origin?.type === 'REWRITE') return rewriteMessages(origin);
  if (origin?.type !== 'ASSIST' || origin.task === 'TUNE') return promptMessages(subject);
  return origin.task === 'CONTINUE' ? continueMessages(origin) : rewriteMessages(origin);
}

/**
 * The conversation that leads to the last turn's text. A continuation without an instruction continues the answer
 * before it; one with an instruction is a new message.
 */
export function conversationOf(subject: Subject, turns: readonly WrittenTurn[]): Conversation {
  const messages = openingMessages(subject);
  turns.slice(0, -1).forEach(({ text }, i) => {
    const last = messages.at(-1);
    if (last?.role === 'assistant') last.content += text;
    else messages.push({ role: 'assistant', content: text });
    const next = turns[i + 1]?.instruction;
    if (next != null) messages.push({ role: 'user', content: next });
  });
  return { messages, continueLast: messages.at(-1)?.role === 'assistant' };
}
