import type * as Y from 'yjs';

export type DocumentFormat = 'PLAIN' | 'MARKDOWN' | 'HTML';

/** A stretch of text in one formatting. */
interface Run {
  text: string;
  attributes: Readonly<Record<string, unknown>>;
}

interface Line {
  runs: Run[];
  /** The formatting of the line's end, by which editors mark blocks. */
  block: Readonly<Record<string, unknown>>;
}

/**
 * A text as characters, or with its formatting: bold, italic, strike, code and link of a stretch; header, list,
 * blockquote and code-block of a line, by the names that Quill gave them.
 */
export function exportText(text: Y.Text, format: DocumentFormat): string {
  if (format === 'PLAIN') return text.toJSON();
  const lines = linesOf(text);
  return format === 'HTML' ? htmlOf(lines) : lines.map(markdownOf).join('\n');
}

function linesOf(text: Y.Text): Line[] {
  let line: Line = { runs: [], block: {} };
  const lines = [line];
  for (const { insert, attributes = {} } of text.toDelta() as { insert: unknown; attributes?: Line['block'] }[]) {
    // What is embedded (a picture, say) has no text.
    if (typeof insert !== 'string') continue;
    insert.split('\n').forEach((part, i) => {
      if (i > 0) {
        line.block = attributes;
        line = { runs: [], block: {} };
        lines.push(line);
      }
      if (part !== '') line.runs.push({ text: part, attributes });
    });
  }
  return lines;
}

const LINK = /^(https?:|mailto:)/i;
const linkOf = ({ link }: Run['attributes']): string | null =>
  typeof link === 'string' && LINK.test(link) ? link : null;

/** Characters are kept as they are: who types Markdown gets it back. */
function markdownOf({ runs, block }: Line): string {
  const text = runs.map(markedRun).join('');
  if (typeof block.header === 'number') return `${'#'.repeat(Math.min(6, Math.max(1, block.header)))} ${text}`;
  if (block.list === 'ordered') return `1. ${text}`;
  if (block.list === 'bullet') return `- ${text}`;
  if (block.blockquote) return `> ${text}`;
  return block['code-block'] ? `    ${text}` : text;
}

function markedRun({ text, attributes }: Run): string {
  const [, before = '', inner = '', after = ''] = /^(\s*)(.*?)(\s*)$/s.exec(text) ?? [];
  if (inner === '') return text;
  let marked = attributes.code ? `\`${inner}\`` : inner;
  if (attributes.bold) marked = `**${marked}**`;
  if (attributes.italic) marked = `*${marked}*`;
  if (attributes.strike) marked = `~~${marked}~~`;
  const link = linkOf(attributes);
  if (link) marked = `[${marked}](<${link.replaceAll(/[<>\s]/g, encodeURIComponent)}>)`;
  return before + marked + after;
}

function htmlOf(lines: readonly Line[]): string {
  return lines
    .map(({ runs, block }) => {
      const inner = runs.map(htmlRun).join('') || '<br>';
      if (typeof block.header === 'number') {
        const level = Math.min(6, Math.max(1, Math.trunc(block.header)));
        return `<h${level}>${inner}</h${level}>`;
      }
      if (block.list === 'ordered') return `<ol><li>${inner}</li></ol>`;
      if (block.list === 'bullet') return `<ul><li>${inner}</li></ul>`;
      if (block.blockquote) return `<blockquote>${inner}</blockquote>`;
      return block['code-block'] ? `<pre>${inner}</pre>` : `<p>${inner}</p>`;
    })
    .join('\n')
    .replaceAll(/<\/([ou]l)>\n<\1>/g, '\n');
}

const TAGS = { code: 'code', bold: 'strong', italic: 'em', strike: 's' };

function htmlRun({ text, attributes }: Run): string {
  let html = escaped(text);
  for (const [name, tag] of Object.entries(TAGS)) if (attributes[name]) html = `<${tag}>${html}</${tag}>`;
  const link = linkOf(attributes);
  return link ? `<a href="${escaped(link)}" rel="noopener nofollow">${html}</a>` : html;
}

const ESCAPES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
const escaped = (text: string): string => text.replaceAll(/[&<>"']/g, (character) => ESCAPES[character] ?? '');
