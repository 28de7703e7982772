import type { CodePoints } from '../automaton/characters.ts';
import type { Expression } from '../automaton/expression.ts';
import { FormatError } from '../automaton/program.ts';
import type { WriteCharacter } from './regular-expression.ts';

const MOST_SETS = 1_024;

/** Writes each set of characters of one grammar once. @throws FormatError for too many, each of which is much to write */
export function distinctSets(write: WriteCharacter): WriteCharacter {
  const known = new Map<string, Expression>();
  return (set: CodePoints) => {
    const key = set.join();
    const found = known.get(key) ?? write(set);
    known.set(key, found);
    if (known.size > MOST_SETS) throw new FormatError(`has more than ${MOST_SETS} different sets of characters`);
    return found;
  };
}
