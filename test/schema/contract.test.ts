import { readdirSync, readFileSync } from 'node:fs';
import { CriticalityLevel, diff } from '@graphql-inspector/core';
import {
  type ASTNode,
  buildSchema as parseContract,
  type GraphQLNamedType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isIntrospectionType,
  isObjectType,
  isSpecifiedScalarType,
  Kind,
  type NameNode,
  parse,
  parseType,
  print,
  validate,
  visit,
} from 'graphql';
import { describe, expect, it } from 'vitest';
import { buildSchema, printContract } from '../../src/schema/schema.ts';

const root = new URL('../../', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, root), 'utf8');
const committed = read('schema.graphql');

/** What would break clients that were built against the contract, in words. */
async function breakingChanges(from: string, to: string): Promise<string[]> {
  const changes = await diff(parseContract(from), parseContract(to));
  return changes
    .filter(({ criticality }) => criticality.level === CriticalityLevel.Breaking)
    .map(({ message }) => message);
}

async function explainDrift(printed: string): Promise<string> {
  const breaking = await breakingChanges(committed, printed);
  const consequence = breaking.length
    ? `This would break clients:\n${breaking.map((change) => `- ${change}`).join('\n')}`
    : 'No client would break.';
  return `The code implements another contract than schema.graphql. Run \`npm run schema\` and look at the diff. ${consequence}`;
}

describe('the contract', () => {
  it('[CONTRACT1] equals what the code prints, character for character', async () => {
    const printed = printContract();
    expect(printed === committed, printed === committed ? '' : await explainDrift(printed)).toBe(true);
  });

  it('[CONTRACT1] a difference is reported with a remedy and the changes that would break clients', async () => {
    const told = await explainDrift(planted('FeedbackKind.SAVE', () => null));
    expect(told).toContain('npm run schema');
    expect(told).toContain("Enum value 'SAVE' was removed");
  });

  it.each([
    [
      'a removed field',
      planted('Recommendation.scoreRank', () => null),
      "Field 'scoreRank' was removed from object type 'Recommendation'",
    ],
    [
      'a field that may be null now',
      planted('RecommendationConnection.modelVersion', retyped('String')),
      "Field 'RecommendationConnection.modelVersion' changed type from 'String!' to 'String'",
    ],
    [
      'a removed argument',
      planted('Query.recommendations(diversity)', () => null),
      "Argument 'diversity: Float' was removed from field 'Query.recommendations'",
    ],
    [
      'an argument that must be given now',
      planted('Query.tracks(search)', retyped('String!')),
      "Type for argument 'search' on field 'Query.tracks' changed from 'String' to 'String!'",
    ],
    [
      'an argument of another type',
      planted('Query.listener(externalId)', retyped('Int!')),
      "Type for argument 'externalId' on field 'Query.listener' changed from 'String!' to 'Int!'",
    ],
    [
      'a removed enum value',
      planted('FeedbackKind.SAVE', () => null),
      "Enum value 'SAVE' was removed from enum 'FeedbackKind'",
    ],
    [
      'an input field that must be given now',
      planted('FeedbackInput.idempotencyKey', retyped('String!')),
      "Input field 'FeedbackInput.idempotencyKey' changed type from 'String' to 'String!'",
    ],
    [
      'a removed input field',
      planted('StartDraftInput.title', () => null),
      "Input field 'title' was removed from input object type 'StartDraftInput'",
    ],
    [
      'a union without one of its members',
      planted('CancelDraftResult', (node) => ({ ...node, types: typesOf(node).slice(1) })),
      "Member 'CancelDraftSuccess' was removed from Union type 'CancelDraftResult'",
    ],
    [
      'an object without its interface',
      planted('Track', (node) => ({ ...node, interfaces: [] })),
      "'Track' object type no longer implements 'Node' interface",
    ],
  ])('[CONTRACT2] %s is reported as breaking', async (_, changed, named) => {
    expect(await breakingChanges(committed, changed)).toContain(named);
  });

  it('[CONTRACT2] compatible changes are not reported as breaking', async () => {
    const described = planted('Genre', (node) => ({ ...node, description: { kind: Kind.STRING, value: 'A genre.' } }));
    const grown = `${committed}\nextend type Genre {\n  mood: String\n}\nextend input TrackFilter {\n  mood: String\n}`;
    for (const changed of [described, grown]) {
      expect(changed).not.toBe(committed);
      expect(await breakingChanges(committed, changed)).toEqual([]);
    }
  });

  it('[CONTRACT3] describes every type, field, argument and enum value', () => {
    const types = Object.values(buildSchema().getTypeMap()).filter(
      (type) => !isIntrospectionType(type) && !isSpecifiedScalarType(type),
    );
    const described = types.flatMap(partsOf);
    expect(described.filter(({ description }) => !description?.trim()).map(({ path }) => path)).toEqual([]);
    expect(described.length).toBeGreaterThan(400);
  });
});

