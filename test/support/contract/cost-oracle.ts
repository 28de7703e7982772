import {
  buildSchema,
  type ConstDirectiveNode,
  type FieldNode,
  type FragmentDefinitionNode,
  getArgumentValues,
  getNamedType,
  getNullableType,
  type GraphQLObjectType,
  type GraphQLSchema,
  isAbstractType,
  isCompositeType,
  isInputObjectType,
  isListType,
  isObjectType,
  Kind,
  parse,
  type SelectionNode,
  valueFromASTUntyped,
} from 'graphql';

interface Applied {
  astNode?: { readonly directives?: readonly ConstDirectiveNode[] | undefined } | null | undefined;
}
type Sized = { fields: string[]; length: number } | null;

/**
 * What an operation costs by the published contract alone, a text: every path is walked by itself and nothing remembered,
 * so that it takes exponential time. `variables` are coerced, with their defaults.
 */
export function slowCost(contract: string, text: string, variables: Record<string, unknown>): number {
  const schema = buildSchema(contract);
  const { definitions } = parse(text);
  const operation = definitions.find((one) => one.kind === Kind.OPERATION_DEFINITION)!;
  const fragments = new Map(
    definitions.flatMap((one) => (one.kind === Kind.FRAGMENT_DEFINITION ? [[one.name.value, one] as const] : [])),
  );
  const root = schema.getRootType(operation.operation)!;
  return selectionCost({ schema, fragments, variables }, root, operation.selectionSet.selections, null);
}

interface World {
  schema: GraphQLSchema;
  fragments: Map<string, FragmentDefinitionNode>;
  variables: Record<string, unknown>;
}

function selectionCost(
  world: World,
  type: GraphQLObjectType,
  selections: readonly SelectionNode[],
  sized: Sized,
): number {
  const groups = new Map<string, FieldNode[]>();
  for (const field of flattened(world, type, selections)) {
    const key = field.alias?.value ?? field.name.value;
    groups.set(key, [...(groups.get(key) ?? []), field]);
  }
  let cost = 0;
  for (const fields of groups.values()) cost += fieldCost(world, type, fields, sized);
  return cost;
}

function flattened(world: World, type: GraphQLObjectType, selections: readonly SelectionNode[]): FieldNode[] {
  return selections.flatMap((selection) => {
    const left = selection.directives?.some(({ name, arguments: args }) => {
      const condition = valueFromASTUntyped(args![0]!.value, world.variables);
      return name.value === 'skip' ? condition === true : condition === false;
    });
    if (left) return [];
    if (selection.kind === Kind.FIELD) return [selection];
    const fragment = selection.kind === Kind.FRAGMENT_SPREAD ? world.fragments.get(selection.name.value)! : selection;
    const on = fragment.typeCondition ? world.schema.getType(fragment.typeCondition.name.value)! : type;
    const applies = on === type || (isAbstractType(on) && world.schema.isSubType(on, type));
    return applies ? flattened(world, type, fragment.selectionSet.selections) : [];
  });
}

function fieldCost(world: World, type: GraphQLObjectType, nodes: FieldNode[], sized: Sized): number {
  const [node] = nodes as [FieldNode];
  if (node.name.value === '__typename') return 1;
  const field = type.getFields()[node.name.value]!;
  const args = getArgumentValues(field, node, world.variables);
  const listSize = applied(field, 'listSize');
  const slices = ((listSize?.slicingArguments as string[] | undefined) ?? []).map((name) => {
    const value = args[name] ?? field.args.find((argument) => argument.name === name)?.defaultValue;
    return Array.isArray(value) ? value.length : Math.max(0, Math.min(100, Number(value)));
  });
  const length = slices.length > 0 ? Math.max(...slices) : Number(listSize?.assumedSize ?? 100);
  const isList = isListType(getNullableType(field.type));
  const times = !isList ? 1 : sized?.fields.includes(field.name) ? sized.length : length;
  const passed = listSize?.sizedFields ? { fields: listSize.sizedFields as string[], length } : null;
  const named = getNamedType(field.type);
  const objects = !isCompositeType(named) ? [] : isObjectType(named) ? [named] : world.schema.getPossibleTypes(named);
  const inner = nodes.flatMap(({ selectionSet }) => selectionSet?.selections ?? []);
  const each = objects.map((object) => weightOf(object) + selectionCost(world, object, inner, passed));
  const ofArguments = field.args.map((argument) => {
    const value = args[argument.name];
    const values = value == null ? 0 : Array.isArray(value) ? value.length : 1;
    return Number(applied(argument, 'cost')?.weight ?? 0) * values;
  });
  const ofAmounts = field.args.flatMap((argument) => {
    const input = getNullableType(argument.type);
    const given = args[argument.name] as Record<string, unknown> | null | undefined;
    return isInputObjectType(input)
      ? Object.values(input.getFields()).map((one) => {
          const weight = Number(applied(one, 'cost')?.weight ?? 0);
          return weight === 0 ? 0 : weight * Math.max(0, Math.min(100, Number(given?.[one.name] ?? 0)));
        })
      : [];
  });
  return weightOf(field) + [...ofArguments, ...ofAmounts].reduce((a, b) => a + b, 0) + times * Math.max(0, ...each);
}

const weightOf = (thing: Applied): number => Number(applied(thing, 'cost')?.weight ?? 1);

function applied({ astNode }: Applied, name: string): Record<string, unknown> | null {
  const directive = astNode?.directives?.find((one) => one.name.value === name);
  if (!directive) return null;
  return Object.fromEntries(
    (directive.arguments ?? []).map((argument) => [argument.name.value, valueFromASTUntyped(argument.value)]),
  );
}
