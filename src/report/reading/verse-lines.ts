import type { TextSpan } from '../contract.ts';

/** In a line of verse. Longer lines are those of wrapped prose. */
const MOST_CHARACTERS = 64;
const FULL = 50;
const [FEWEST_LINES, MOST_LINES] = [3, 2_000];
/** Items of a list, and what people say in turn. */
const NO_LINE = /^\s*(?:[-*+•]\s|\d+[.)]\s|["“「])/;
/** Above a stanza: "[Chorus]". */
const HEADING = /^\s*\[[^\]]*\]\s*$/;

/** The lines of a stanza, without headings. */
export function linesOf(text: string, { start, end }: TextSpan): TextSpan[] {
  const lines = [...text.slice(start, end).matchAll(/[^\n]+/g)];
  return lines.flatMap(({ 0: line, index }) => {
    if (line.trim() === '' || HEADING.test(line)) return [];
    const from = start + index + line.search(/\S/);
    return [{ start: from, end: from + line.trim().length }];
  });
}

/** Whether a text is in lines of verse: most paragraphs have several, and lines are short and end where they like. */
export function isInVerse(text: string, blocks: readonly TextSpan[]): boolean {
  const stanzas = blocks.map((block) => linesOf(text, block));
  const lines = stanzas.flat();
  if (lines.length < FEWEST_LINES || lines.length > MOST_LINES) return false;
  const share = (isSuch: (line: string) => boolean): number =>
    lines.filter(({ start, end }) => isSuch(text.slice(start, end))).length / lines.length;
  // Wrapped prose fills its lines, and goes on in the middle of a sentence.
  const mean = lines.reduce((sum, { start, end }) => sum + end - start, 0) / lines.length;
  if (mean > FULL && share((line) => /^\p{Ll}/u.test(line)) > 0.4) return false;
  const together = stanzas.filter(({ length }) => length >= 2).flat().length / lines.length;
  return (
    together >= 0.7 &&
    share((line) => line.length <= MOST_CHARACTERS) >= 0.95 &&
    share((line) => NO_LINE.test(line)) < 0.3
  );
}
