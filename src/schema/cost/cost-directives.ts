import {
  DirectiveLocation,
  GraphQLBoolean,
  GraphQLDirective,
  GraphQLInt,
  GraphQLList,
  GraphQLNonNull,
  type GraphQLSchema,
  GraphQLString,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
} from 'graphql';
import { type ListSize, objectPrices, type Price, prices } from './prices.ts';

const names = new GraphQLList(new GraphQLNonNull(GraphQLString));

const costDirective = new GraphQLDirective({
  name: 'cost',
  description:
    'The cost of a field, object, argument or number in an input object. A weight of 1 is about one microsecond of server time. Without this ' +
    'directive a field and an object cost 1 and the others cost 0.',
  locations: [
    DirectiveLocation.ARGUMENT_DEFINITION,
    DirectiveLocation.FIELD_DEFINITION,
    DirectiveLocation.INPUT_FIELD_DEFINITION,
    DirectiveLocation.OBJECT,
  ],
  args: {
    weight: {
      type: new GraphQLNonNull(GraphQLString),
      description:
        'A number. For a list it is the cost of each item, for an argument the cost of each value passed, and for a number in ' +
        'an input object the cost of each unit.',
    },
  },
});

const listSizeDirective = new GraphQLDirective({
  name: 'listSize',
  description: 'The size of a list.',
  locations: [DirectiveLocation.FIELD_DEFINITION],
  args: {
    assumedSize: { type: GraphQLInt, description: 'The assumed length if no slicing argument determines it.' },
    slicingArguments: {
      type: names,
      description: 'The arguments that determine the length: a number, or a list with one value per item.',
    },
    sizedFields: { type: names, description: 'The fields of the returned object that are the list.' },
    requireOneSlicingArgument: {
      type: GraphQLBoolean,
      defaultValue: true,
      description: 'Whether exactly one slicing argument must be passed.',
    },
  },
});

export const costDirectives = [costDirective, listSizeDirective];

interface CostDirectives {
  cost?: { weight: string };
  listSize?: ListSize & { requireOneSlicingArgument: false };
}

interface Priced {
  extensions: object;
}

/** Adds the prices to the schema as applied directives. @throws Error for a price of something that does not exist */
export function priced(schema: GraphQLSchema): GraphQLSchema {
  for (const [name, weight] of Object.entries(objectPrices)) attach(existing(schema.getType(name), name), { weight });
  for (const [coordinate, price] of Object.entries(prices)) {
    const [typeName = '', fieldName = ''] = coordinate.split('.');
    const type = schema.getType(typeName);
    const fields = isObjectType(type) || isInterfaceType(type) || isInputObjectType(type) ? type.getFields() : {};
    const field = existing(fields[fieldName], coordinate);
    attach(field, price);
    for (const [name, weight] of Object.entries(price.args ?? {})) {
      const args = 'args' in field ? field.args : [];
      attach(
        existing(
          args.find((argument) => argument.name === name),
          `${coordinate}(${name}:)`,
        ),
        { weight },
      );
    }
  }
  return schema;
}

function existing<Thing>(thing: Thing | undefined, coordinate: string): Thing {
  if (thing === undefined) throw new Error(`${coordinate} has a price and is not in the schema`);
  return thing;
}

function attach(thing: Priced, { weight, size }: Price): void {
  const directives: CostDirectives = {
    ...(weight !== undefined && { cost: { weight: String(weight) } }),
    ...(size && { listSize: { ...size, requireOneSlicingArgument: false } }),
  };
  thing.extensions = { ...thing.extensions, directives };
}

/** The applied directives of a field, object or argument. */
export function costDirectivesOf({ extensions }: Priced): { weight: number | null; size: ListSize | null } {
  const { cost, listSize } = (extensions as { directives?: CostDirectives }).directives ?? {};
  return { weight: cost ? Number(cost.weight) : null, size: listSize ?? null };
}
