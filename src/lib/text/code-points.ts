/** Orders texts by their code points, which is the order of their bytes in UTF-8 and of `collate "C"` in the database. */
export function byCodePoint(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const [left, right] = [a.charCodeAt(i), b.charCodeAt(i)];
    if (left !== right) return rankOf(left) - rankOf(right);
  }
  return a.length - b.length;
}

/** Halves of what lies beyond the first plane come after everything in it, though their numbers are lower. */
function rankOf(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}

const PAIR = /[\ud800-\udbff][\udc00-\udfff]/g;

/** The length in code points, which the contract calls characters. */
export const countCodePoints = (text: string): number => text.length - (text.match(PAIR)?.length ?? 0);

/** The index in UTF-16 at which the code point with this number begins; the text's length if there is none. */
export function indexOfCodePoint(text: string, number: number): number {
  let index = 0;
  for (let left = number; left > 0 && index < text.length; left--) index += isPair(text, index) ? 2 : 1;
  return index;
}

const isPair = (text: string, index: number): boolean => (text.codePointAt(index) ?? 0) > 0xffff;

/** Whether an index of a text without unpaired surrogates lies within a pair. */
export const isWithinPair = (text: string, index: number): boolean => /[\udc00-\udfff]/.test(text.charAt(index));
