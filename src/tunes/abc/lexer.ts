/** The kinds of ABC 2.1's symbols. `unknown` is a character that the standard gives no meaning here. */
type AbcKind =
  | 'field'
  | 'inline-field'
  | 'comment'
  | 'newline'
  | 'space'
  | 'bar'
  | 'note'
  | 'rest'
  | 'chord-open'
  | 'chord-close'
  | 'grace-open'
  | 'grace-close'
  | 'tuplet'
  | 'slur-open'
  | 'slur-close'
  | 'tie'
  | 'broken'
  | 'decoration'
  | 'text'
  | 'other'
  | 'unknown';

/** A symbol of ABC as it is written. */
export interface AbcToken {
  readonly kind: AbcKind;
  readonly text: string;
  /** Position in the text, in UTF-16 code units. */
  readonly at: number;
}

/** A length behind a note, rest or chord: `2`, `/`, `//`, `3/2`. */
const LENGTH = String.raw`\d{0,4}(?:\/{1,4}\d{0,4})?`;
/** The endings that a bar line opens: `1`, `[2`, `1,3`, `1-3`. */
const ENDING = String.raw`(?:\[?\d(?:[,-]?\d){0,8})`;
/**
 * In the order in which they are tried, the frequent ones first. Every repetition of unequal symbols is bounded, so that reading takes time in
 * proportion to the length of a text, whatever it is.
 */
const symbols: readonly (readonly [AbcKind, string])[] = [
  ['note', String.raw`(?:\^{1,2}|_{1,2}|=)?[A-Ga-g][,']{0,4}${LENGTH}`],
  ['space', String.raw`[ \t]+`],
  ['bar', String.raw`:*\|[|:\]]*${ENDING}?|\[\|[|:\]]*${ENDING}?|::+${ENDING}?|\[\d(?:[,-]?\d){0,8}`],
  ['newline', String.raw`\r?\n`],
  ['comment', String.raw`%[^\n]*`],
  ['inline-field', String.raw`\[[A-Za-z]:[^\]\n]{0,200}\]`],
  ['rest', `[zxZX]${LENGTH}`],
  ['tuplet', String.raw`\(\d(?::\d?){0,2}`],
  ['chord-open', String.raw`\[`],
  ['chord-close', String.raw`\]${LENGTH}`],
  ['grace-open', String.raw`\{\/?`],
  ['grace-close', String.raw`\}`],
  ['slur-open', String.raw`\(`],
  ['slur-close', String.raw`\)`],
  ['tie', '-'],
  ['broken', '>{1,3}|<{1,3}'],
  ['decoration', String.raw`[.~H-Wh-w]|![^!\n|]{1,40}!|\+[a-z]{1,40}\+`],
  ['text', String.raw`"[^"\n]{0,400}"`],
  ['other', String.raw`y\d{0,4}|[&$\\\x60]`],
];
const symbolPattern = new RegExp(symbols.map(([, pattern]) => `(${pattern})`).join('|'), 'y');
const fieldPattern = /[A-Za-z+]:[^\n\r]*/y;

/** Reads any text, symbol by symbol. The symbols' texts put together are the text ([ABC1]). */
export function* lexAbc(text: string): Iterable<AbcToken> {
  let lineStart = true;
  for (let at = 0; at < text.length;) {
    const token: AbcToken = (lineStart ? fieldAt(text, at) : null) ?? symbolAt(text, at);
    yield token;
    lineStart = token.kind === 'newline';
    at += token.text.length;
  }
}

function fieldAt(text: string, at: number): AbcToken | null {
  fieldPattern.lastIndex = at;
  const field = fieldPattern.exec(text)?.[0];
  return field === undefined ? null : { kind: 'field', text: field, at };
}

function symbolAt(text: string, at: number): AbcToken {
  symbolPattern.lastIndex = at;
  const found = symbolPattern.exec(text);
  const index = found ? found.slice(1).findIndex((part) => part) : -1;
  const kind = symbols[index]?.[0];
  if (found && kind) return { kind, text: found[0], at };
  return { kind: 'unknown', text: String.fromCodePoint(text.codePointAt(at) ?? 0), at };
}
