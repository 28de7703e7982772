import { character, CHARACTERS, jsonCharacter } from '../automaton/characters.ts';
import {
  anyText,
  either,
  EMPTY,
  type Expression,
  optional,
  repeated,
  rule,
  sequence,
  text,
} from '../automaton/expression.ts';
import { wholeMatch } from '../languages/regular-expression.ts';

/** Names that no JSON pointer has. */
export const ANYTHING = 'anything';
const SPACE = 'space';
const STRING = 'string';
const NUMBER = 'number';
/** How deep a value of any kind is nested. */
const DEEPEST_ANYTHING = 4;

export const string = rule(STRING);
export const number = rule(NUMBER);
const space = rule(SPACE);

/** A list between brackets: `{ "a": 1 }`. */
export const bracketed = (open: string, inside: Expression, close: string): Expression =>
  sequence(text(open), space, inside, space, text(close));
export const comma = sequence(text(','), space);
export const colon = sequence(text(':'), optional(text(' ')));

/** `least` to `most` of them, between commas. */
export function listed(item: Expression, least: number, most: number | null): Expression {
  if (most === 0) return EMPTY;
  const more = repeated(sequence(comma, item), Math.max(0, least - 1), most === null ? null : most - 1);
  const some = sequence(item, more);
  return least === 0 ? either(some, EMPTY) : some;
}

/** What every schema may refer to. */
export function* jsonRules(): Iterable<[string, Expression]> {
  // A line break with an indentation, a space or nothing: white space without end would never come to an end.
  yield [SPACE, either(EMPTY, text(' '), sequence(text('\n'), repeated(text(' '), 0, 32)))];
  yield [STRING, sequence(text('"'), repeated(jsonCharacter(CHARACTERS), 0, null), text('"'))];
  yield [NUMBER, wholeMatch('-?(0|[1-9][0-9]{0,8})(\\.[0-9]{1,6})?([eE][+-]?[0-9]{1,2})?', character)];
  yield* anything();
}

/** A value in a value has one level less. */
function* anything(): Iterable<[string, Expression]> {
  const scalar = either(string, number, anyText(['true', 'false', 'null']));
  yield [`${ANYTHING} 0`, scalar];
  for (let depth = 1; depth <= DEEPEST_ANYTHING; depth++) {
    const inner = rule(`${ANYTHING} ${depth - 1}`);
    const list = bracketed('[', listed(inner, 0, null), ']');
    const map = bracketed('{', listed(sequence(string, colon, inner), 0, null), '}');
    yield [depth === DEEPEST_ANYTHING ? ANYTHING : `${ANYTHING} ${depth}`, either(scalar, list, map)];
  }
}
