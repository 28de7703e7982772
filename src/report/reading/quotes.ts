import type { TextSpan } from '../contract.ts';

const CLOSING: Readonly<Record<string, string>> = { '“': '”', '"': '"', '「': '」', '『': '』', '«': '»' };
/** Inches, and seconds: 12". */
const AFTER_DIGIT = /\d$/;

export interface Quotes {
  quotes: TextSpan[];
  /** Where a quotation opens that its paragraph does not close. */
  unclosed: number[];
}

/**
 * What stands between quotation marks. A quotation that goes on in the next paragraph need not be closed, if that one
 * opens it again.
 */
export function quotesOf(text: string, blocks: readonly TextSpan[]): Quotes {
  const quotes: TextSpan[] = [];
  const unclosed: number[] = [];
  blocks.forEach(({ start, end }, i) => {
    let from: number | null = null;
    for (let at = start; at < end; at++) {
      const mark = text.charAt(at);
      if (from === null) {
        if (mark in CLOSING && !(mark === '"' && AFTER_DIGIT.test(text.charAt(at - 1)))) from = at;
      } else if (mark === CLOSING[text.charAt(from)]) {
        quotes.push({ start: from, end: at + 1 });
        from = null;
      }
    }
    if (from === null) return;
    quotes.push({ start: from, end });
    const next = text.charAt(blocks[i + 1]?.start ?? text.length);
    if (next !== text.charAt(from)) unclosed.push(from);
  });
  return { quotes, unclosed };
}
