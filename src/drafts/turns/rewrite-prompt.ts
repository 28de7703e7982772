import { readFileSync } from 'node:fs';
import { z } from 'zod';
import type { ChatMessage } from '../../ml/engine.ts';
import { type AssistOrigin, type RewriteOrigin, TONES } from '../contract.ts';

const template = z.strictObject({ system: z.string().min(1), user: z.string().includes('{{instruction}}') });

/** The prompts for passages. They are data, so that they can be changed without touching code. */
const prompts = z
  .strictObject({ REWRITE: template, INSERT: template, CONTINUE: template, tones: z.record(z.enum(TONES), z.string()) })
  .parse(JSON.parse(readFileSync(new URL('../../../assets/rewrite-prompts.json', import.meta.url), 'utf8')));

type Asked = Omit<RewriteOrigin, 'revision' | 'start' | 'end'>;

/** What a model is asked for that writes a passage anew, or one for a place in a text. */
export function rewriteMessages(asked: Asked | AssistOrigin): ChatMessage[] {
  return messagesOf(asked.passage === '' ? prompts.INSERT : prompts.REWRITE, asked);
}

/** What a model is asked for that continues a text: the text is the beginning of its answer. */
export function continueMessages(asked: AssistOrigin): ChatMessage[] {
  const messages = messagesOf(prompts.CONTINUE, asked);
  const written = continued(asked);
  return written === '' ? messages : [...messages, { role: 'assistant', content: written }];
}

/** The text that is continued, up to its last word: the model writes the space behind it. */
export const continued = ({ before, passage }: Pick<AssistOrigin, 'before' | 'passage'>): string =>
  (before + passage).trimEnd();

function messagesOf({ system, user }: z.infer<typeof template>, asked: Asked | AssistOrigin): ChatMessage[] {
  const { before, passage, after, tone } = asked;
  const instruction = [asked.instruction, tone && prompts.tones[tone]].filter(Boolean).join('\n');
  const parts: Record<string, string> = { before, passage, after, instruction };
  // All at once: what looks like a placeholder in a text is text.
  const content = user.replace(/\{\{(\w+)\}\}/g, (whole, name: string) => parts[name] ?? whole);
  return [
    { role: 'system', content: system },
    { role: 'user', content: content.trim() },
  ];
}
