import type { Random } from './grammar.ts';
import { pick, upTo } from './grammar.ts';

/** Fragments that each spread the next one twice: a kilobyte that stands for 2^40 fields. */
function doubled(operation: string, type: string, field: string): string {
  const fragments = Array.from({ length: 40 }, (_, i) => `fragment F${i} on ${type} { ...F${i + 1} ...F${i + 1} }`);
  return `${operation} ${fragments.join(' ')} fragment F40 on ${type} { ${field} }`;
}

const aliased = (field: string): string => `{ ${Array.from({ length: 30 }, (_, i) => `a${i}: ${field}`).join(' ')} }`;

const REASONS = 'recommendations(first: 100) { nodes { explanation { reasons(first: 100) { contribution } } } }';

/** Documents that once stopped the server, or could have: each asks for far more than its length. */
const BOMBS: readonly [(random: Random) => string, ...((random: Random) => string)[]] = [
  () => '{tracks(first:100){nodes{similar(first:100){nodes{track{similar(first:100){nodes{track{id}}}}}}}}}',
  () => aliased(REASONS),
  () => `{ ${'__typename '.repeat(480)} }`,
  () => `{ ${`genres { ${'slug '.repeat(40)} } `.repeat(40)} }`,
  () => doubled('{ ...F0 }', 'Query', '__typename'),
  () => doubled('{ genres { ...F0 } }', 'Genre', 'slug'),
  () => doubled('mutation { ...F0 }', 'Mutation', 'removeFeedback(id: "x") { __typename }'),
  () => doubled('subscription { recommendations { ...F0 } }', 'RecommendationConnection', 'requestId'),
  // Documents that are all different, to fill whatever caches them.
  (random) => `{ a${upTo(random, 1e9)}: __type(name: "${'\u4e2d'.repeat(4_000)}") { name } }`,
  (random) => `{ viewer { id } } # ${upTo(random, 1e9)} ${'x'.repeat(15_000)}`,
];

export const bomb = (random: Random): string => pick(random, BOMBS)(random);
