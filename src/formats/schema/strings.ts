import { CHARACTERS, jsonCharacter } from '../automaton/characters.ts';
import { type Expression, NEVER, repeated, sequence, text } from '../automaton/expression.ts';
import { FormatError } from '../automaton/program.ts';
import { someMatch, wholeMatch } from '../languages/regular-expression.ts';
import { string } from './json-text.ts';
import { countAt, isSchemaObject, refuse, type SchemaNode } from './schema-node.ts';

const OCTET = '(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])';
/** Days that every year has. */
const DATE = '[12][0-9]{3}-((0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])|(0[13-9]|1[0-2])-(29|30)|(0[13578]|1[02])-31)';
const TIME = '([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,3})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])';
const LABEL = '[a-z0-9]([a-z0-9-]{0,14}[a-z0-9])?';
/** What is written for each format: some texts of it. */
const FORMATS: ReadonlyMap<string, string> = new Map([
  ['date', DATE],
  ['time', TIME],
  ['date-time', `${DATE}T${TIME}`],
  ['uuid', '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}'],
  ['ipv4', `${OCTET}(\\.${OCTET}){3}`],
  ['hostname', `${LABEL}(\\.${LABEL}){1,3}`],
  ['email', `[a-z0-9]{1,32}(\\.[a-z0-9]{1,16}){0,2}@${LABEL}(\\.${LABEL}){0,2}\\.[a-z]{2,10}`],
  ['uri', `https?://${LABEL}(\\.${LABEL}){0,2}\\.[a-z]{2,10}(/[a-zA-Z0-9._~-]{0,32}){0,8}`],
]);

/** A string: of some length, with a pattern, or of a format. */
export function writtenString(node: SchemaNode): Expression {
  const { pattern, format } = isSchemaObject(node.schema) ? node.schema : {};
  const least = countAt(node, 'minLength');
  const most = countAt(node, 'maxLength');
  const asked = [pattern, format, least ?? most ?? undefined].filter((one) => one !== undefined);
  if (asked.length > 1) return refuse(node, 'has two of "pattern", "format" and a length, which is not supported');
  if (pattern !== undefined) return quoted(patternOf(node, pattern));
  if (format !== undefined) return quoted(formatOf(node, format));
  if (least === null && most === null) return string;
  if (most !== null && most < (least ?? 0)) return NEVER;
  return quoted(repeated(jsonCharacter(CHARACTERS), least ?? 0, most));
}

function patternOf(node: SchemaNode, pattern: unknown): Expression {
  if (typeof pattern !== 'string') return refuse(node, 'has a "pattern" that is no text');
  try {
    return someMatch(pattern, jsonCharacter);
  } catch (error) {
    if (error instanceof FormatError) return refuse(node, `has a "pattern" that ${error.message}`);
    throw error;
  }
}

/** Each is read once. */
const readFormats = new Map<string, Expression>();

function formatOf(node: SchemaNode, format: unknown): Expression {
  const source = typeof format === 'string' ? FORMATS.get(format) : undefined;
  if (source === undefined) return refuse(node, `has the "format" ${JSON.stringify(format)}, which is not supported`);
  const expression = readFormats.get(source) ?? wholeMatch(source, jsonCharacter);
  readFormats.set(source, expression);
  return expression;
}

const quoted = (inside: Expression): Expression => sequence(text('"'), inside, text('"'));
