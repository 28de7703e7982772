/** Levels of JSON that a request may have. Nothing that an operation takes has a dozen, and what has many takes long to read. */
export const MOST_LEVELS = 64;

const [QUOTE, BACKSLASH, OPENING_BRACKET, CLOSING_BRACKET, OPENING_BRACE, CLOSING_BRACE] = Buffer.from('"\\[]{}');

/** Whether JSON is nested deeper, found without reading it: what reads it may run out of stack. */
export function isTooDeep(bytes: Buffer): boolean {
  let depth = 0;
  let inText = false;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i];
    if (byte === QUOTE) inText = !inText;
    else if (inText) i += Number(byte === BACKSLASH);
    else if (byte === OPENING_BRACE || byte === OPENING_BRACKET) depth++;
    else if (byte === CLOSING_BRACE || byte === CLOSING_BRACKET) depth--;
    if (depth > MOST_LEVELS) return true;
  }
  return false;
}