/** The contract with one thing changed or removed: `Type`, `Type.member` or `Type.field(argument)`. */
function planted(coordinate: string, change: (node: ASTNode) => object | null): string {
  const path: string[] = [];
  let found = 0;
  const document = visit(parse(committed), {
    enter: (node) => {
      if (!isNamed(node)) return undefined;
      path.push(node.name.value);
      const [type, member, argument] = path;
      if ([type, member && `.${member}`, argument && `(${argument})`].join('') !== coordinate) return undefined;
      path.pop();
      found++;
      return change(node);
    },
    leave: (node) => {
      if (isNamed(node)) path.pop();
    },
  });
  if (found !== 1) throw new Error(`${coordinate} is in the contract ${found} times`);
  return print(document);
}

type Named = ASTNode & { name: NameNode };

/** What has a coordinate of its own; a type that is referred to has a name too. */
function isNamed(node: ASTNode): node is Named {
  return node.kind !== Kind.NAMED_TYPE && node.kind !== Kind.DIRECTIVE && 'name' in node;
}

const retyped = (type: string) => (node: ASTNode) => ({ ...node, type: parseType(type) });
const typesOf = (node: ASTNode) => (node.kind === Kind.UNION_TYPE_DEFINITION ? (node.types ?? []) : []);

interface Part {
  path: string;
  description: string | null | undefined;
}

function partsOf(type: GraphQLNamedType): Part[] {
  const own = [{ path: type.name, description: type.description }];
  if (isEnumType(type)) {
    return [...own, ...type.getValues().map((value) => ({ ...value, path: `${type.name}.${value.name}` }))];
  }
  if (isInputObjectType(type)) {
    return [
      ...own,
      ...Object.values(type.getFields()).map((field) => ({ ...field, path: `${type.name}.${field.name}` })),
    ];
  }
  if (!isObjectType(type) && !isInterfaceType(type)) return own;
  const fields = Object.values(type.getFields()).flatMap((field): Part[] => [
    { path: `${type.name}.${field.name}`, description: field.description },
    ...field.args.map((argument) => ({ ...argument, path: `${type.name}.${field.name}(${argument.name})` })),
  ]);
  return [...own, ...fields];
}

describe('published documents', () => {
  const documents = [
    'examples/client/operations.graphql',
    ...readdirSync(new URL('assets/graphiql/', root)).map((name) => `assets/graphiql/${name}`),
  ].filter((path) => path.endsWith('.graphql'));

  it.each(documents)('[CONTRACT4] %s is valid', (path) => {
    expect(validate(buildSchema(), parse(read(path)))).toEqual([]);
  });

  it('[CONTRACT4] a document with an unknown field is not', () => {
    expect(documents.length).toBeGreaterThan(4);
    expect(validate(buildSchema(), parse('{ viewer { shoeSize } }'))).toHaveLength(1);
  });
});
