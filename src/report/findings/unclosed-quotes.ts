import { quotesOf } from '../reading/quotes.ts';
import type { Reading } from '../reading/reading.ts';
import { type Candidate, fact } from './candidate.ts';

/** Quotation marks that open and are not closed. Where the quotation ends only its author knows. */
export function unclosedQuotes({ text, blocks }: Reading): Candidate[] {
  return quotesOf(text, blocks).unclosed.flatMap((start) => {
    const block = blocks.find((one) => start >= one.start && start < one.end);
    const mark = text.charAt(start);
    const opens = /^$|[\s(—–-]/.test(text.charAt(start - 1)) || mark !== '"';
    if (!block || !opens) return [];
    const marks = text.slice(block.start, block.end).split(mark).length - 1;
    return [
      fact('UNCLOSED_QUOTE', { start, end: start + 1 }, marks, {
        EN: `The quotation that begins with ${mark} is not closed in its paragraph.`,
        ZH: `以${mark}开始的引文在该段内没有结束。`,
      }),
    ];
  });
}
