import {
  getNamedType,
  getNullableType,
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLSchema,
  isAbstractType,
  isCompositeType,
  isInputObjectType,
  isInterfaceType,
  isListType,
  isObjectType,
} from 'graphql';
import { costDirectivesOf } from '../../schema/cost/cost-directives.ts';
import type { ListSize } from '../../schema/cost/prices.ts';

export type Field = GraphQLField<unknown, unknown>;

/** A field's price, prepared for the analysis. */
export interface FieldPrice {
  weight: number;
  /** The arguments that have a weight. */
  args: readonly { name: string; weight: number }[];
  /** The numbers within arguments that have a weight, by argument and field. */
  amounts: readonly { path: readonly [string, string]; weight: number }[];
  isList: boolean;
  size: ListSize | null;
  /** The object types that the field may return. Empty for a leaf. */
  objects: readonly GraphQLObjectType[];
}

/** The weight of a field, and of an object, without `@cost`. */
const DEFAULT_WEIGHT = 1;

/** The prices that a schema publishes in `@cost` and `@listSize`, and prices for introspection. */
export class PriceList {
  readonly #schema: GraphQLSchema;
  readonly #fields = new WeakMap<Field, FieldPrice>();
  readonly #introspection: ReadonlyMap<string, number>;

  constructor(schema: GraphQLSchema) {
    this.#schema = schema;
    this.#introspection = introspectionSizes(schema);
  }

  weightOf(object: GraphQLObjectType): number {
    return costDirectivesOf(object).weight ?? DEFAULT_WEIGHT;
  }

  priceOf(parent: GraphQLObjectType, field: Field): FieldPrice {
    const known = this.#fields.get(field);
    if (known) return known;
    const price = this.#read(parent, field);
    this.#fields.set(field, price);
    return price;
  }

  #read(parent: GraphQLObjectType, field: Field): FieldPrice {
    const { weight, size } = costDirectivesOf(field);
    const introspected = this.#introspection.get(`${parent.name}.${field.name}`);
    const named = getNamedType(field.type);
    return {
      weight: weight ?? DEFAULT_WEIGHT,
      args: field.args.flatMap((argument) => {
        const ofArgument = costDirectivesOf(argument).weight;
        return ofArgument === null ? [] : [{ name: argument.name, weight: ofArgument }];
      }),
      amounts: field.args.flatMap(({ name, type }) => {
        const input = getNullableType(type);
        if (!isInputObjectType(input)) return [];
        return Object.values(input.getFields()).flatMap((one) => {
          const ofField = costDirectivesOf(one).weight;
          return ofField === null ? [] : [{ path: [name, one.name] as const, weight: ofField }];
        });
      }),
      isList: isListType(getNullableType(field.type)),
      size: introspected === undefined ? size : { assumedSize: introspected },
      objects: isObjectType(named)
        ? [named]
        : isCompositeType(named) && isAbstractType(named)
          ? this.#schema.getPossibleTypes(named)
          : [],
    };
  }
}

/** Introspection returns the schema, so its lists are assumed to have the schema's average lengths. */
function introspectionSizes(schema: GraphQLSchema): Map<string, number> {
  const types = Object.values(schema.getTypeMap());
  const fields = types.flatMap((type) =>
    isObjectType(type) || isInterfaceType(type) ? Object.values<Field>(type.getFields()) : [],
  );
  const inputFields = types.flatMap((type) => (isInputObjectType(type) ? Object.values(type.getFields()) : []));
  const args = fields.flatMap((field) => field.args);
  return new Map([
    ['__Schema.types', types.length],
    ['__Schema.directives', schema.getDirectives().length],
    ['__Type.fields', fields.length / types.length],
    ['__Type.inputFields', inputFields.length / types.length],
    ['__Type.interfaces', 1],
    ['__Type.possibleTypes', 1],
    ['__Type.enumValues', 1],
    ['__Field.args', args.length / fields.length],
    ['__Directive.args', 2],
    ['__Directive.locations', 5],
  ]);
}
