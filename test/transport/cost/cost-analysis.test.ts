import { readdirSync, readFileSync } from 'node:fs';
import {
  buildSchema as buildAnother,
  type DocumentNode,
  getIntrospectionQuery,
  getNamedType,
  getNullableType,
  type GraphQLField,
  isInterfaceType,
  isIntrospectionType,
  isListType,
  isObjectType,
  Kind,
  parse,
} from 'graphql';
import { describe, expect, it } from 'vitest';
import { Operations, textOf } from '../../../bench/worst/operations.ts';
import { loadConfig } from '../../../src/config.ts';
import { randomStream } from '../../../src/lib/random.ts';
import { costDirectivesOf } from '../../../src/schema/cost/cost-directives.ts';
import { buildSchema, printContract } from '../../../src/schema/schema.ts';
import { OperationCosts } from '../../../src/transport/cost/operation-costs.ts';
import { slowCost } from '../../support/contract/cost-oracle.ts';

const schema = buildSchema();
const costs = new OperationCosts(schema);
const argsOf = (document: DocumentNode, variableValues = {}, operationName: string | null = null) => ({
  ...{ schema, document, variableValues, operationName },
});
const costOf = (text: string, variables: Record<string, unknown> = {}) => costs.of(argsOf(parse(text), variables));
const { budget, staffBudget } = loadConfig({ CADENZA_JWT_SECRET: 'x'.repeat(32) }).cost;

