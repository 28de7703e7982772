import type { TextSpan } from '../contract.ts';

/** A longer paragraph is read in parts, which bounds the time that one takes. */
const LONGEST = 4_000;
/** Lines that are no sentences: headings, tables, quotations' and images' marks, HTML, rules. */
const NO_PROSE = /^\s*(?:#{1,6}\s|\||<|!\[|[-=*_]{3,}\s*$)/;
const ITEM = /^\s*(?:[-*+•]|\d+[.)])\s/;
const FENCE = /^\s*(?:```|~~~)/;
const LINE = /[^\n]*(?:\n|$)/g;

/** The paragraphs of a text, without code, tables and headings in Markdown. */
export function blocksOf(text: string): TextSpan[] {
  const blocks: TextSpan[] = [];
  let open: TextSpan | null = null;
  let isCode = false;
  for (const { 0: line, index } of text.matchAll(LINE)) {
    if (line === '') break;
    const isFence = FENCE.test(line);
    const isProse = !isFence && !isCode && line.trim() !== '' && !NO_PROSE.test(line);
    if (isFence) isCode = !isCode;
    const end = index + line.trimEnd().length;
    if (!isProse || ITEM.test(line) || end - (open?.start ?? end) > LONGEST) open = null;
    if (!isProse) continue;
    if (open) open.end = end;
    else blocks.push((open = { start: index + line.search(/\S/), end }));
  }
  return blocks.flatMap((block) => parts(text, block));
}

/** Cut where a sentence ends, or else anywhere. */
function parts(text: string, { start, end }: TextSpan): TextSpan[] {
  if (end - start <= LONGEST) return [{ start, end }];
  const head = text.slice(start, start + LONGEST);
  const cut = /^[^]*[.!?。！？]["”’']?\s*/.exec(head)?.[0].length ?? LONGEST;
  const isPairCut = /[\ud800-\udbff]$/.test(head.slice(0, cut));
  const at = start + (isPairCut ? cut - 1 : cut);
  return [{ start, end: at }, ...parts(text, { start: at, end })];
}
