/** Maximum nesting of a request's JSON. No operation needs a dozen levels, and deeply nested JSON is slow to parse. */
export const MOST_LEVELS = 64;

const [QUOTE, BACKSLASH, OPENING_BRACKET, CLOSING_BRACKET, OPENING_BRACE, CLOSING_BRACE] = Buffer.from('"\\[]{}');

/** Whether JSON is nested too deeply. It is not parsed for that, because a parser could overflow its stack. */
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
