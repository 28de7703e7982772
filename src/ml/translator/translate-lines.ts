import { setImmediate } from 'node:timers/promises';
import type { GlossaryTerm, ModelTranslation } from '../contract.ts';
import { markTerms, unmark } from './marked-text.ts';

/**
 * Translates a text line by line, so that its lines, blank lines and indents stay. Between two lines the signal is looked
 * at.
 * @param translate from HTML to HTML with the words' scores
 */
export async function translateLines(
  text: string,
  glossary: readonly GlossaryTerm[],
  signal: AbortSignal,
  translate: (html: string) => string,
): Promise<ModelTranslation> {
  const missed: GlossaryTerm[] = [];
  const scores: number[] = [];
  const translated: string[] = [];
  for (const piece of text.split(/(\r\n|\n|\r)/)) {
    const [, indent = '', line = '', end = ''] = piece.match(/^(\s*)(.*?)(\s*)$/su) ?? [];
    if (line === '') {
      translated.push(piece);
      continue;
    }
    await setImmediate();
    signal.throwIfAborted();
    const marked = markTerms(line, glossary);
    const found = unmark(translate(marked.html), marked.terms);
    translated.push(indent + found.text.trim() + end);
    scores.push(...found.scores);
    missed.push(...found.missed);
  }
  const mean = scores.reduce((sum, score) => sum + score, 0) / Math.max(1, scores.length);
  return { text: translated.join(''), confidence: Math.exp(mean), missed: [...new Set(missed)] };
}
