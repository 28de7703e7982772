import type { Format } from '../../../src/formats/formats.ts';

type Random = () => number;
const pick = <One>(random: Random, options: readonly [One, ...One[]]): One =>
  options[Math.floor(random() * options.length)] ?? options[0];
const count = (random: Random, most: number): number => Math.floor(random() * (most + 1));
const listOf = <One>(length: number, make: (i: number) => One): One[] => Array.from({ length }, (_, i) => make(i));

const NAMES = ['title', 'naïve', '名前', 'a "b"', 'x/y', 'emoji 🎵', 'tags', 'n', 'very_long_property_name'];
const PATTERNS = [
  '^[a-z]+$',
  '[0-9]{2}',
  '^(a|"b"|\\\\)+$',
  'é|ü',
  '^\\S.*\\S$',
  '^[^x]{2,4}$',
  '(\\d+-)?[A-F]$',
] as const;

/** A schema of what is supported, from a seeded source of numbers. */
export function randomSchema(random: Random, depth = 3): object {
  const scalars = [string, number, integer, listed, nothing] as const;
  const make = pick(random, depth === 0 ? scalars : [...scalars, object, object, array, tuple, map, anyOf, tagged]);
  return make(random, depth);
}

function string(random: Random): object {
  const [least, more] = [count(random, 4), count(random, 12)];
  return pick<object>(random, [
    { type: 'string' },
    { type: 'string', minLength: least, maxLength: least + more },
    { type: 'string', pattern: pick(random, PATTERNS) },
    { type: 'string', format: pick(random, ['date', 'time', 'date-time', 'uuid', 'ipv4', 'email', 'uri', 'hostname']) },
  ]);
}

function bounds(random: Random, unit: number): object {
  const low = (count(random, 4000) - 2000) * unit;
  const high = low + count(random, 3000) * unit + unit;
  const rounded = (value: number) => Number(value.toFixed(4));
  return pick<object>(random, [
    {},
    { minimum: rounded(low) },
    { maximum: rounded(high) },
    { minimum: rounded(low), maximum: rounded(high) },
    { exclusiveMinimum: rounded(low), exclusiveMaximum: rounded(high + unit) },
  ]);
}

const number = (random: Random): object => ({ type: 'number', ...bounds(random, pick(random, [1, 0.25, 0.0013])) });
const integer = (random: Random): object => ({ type: 'integer', ...bounds(random, pick(random, [1, 7, 1001])) });
const listed = (random: Random): object => ({
  enum: listOf(1 + count(random, 5), (i) => pick<unknown>(random, [i, `v${i}`, null, true, -1.5, { a: [i] }, 'é"\\'])),
});
const nothing = (random: Random): object =>
  pick<object>(random, [{ type: 'null' }, { type: ['boolean', 'null'] }, { const: 'x' }]);

function object(random: Random, depth: number): object {
  const names = [...new Set(listOf(1 + count(random, 4), () => pick(random, ['id', ...NAMES])))];
  const properties = Object.fromEntries(names.map((name) => [name, randomSchema(random, depth - 1)]));
  const required = names.filter(() => random() < 0.6);
  return { type: 'object', properties, required, ...(random() < 0.5 && { additionalProperties: false }) };
}

function array(random: Random, depth: number): object {
  const least = count(random, 2);
  return { type: 'array', items: randomSchema(random, depth - 1), minItems: least, maxItems: least + count(random, 3) };
}

function tuple(random: Random, depth: number): object {
  const prefixItems = listOf(1 + count(random, 2), () => randomSchema(random, depth - 1));
  const minItems = count(random, 4);
  return { type: 'array', prefixItems, items: { type: 'integer' }, minItems, maxItems: minItems + count(random, 2) };
}

const map = (random: Random, depth: number): object => ({
  ...{ type: 'object', additionalProperties: randomSchema(random, depth - 1), maxProperties: 1 + count(random, 3) },
});
const anyOf = (random: Random, depth: number): object => ({
  anyOf: listOf(1 + count(random, 2), () => randomSchema(random, depth - 1)),
});

/** Alternatives that a property tells apart, one of which refers to the whole. */
function tagged(random: Random, depth: number): object {
  const option = (tag: string, value: object) => ({
    ...{ type: 'object', properties: { tag: { const: tag }, value }, required: ['tag', 'value'] },
  });
  return { oneOf: [option('one', randomSchema(random, depth - 1)), option('two', { type: 'boolean' })] };
}

/** A schema, or one that refers to itself. */
export function randomSchemaFormat(random: Random): Extract<Format, { type: 'JSON_SCHEMA' }> {
  const value = randomSchema(random);
  const list = { type: 'object', properties: { value, next: { anyOf: [{ type: 'null' }, { $ref: '#/$defs/list' }] } } };
  const recursive = { $defs: { list: { ...list, required: ['value', 'next'] } }, $ref: '#/$defs/list' };
  return { type: 'JSON_SCHEMA', schema: JSON.stringify(random() < 0.15 ? recursive : value) };
}

/** A regular expression of what is supported. */
export function randomExpression(random: Random, depth = 4): string {
  const leaf = () =>
    pick(random, ['a', 'bc', '.', '\\d', '\\w', '[^aé]', '[x-z_-]', '\\s', '☃', '\\u{1F3B5}', '\\.', '[\\d ]', '"']);
  if (depth === 0) return leaf();
  const inner = () => randomExpression(random, depth - 1);
  const times = () => pick(random, ['*', '+', '?', '{2}', '{1,3}', '{2,}', '*?', '{0,40}']);
  return pick(random, [
    leaf,
    () => inner() + inner(),
    () => `(${inner()}|${inner()})`,
    () => `(?:${inner()})${times()}`,
    () => `(?<n${Math.floor(random() * 1e9)}>${inner()})`,
    () => leaf() + times(),
  ])();
}
