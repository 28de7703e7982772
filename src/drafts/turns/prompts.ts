import { readFileSync } from 'node:fs';
import { z } from 'zod';
import type { ChatMessage } from '../../ml/engine.ts';
import type { DraftKind } from '../contract.ts';

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

/**
 * The conversation that leads to the last turn's text. A continuation without an instruction continues the answer
 * before it; one with an instruction is a new message.
 */
export function conversationOf(kind: DraftKind, prompt: string, turns: readonly WrittenTurn[]): Conversation {
  const { system, user } = templates[kind];
  const messages: ChatMessage[] = [
    { role: 'system', content: system },
    // A function, because a replacement string would expand "$&" in the prompt.
    { role: 'user', content: user.replace('{{prompt}}', () => prompt) },
  ];
  turns.slice(0, -1).forEach(({ text }, i) => {
    const last = messages.at(-1);
    if (last?.role === 'assistant') last.content += text;
    else messages.push({ role: 'assistant', content: text });
    const next = turns[i + 1]?.instruction;
    if (next != null) messages.push({ role: 'user', content: next });
  });
  return { messages, continueLast: messages.at(-1)?.role === 'assistant' };
}
