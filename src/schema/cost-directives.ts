import {
  DirectiveLocation,
  GraphQLBoolean,
  GraphQLDirective,
  GraphQLInt,
  GraphQLList,
  GraphQLNonNull,
  type GraphQLSchema,
  GraphQLString,
  isInterfaceType,
  isObjectType,
} from 'graphql';
import { type ListSize, objectPrices, type Price, prices } from './prices.ts';

const names = new GraphQLList(new GraphQLNonNull(GraphQLString));

const costDirective = new GraphQLDirective({
  name: 'cost',
  description:
    'What something costs, about a microsecond of the server for each 1. Without it a field and an object cost 1, an argument nothing.',
  locations: [DirectiveLocation.ARGUMENT_DEFINITION, DirectiveLocation.FIELD_DEFINITION, DirectiveLocation.OBJECT],
  args: {
    weight: {
      type: new GraphQLNonNull(GraphQLString),
      description: 'A number. Of a list it is that of each item, of an argument that of each value given for it.',
    },
  },
});

const listSizeDirective = new GraphQLDirective({
  name: 'listSize',
  description: 'How long a list may be.',
  locations: [DirectiveLocation.FIELD_DEFINITION],
  args: {
    assumedSize: { type: GraphQLInt, description: 'So long, where no slicing argument says otherwise.' },
    slicingArguments: {
      type: names,
      description: 'Arguments that say how long: a number, or a list with an item for each.',
    },
    sizedFields: { type: names, description: 'The fields of the object returned that are the list.' },
    requireOneSlicingArgument: {
      type: GraphQLBoolean,
      defaultValue: true,
      description: 'Whether exactly one slicing argument must be given.',
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

/** Writes the prices into the schema, as applied directives. @throws Error for a price of what is not there */
export function priced(schema: GraphQLSchema): GraphQLSchema {
  for (const [name, weight] of Object.entries(objectPrices)) attach(existing(schema.getType(name), name), { weight });
  for (const [coordinate, price] of Object.entries(prices)) {
    const [typeName = '', fieldName = ''] = coordinate.split('.');
    const type = schema.getType(typeName);
    const fields = isObjectType(type) || isInterfaceType(type) ? type.getFields() : {};
    const field = existing(fields[fieldName], coordinate);
    attach(field, price);
    for (const [name, weight] of Object.entries(price.args ?? {})) {
      attach(
        existing(
          field.args.find((argument) => argument.name === name),
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

/** What the applied directives say of something. */
export function costDirectivesOf({ extensions }: Priced): { weight: number | null; size: ListSize | null } {
  const { cost, listSize } = (extensions as { directives?: CostDirectives }).directives ?? {};
  return { weight: cost ? Number(cost.weight) : null, size: listSize ?? null };
}
