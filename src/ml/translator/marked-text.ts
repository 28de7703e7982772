import { escapeRegExp } from '../../lib/text/escape-reg-exp.ts';
import type { GlossaryTerm } from '../contract.ts';

/** A text as HTML. Each occurrence of a glossary's term is in a `b` whose id is its number. */
export interface MarkedText {
  html: string;
  /** The term of each occurrence. */
  terms: readonly GlossaryTerm[];
}

/** A translation with its marks replaced. */
export interface UnmarkedText {
  text: string;
  /** The natural logarithms of the words' probabilities. */
  scores: readonly number[];
  /** The terms that the translation has no place for. */
  missed: readonly GlossaryTerm[];
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: '\u00a0' };
const TAG_OR_TEXT = /<(\/?)(\w+)([^>]*)>|[^<]+|</g;
const SENTENCE = /sentence-index="(\d+)"/;
const WORD = /word-index="(\d+)" x-bergamot-word-score="([^"]+)"/;

/** Terms match as whole words in any case. Of two at the same place the longer one wins. */
export function markTerms(text: string, glossary: readonly GlossaryTerm[]): MarkedText {
  if (glossary.length === 0) return { html: escapeHtml(text), terms: [] };
  const longestFirst = [...glossary].sort((a, b) => b.source.length - a.source.length);
  const sources = longestFirst.map(({ source }) => `(${escapeRegExp(source)})`).join('|');
  const terms: GlossaryTerm[] = [];
  let html = '';
  let at = 0;
  for (const match of text.matchAll(new RegExp(`(?<![\\p{L}\\p{N}])(?:${sources})(?![\\p{L}\\p{N}])`, 'giu'))) {
    const term = longestFirst[match.slice(1).findIndex(Boolean)];
    if (!term) continue;
    html += `${escapeHtml(text.slice(at, match.index))}<b id="${terms.length}">${escapeHtml(match[0])}</b>`;
    at = match.index + match[0].length;
    terms.push(term);
  }
  return { html: html + escapeHtml(text.slice(at)), terms };
}

/** The text of translated HTML, in which each marked occurrence is what the glossary says. */
export function unmark(html: string, terms: readonly GlossaryTerm[]): UnmarkedText {
  const scores = new Map<string, number>();
  const placed = new Set<number>();
  let [text, sentence] = ['', ''];
  let mark: number | null = null;
  for (const [piece, closing, tag, attributes = ''] of html.matchAll(TAG_OR_TEXT)) {
    if (tag === 'b') mark = closing ? null : Number(attributes.match(/\d+/)?.[0]);
    else if (tag !== undefined) {
      sentence = attributes.match(SENTENCE)?.[1] ?? sentence;
      const [, word, score] = attributes.match(WORD) ?? [];
      // A word may be cut into several elements, each with its score.
      if (word !== undefined) scores.set(`${sentence} ${word}`, Number(score));
    } else if (mark === null) text += unescapeHtml(piece);
    else {
      if (!placed.has(mark)) text += terms[mark]?.target ?? '';
      placed.add(mark);
    }
  }
  return { text, scores: [...scores.values()], missed: terms.filter((_, i) => !placed.has(i)) };
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function unescapeHtml(html: string): string {
  return html.replace(
    /&(?:#(\d+)|#x([\da-f]+)|(\w+));/gi,
    (whole: string, decimal?: string, hexadecimal?: string, name?: string) => {
      if (name !== undefined) return ENTITIES[name] ?? whole;
      return String.fromCodePoint(decimal === undefined ? parseInt(hexadecimal ?? '', 16) : Number(decimal));
    },
  );
}
