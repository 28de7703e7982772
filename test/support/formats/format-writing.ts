import { type Schema, Validator } from '@cfworker/json-schema';
import { type Format, FormatError } from '../../../src/formats/formats.ts';
import { allTokens } from '../../../src/ml/sampling/constraint.ts';
import { FormatConstraint } from '../../../src/ml/sampling/format/format-constraint.ts';
import type { FormatVocabulary } from '../../../src/ml/sampling/format/token-trie.ts';

const PIECES = [
  ...[
    '{"',
    '": ',
    '": {"',
    '": [',
    '","',
    '", "',
    '}}',
    ',]',
    ']}',
    '}\n',
    '\n  ',
    '\n      ',
    '"}',
    '""',
    '\\n',
    '\\"',
  ],
  ...[
    'true',
    'null',
    'tr',
    'ab',
    'abc',
    ' the',
    'the',
    '12',
    '123',
    '00',
    '-1',
    '.5',
    'é',
    '名',
    '名前',
    '🎵',
    '  ',
    '[[',
  ],
];

/** Every byte, and pieces that cross the borders of what a format is made of. */
export function pieceVocabulary(pieces: readonly string[] = PIECES): FormatVocabulary {
  const bytes = [
    ...Array.from({ length: 256 }, (_, byte) => Uint8Array.of(byte)),
    ...pieces.map((piece) => new TextEncoder().encode(piece)),
  ];
  return { vocab: bytes.length + 1, bytesOf: (id) => bytes[id] ?? new Uint8Array(0), ends: new Set([bytes.length]) };
}

export function allowedBy(constraint: FormatConstraint, { vocab }: FormatVocabulary): number[] {
  const allowed = allTokens(vocab);
  constraint.mask(allowed);
  return Array.from({ length: vocab }, (_, id) => id).filter((id) => ((allowed[id >> 5] ?? 0) >>> (id & 31)) & 1);
}

/** What a model writes that finds all tokens equally likely. Null if the format needs more tokens than it may have. */
export function randomAnswer(
  format: Format,
  { vocabulary, random, maxTokens }: { vocabulary: FormatVocabulary; random: () => number; maxTokens: number },
): string | null {
  const constraint = constraintOrNull(format, vocabulary, maxTokens);
  if (!constraint) return null;
  const written: number[] = [];
  for (let count = 0; count < maxTokens; count++) {
    const open = allowedBy(constraint, vocabulary);
    const id = open[Math.floor(random() * open.length)];
    if (id === undefined) throw new Error(`no token may follow ${JSON.stringify(decode(written))}`);
    if (vocabulary.ends.has(id)) return decode(written);
    written.push(...vocabulary.bytesOf(id));
    constraint.accept(id);
  }
  throw new Error(`it did not end: ${JSON.stringify(decode(written))}`);
}

function constraintOrNull(format: Format, vocabulary: FormatVocabulary, maxTokens: number): FormatConstraint | null {
  try {
    return new FormatConstraint({ format, written: '' }, vocabulary, maxTokens);
  } catch (error) {
    if (error instanceof FormatError && /may need|has no finite answer/.test(error.message)) return null;
    throw error;
  }
}

const decode = (bytes: readonly number[]): string =>
  new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Uint8Array.from(bytes));

/** What other implementations say of an answer: a JSON Schema validator, and the engine's own expressions. */
export function conforms(format: Format, answer: string): boolean {
  if (format.type === 'JSON_SCHEMA')
    return new Validator(JSON.parse(format.schema) as Schema, '2020-12').validate(JSON.parse(answer)).valid;
  return format.type === 'REGEX' && new RegExp(`^(?:${format.expression})$`, 'u').test(answer);
}
