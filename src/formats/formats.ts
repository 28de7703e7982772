import { character } from './automaton/characters.ts';
import { compileGrammar } from './automaton/compile-grammar.ts';
import { anyText, type Grammar } from './automaton/expression.ts';
import { ALL_BYTES, FormatError, type Program } from './automaton/program.ts';
import { readGbnf } from './languages/gbnf.ts';
import { readLark } from './languages/lark.ts';
import { wholeMatch } from './languages/regular-expression.ts';
import { readJsonSchema } from './schema/json-schema.ts';

export { Automaton, type State } from './automaton/automaton.ts';
export { FormatError } from './automaton/program.ts';

/** The form of an answer. A schema is JSON as it was sent, because the order of its properties is theirs in the answer. */
export type Format =
  | { type: 'JSON_SCHEMA'; schema: string }
  | { type: 'REGEX'; expression: string }
  | { type: 'CHOICE'; options: readonly string[] }
  | { type: 'GBNF'; grammar: string }
  | { type: 'LARK'; grammar: string };

const LONGEST_SOURCE = 32_768;
const MOST_OPTIONS = 1_000;
/** A request needs its format several times, and one that is refused may come again. */
const MOST_RECENT = 16;
/** A source is at most twice as long when it is quoted. What is longer is refused soon. */
const LONGEST_RECENT = 3 * LONGEST_SOURCE;
const recent = new Map<string, Program | FormatError>();

/**
 * @param alphabet the bytes that can be written; all, unless it is given
 * @throws FormatError for a format that is malformed, not supported, too large, or has no finite answer
 */
export function compileFormat(format: Format, alphabet: ReadonlySet<number> = ALL_BYTES): Program {
  if (alphabet !== ALL_BYTES) return compileGrammar(grammarOf(format), alphabet);
  const key = JSON.stringify(format);
  const found = recent.get(key) ?? compiled(format);
  recent.delete(key);
  if (key.length <= LONGEST_RECENT) recent.set(key, found);
  const [oldest = key] = recent.keys();
  if (recent.size > MOST_RECENT) recent.delete(oldest);
  if (found instanceof FormatError) throw found;
  return found;
}

function compiled(format: Format): Program | FormatError {
  try {
    return compileGrammar(grammarOf(format));
  } catch (error) {
    if (error instanceof FormatError) return error;
    throw error;
  }
}

function grammarOf(format: Format): Grammar {
  switch (format.type) {
    case 'JSON_SCHEMA':
      return readJsonSchema(format.schema);
    case 'REGEX':
      return { rules: new Map(), start: wholeMatch(format.expression, character) };
    case 'CHOICE':
      return { rules: new Map(), start: anyText(checkOptions(format.options)) };
    case 'GBNF':
      return readGbnf(checkSource(format.grammar));
    case 'LARK':
      return readLark(checkSource(format.grammar));
  }
}

function checkSource(source: string): string {
  if (source.length > LONGEST_SOURCE) throw new FormatError(`has more than ${LONGEST_SOURCE} characters`);
  if (/[\0]|\p{Surrogate}/u.test(source)) throw new FormatError('is not well-formed text');
  return source;
}

function checkOptions(options: readonly string[]): readonly string[] {
  if (options.length < 1 || options.length > MOST_OPTIONS)
    throw new FormatError(`has ${options.length} options, not 1 to ${MOST_OPTIONS}`);
  if (options.includes('')) throw new FormatError('has an empty option');
  checkSource(options.join(''));
  return options;
}
