import {
  getNamedType,
  type GraphQLArgument,
  type GraphQLInputType,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLSchema,
  isInputObjectType,
  isInterfaceType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  isUnionType,
} from 'graphql';

/** Every argument of every field down to the last scalar: `Query.tracks(filter.releaseYear.min)`; lists of objects also as such. */
export function argumentsOf(schema: GraphQLSchema): string[] {
  return Object.values(schema.getTypeMap())
    .filter((type) => (isObjectType(type) || isInterfaceType(type)) && !type.name.startsWith('__'))
    .flatMap((type) => Object.values((type as GraphQLObjectType).getFields()).map((field) => [type, field] as const))
    .flatMap(([type, field]) =>
      field.args.flatMap((argument) =>
        pathsOf(argument.name, argument.type).map((path) => `${type.name}.${field.name}(${path})`),
      ),
    );
}

function pathsOf(path: string, type: GraphQLInputType): string[] {
  const named = getNamedType(type);
  if (!isInputObjectType(named)) return [path];
  const inner = Object.values(named.getFields()).flatMap((field) => pathsOf(`${path}.${field.name}`, field.type));
  const nullable = isNonNullType(type) ? type.ofType : type;
  return isListType(nullable) ? [path, ...inner] : inner;
}

export interface FieldCall {
  document: string;
  variables: Record<string, unknown>;
  /** Where the value went, e.g. `input.0.title`. */
  path: string;
}

/** A call of the field with these arguments, one of them set at a path; `around` embeds it into an operation. */
export function callWith(
  schema: GraphQLSchema,
  coordinate: string,
  args: Record<string, unknown>,
  value: unknown,
  around: (declarations: string, call: string) => string,
): FieldCall {
  const [, typeName, fieldName, argumentPath] = /^(\w+)\.(\w+)\((.+)\)$/.exec(coordinate)!;
  const field = (schema.getType(typeName!) as GraphQLObjectType).getFields()[fieldName!]!;
  const { variables, path } = set(args, argumentPath!.split('.'), value);
  const used = field.args.filter(({ name }) => name in variables);
  const declarations = used.map((argument) => `$${argument.name}: ${declared(argument)}`).join(', ');
  const given = used.map(({ name }) => `${name}: $${name}`).join(', ');
  return {
    document: around(`(${declarations})`, `${fieldName}(${given}) ${selectionOf(field.type)}`),
    variables,
    path,
  };
}

const declared = ({ type }: GraphQLArgument): string => String(type);

/** Enough to see what came of it: the error where there can be one, or anything. */
function selectionOf(type: GraphQLOutputType): string {
  const named = getNamedType(type);
  if (isLeafType(named)) return '';
  const errors = isUnionType(named) ? named.getTypes().map(({ name }) => name) : [];
  if (!errors.some((name) => name.endsWith('Error'))) return '{ __typename }';
  const ofInput = errors.includes('InvalidInputError') ? '... on InvalidInputError { field }' : '';
  const ofId = errors.includes('NotFoundError') ? '... on NotFoundError { id }' : '';
  return `{ __typename ... on Error { message } ${ofInput} ${ofId} }`;
}

function set(args: Record<string, unknown>, keys: readonly string[], value: unknown) {
  const variables = structuredClone(args);
  const path: string[] = [];
  let at: Record<string, unknown> = variables;
  keys.forEach((key, i) => {
    path.push(key);
    if (i === keys.length - 1) {
      at[key] = value;
      return;
    }
    at = (at[key] ??= {}) as Record<string, unknown>;
    if (!Array.isArray(at)) return;
    path.push('0');
    at = at[0] as Record<string, unknown>;
  });
  return { variables, path: path.join('.') };
}