describe('[COST1] a cost is what the contract publishes, as often as lists can have it', () => {
  it.each([
    ['a literal', '{ tracks(first: 7) { nodes { id } } }', {}, 1_502 + 7 * 2],
    ['a variable', 'query ($n: Int) { tracks(first: $n) { nodes { id } } }', { n: 7 }, 1_502 + 7 * 2],
    ['its default', 'query ($n: Int = 3) { tracks(first: $n) { nodes { id } } }', {}, 1_502 + 3 * 2],
    [
      'null: the default of the argument',
      'query ($n: Int = 3) { tracks(first: $n) { nodes { id } } }',
      { n: null },
      1_502 + 20 * 2,
    ],
    ['nothing: the default of the argument', '{ tracks { nodes { id } } }', {}, 1_502 + 20 * 2],
    ['more than a page may have', '{ tracks(first: 1000000) { nodes { id } } }', {}, 1_502 + 100 * 2],
    ['less than nothing', '{ tracks(first: -5) { nodes { id } } }', {}, 1_502],
    [
      'both ways to the entries',
      '{ tracks(first: 2) { nodes { id } edges { cursor node { id } } } }',
      {},
      1_503 + 2 * 2 + 2 * 5,
    ],
    ['lists in lists', '{ tracks(first: 3) { nodes { tags(first: 4) { name } } } }', {}, 1_502 + 3 * (1 + 5 + 4 * 2)],
    ['ids in the document', '{ nodes(ids: ["a", "b", "c"]) { id } }', {}, 50 + 3 * (20 + 2)],
    ['ids in a variable', 'query ($ids: [ID!]!) { nodes(ids: $ids) { id } }', { ids: ['a', 'b'] }, 50 + 2 * (20 + 2)],
    ['one id for a list', 'query ($ids: [ID!]!) { nodes(ids: $ids) { id } }', { ids: 'a' }, 50 + 20 + 2],
    [
      'the most expensive type of several',
      '{ node(id: "a") { ... on Track { title } ... on Draft { text } id } }',
      {},
      50 + 1 + 20 + 1,
    ],
    [
      'one key once',
      '{ tracks(first: 2) { nodes { id } } tracks(first: 2) { nodes { id title } } }',
      {},
      1_502 + 2 * 3,
    ],
    [
      'two aliases twice',
      '{ a: tracks(first: 2) { nodes { id } } b: tracks(first: 2) { nodes { id } } }',
      {},
      2 * (1_502 + 2 * 2),
    ],
    ['what is included', 'query ($y: Boolean!) { viewer { id @include(if: $y) } }', { y: true }, 3],
    ['what is not included', 'query ($y: Boolean!) { viewer { __typename id @include(if: $y) } }', { y: false }, 3],
    [
      'what is skipped',
      '{ viewer { __typename ... @skip(if: true) { drafts(first: 100) { nodes { text } } } } }',
      {},
      3,
    ],
    ['a fragment', 'query { viewer { ...L } } fragment L on Listener { id displayName }', {}, 4],
    [
      'items of an argument',
      'mutation ($i: [FeedbackInput!]!) { recordFeedbackBatch(input: $i) { __typename } }',
      { i: [{}, {}] },
      2_102,
    ],
    ['the operation that is named', '{ __typename }', {}, 1],
  ])('%s', (_, text, variables, cost) => {
    expect(costOf(text, variables)).toBe(cost);
  });

  it('is that of the requested operation', () => {
    const document = parse('query A { viewer { id } } query B { tracks(first: 100) { nodes { id } } }');
    expect(costs.of(argsOf(document, {}, 'A'))).toBeLessThan(costs.of(argsOf(document, {}, 'B')));
  });

  it('depends on the variables each time the document is used', () => {
    const document = parse(
      'query ($n: Int, $y: Boolean = true) { tracks(first: $n) { nodes { id title @include(if: $y) } } }',
    );
    const seen = [1, 50, 1, 100].flatMap((n) => [true, false].map((y) => costs.of(argsOf(document, { n, y }))));
    expect(seen).toEqual([1, 50, 1, 100].flatMap((n) => [1_502 + n * 3, 1_502 + n * 2]));
  });

  it('equals an independent count by the specification, for random operations', () => {
    const contract = printContract();
    const random = randomStream(7);
    const shape = { depth: 7, width: 3, lengths: [1, 3, 10, 100], pools: {}, without: [] };
    const operations = new Operations(schema, random, shape);
    for (let i = 0; i < 150; i++) {
      const { text, variables, defaults } = dressed(textOf(operations.draw(), dress(random)), random);
      expect(costOf(text, variables), text).toBe(slowCost(contract, text, { ...defaults, ...variables }));
    }
  });

  it('assumes the maximum page length for a list without @listSize', () => {
    const forgetful = buildAnother('type Query { items: [Item!]! } type Item { id: ID! }');
    const document = parse('{ items { id } }');
    expect(new OperationCosts(forgetful).of({ schema: forgetful, document })).toBe(1 + 100 * 2);
  });

  it('every list of the contract has a length', () => {
    const types = Object.values(schema.getTypeMap()).filter((type) => isObjectType(type) || isInterfaceType(type));
    const fields = types
      .filter((type) => !isIntrospectionType(type))
      .flatMap((type) =>
        Object.values<GraphQLField<unknown, unknown>>(type.getFields()).map((field) => ({ type, field })),
      );
    const sized = new Set(
      fields.flatMap(({ field }) =>
        (costDirectivesOf(field).size?.sizedFields ?? []).map((name) => `${String(getNamedType(field.type))}.${name}`),
      ),
    );
    const bare = fields
      .filter(({ field }) => isListType(getNullableType(field.type)) && costDirectivesOf(field).size === null)
      .map(({ type, field }) => `${type.name}.${field.name}`)
      .filter((coordinate) => !sized.has(coordinate));
    expect(sized.size).toBeGreaterThan(7);
    expect(bare).toEqual([]);
  });
});

describe('[COST1] documents whose cost is expensive to count', () => {
  const doubling = (levels: number, again: string) =>
    `{ viewer { ...F0 } } ${Array.from({ length: levels }, (_, i) => `fragment F${i} on Listener { ...F${i + 1} ${again.replaceAll('NEXT', `F${i + 1}`)} }`).join(' ')} fragment F${levels} on Listener { id }`;

  it('several spreads of one fragment count once', () => {
    expect(costOf(doubling(60, '...NEXT ... { ...NEXT }'))).toBe(3);
  });

  it('paths that double at each level are added up without visiting each', () => {
    const next =
      'a: drafts(first: 1) { nodes { owner { ...NEXT } } } b: drafts(first: 1) { nodes { owner { ...NEXT } } }';
    expect(costOf(doubling(40, next))).toBeGreaterThan(2 ** 40);
  });

  it('[COST2] a document that needs too many steps exceeds every budget', () => {
    const aliases = Array.from({ length: 30 }, (_, i) => `a${i}: tracks(first: ${i + 1}) { ...F }`).join(' ');
    const fragments = `fragment F on TrackConnection { ${'...G '.repeat(200)} } fragment G on TrackConnection { totalCount }`;
    expect(costOf(`{ ${aliases} } ${fragments}`)).toBe(Infinity);
    expect(costOf(`{ a: tracks(first: 1) { ...F } } ${fragments}`)).toBe(2_001);
  });

  it.each([
    ['a field that does not exist', '{ tracks(first: 100) { nothing } }'],
    ['a fragment that does not exist', '{ ...F }'],
    ['a fragment that spreads itself', '{ ...F } fragment F on Query { ...F }'],
    [
      'fragments in a circle, each in fields of the other',
      `{ tracks { nodes { ...F } } } fragment F on Track { similar { nodes { track { ...G } } } }
      fragment G on Track { similar { nodes { track { ...F } } } }`,
    ],
    ['an operation that is not there', 'subscription { nothing }'],
  ])('a document that is not valid is left to validation: %s', (_, text) => {
    expect(costs.ofUnchecked(argsOf(parse(text)))).toBeLessThan(10);
  });

  it('an abstract type is counted for each possible type', () => {
    const fields = Array.from({ length: 900 }, (_, i) => `a${i}: id`).join(' ');
    expect(costOf(`{ node(id: "x") { ${fields} } }`)).toBeGreaterThan(900);
  });
});

describe('[COST2] the budget', () => {
  const root = new URL('../../../', import.meta.url);
  const examples = [
    'examples/client/operations.graphql',
    ...readdirSync(new URL('assets/graphiql/', root))
      .filter((name) => name.endsWith('.graphql'))
      .map((name) => `assets/graphiql/${name}`),
  ].flatMap((path) => {
    const document = parse(readFileSync(new URL(path, root), 'utf8'));
    return document.definitions.flatMap((one) =>
      one.kind === Kind.OPERATION_DEFINITION ? [{ path, name: one.name!.value, document }] : [],
    );
  });
  const priced = examples.map(({ document, name }) => costs.of(argsOf(document, { first: 20 }, name)));

  it('is by default ten times the cost of the worked example of a list, for staff of the most expensive example', () => {
    expect(examples.length).toBeGreaterThan(10);
    const ours = examples.filter(({ path }) => path.startsWith('assets'));
    const mostOf = (some: typeof ours) =>
      Math.max(...some.map(({ document, name }) => costs.of(argsOf(document, {}, name))));
    const rounded = (cost: number) => Math.round((10 * cost) / 100_000) * 100_000;
    expect(rounded(mostOf(ours.filter(({ name }) => name === 'Recommend')))).toBe(budget);
    // A check of a tune is priced for the longest one.
    expect(mostOf(ours.filter(({ name }) => name !== 'Analyse'))).toBeLessThan(budget / 4);
    expect(rounded(mostOf(ours))).toBe(staffBudget);
  });

  it('allows every published document, and GraphiQL’s introspection', () => {
    expect(Math.max(...priced)).toBeLessThan(budget);
    expect(costOf(getIntrospectionQuery({ inputValueDeprecation: true, schemaDescription: true }))).toBeLessThan(
      (2 / 3) * budget,
    );
  });
});

/** Fields in inline fragments, left out, or told twice. */
const dress = (random: () => number) => (field: string) => {
  const fate = random();
  if (fate < 0.1) return `... { ${field} }`;
  if (fate < 0.15) return `... @include(if: $yes) { ${field} } __typename`;
  if (fate < 0.2) return `... @skip(if: $yes) { ${field} } __typename`;
  if (fate < 0.25) return `... @include(if: true) { ${field} } ${field}`;
  return field;
};

/** Some of the lengths as variables, given or by default. */
function dressed(selection: string, random: () => number) {
  const variables: Record<string, unknown> = { yes: random() < 0.5 };
  const defaults: Record<string, unknown> = {};
  const declared = ['$yes: Boolean!'];
  const text = selection.replace(/first: (\d+)/g, (same, number: string) => {
    if (random() < 0.5) return same;
    // By the number, so that a field told twice stays the same.
    const name = `n${number}`;
    if (declared.some((one) => one.startsWith(`$${name}:`))) return `first: $${name}`;
    const byDefault = random() < 0.3;
    declared.push(byDefault ? `$${name}: Int = ${number}` : `$${name}: Int`);
    (byDefault ? defaults : variables)[name] = Number(number);
    return `first: $${name}`;
  });
  return { text: `query (${declared.join(', ')}) ${text}`, variables, defaults };
}
