import {
  getNamedType,
  getNullableType,
  type GraphQLArgument,
  type GraphQLCompositeType,
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLObjectType,
  type GraphQLSchema,
  isAbstractType,
  isEnumType,
  isInputObjectType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
} from 'graphql';

/** A number in [0, 1) each time. */
export type Random = () => number;

/** One field of an operation: where it may be chosen, what it is given and what is selected of it. */
export interface Selection {
  /** The type that it is selected on, where that is not the type around it. */
  on: string | null;
  name: string;
  args: Record<string, string>;
  selected: Selection[];
}

/** What arguments are given: texts and ids that are there, by the argument's name. */
type Pools = Readonly<Record<string, readonly string[]>>;

export interface Shape {
  /** Levels of fields at most. */
  depth: number;
  /** Fields of one selection at most. */
  width: number;
  /** Of `first`. */
  lengths: readonly number[];
  pools: Pools;
  /** Fields of the root that are not asked for. */
  without: readonly string[];
}

/** What an operation does. */
export type Kind = 'query' | 'mutation' | 'subscription';

/** Of lists in arguments. */
const LIST_LENGTHS = [1, 2, 3, 4, 20, 100];

export class Operations {
  readonly #schema: GraphQLSchema;
  readonly #kind: Kind;
  readonly #random: Random;
  readonly #shape: Shape;

  constructor(schema: GraphQLSchema, random: Random, shape: Shape, kind: Kind = 'query') {
    this.#schema = schema;
    this.#kind = kind;
    this.#random = random;
    this.#shape = shape;
  }

  /** The selections of an operation. A subscription has one field. */
  draw(): Selection[] {
    const selections = this.#selections(this.#root(), 1);
    return this.#kind === 'subscription' ? selections.slice(0, 1) : selections;
  }

  /** One of its fields as often as a document may have it. */
  repeated(selections: readonly Selection[], times: number): Selection[] {
    const one = this.#oneOf(selections);
    return one ? Array.from({ length: this.#kind === 'subscription' ? 1 : times }, () => structuredClone(one)) : [];
  }

  /** Another operation that differs in one place: a field more, less, twice, or with other arguments. */
  changed(selections: readonly Selection[]): Selection[] {
    const copy = structuredClone(selections) as Selection[];
    const [parent, type, depth] = this.#somewhere(copy, this.#root(), 1);
    const one = this.#oneOf(parent);
    const isAlone = this.#kind === 'subscription' && depth === 1;
    const drawn = isAlone ? [] : this.#selections(type, depth);
    const fate = isAlone ? 1 : this.#random();
    if (!one || fate < 0.3) parent.push(...drawn.slice(0, 2));
    else if (fate < 0.5) parent.push(structuredClone(one));
    else if (fate < 0.65 && parent.length > 1) parent.splice(parent.indexOf(one), 1);
    else one.args = this.#args(this.#fieldOf(type, one));
    return copy;
  }

  #root(): GraphQLObjectType {
    const { query, mutation, subscription } = this.#schema.toConfig();
    const root = { query, mutation, subscription }[this.#kind];
    if (!root) throw new Error(`the schema has no ${this.#kind}`);
    return root;
  }

  #somewhere(
    selections: Selection[],
    type: GraphQLCompositeType,
    depth: number,
  ): [Selection[], GraphQLCompositeType, number] {
    const one = this.#oneOf(selections.filter(({ selected }) => selected.length > 0));
    if (!one || this.#random() < 0.3) return [selections, type, depth];
    const inner = getNamedType(this.#fieldOf(type, one).type) as GraphQLCompositeType;
    return this.#somewhere(one.selected, inner, depth + 1);
  }

  #fieldOf(type: GraphQLCompositeType, { on, name }: Selection): GraphQLField<unknown, unknown> {
    const owner = on === null ? type : this.#schema.getType(on);
    const field = owner && 'getFields' in owner ? owner.getFields()[name] : undefined;
    if (!field || !('args' in field)) throw new Error(`${String(owner)}.${name} is not there`);
    return field;
  }

  #selections(type: GraphQLCompositeType, depth: number): Selection[] {
    const count = 1 + Math.floor(this.#random() * this.#shape.width);
    const drawn = Array.from({ length: count }, () => this.#selection(type, depth));
    return drawn.filter((selection) => selection !== null);
  }

  #selection(type: GraphQLCompositeType, depth: number): Selection | null {
    const owner = isAbstractType(type) ? this.#oneOf(this.#schema.getPossibleTypes(type)) : type;
    if (!isObjectType(owner)) return null;
    const fields = Object.values(owner.getFields()).filter(
      ({ name, type: returned }) =>
        !(depth === 1 && this.#shape.without.includes(name)) &&
        (depth < this.#shape.depth || isLeafType(getNamedType(returned))),
    );
    // What leads on to more is likelier than what does not.
    const composite = fields.filter(({ type: returned }) => !isLeafType(getNamedType(returned)));
    const field = this.#oneOf(composite.length > 0 && this.#random() < 0.6 ? composite : fields);
    if (!field) return null;
    const returned = getNamedType(field.type);
    const selected = isLeafType(returned) ? [] : this.#selections(returned as GraphQLCompositeType, depth + 1);
    if (!isLeafType(returned) && selected.length === 0) return null;
    return { on: owner === type ? null : owner.name, name: field.name, args: this.#args(field), selected };
  }

  #args({ args }: GraphQLField<unknown, unknown>): Record<string, string> {
    const given = args.filter(({ type, name }) => name === 'first' || isNonNullType(type) || this.#random() < 0.2);
    return Object.fromEntries(given.map((argument) => [argument.name, this.#value(argument.name, argument.type)]));
  }

  #value(name: GraphQLArgument['name'], type: GraphQLInputType): string {
    const nullable = getNullableType(type);
    if (isListType(nullable)) {
      const items = Array.from({ length: this.#oneOf(LIST_LENGTHS) ?? 1 }, () => this.#value(name, nullable.ofType));
      return `[${items.join(', ')}]`;
    }
    if (isInputObjectType(nullable)) {
      const fields = Object.values(nullable.getFields()).filter(
        (field) => isNonNullType(field.type) || this.#random() < 0.2,
      );
      return `{ ${fields.map((field) => `${field.name}: ${this.#value(field.name, field.type)}`).join(', ')} }`;
    }
    if (isEnumType(nullable)) return this.#oneOf(nullable.getValues())?.name ?? 'null';
    if (name === 'first') return String(this.#oneOf(this.#shape.lengths));
    const known = this.#oneOf(this.#shape.pools[name] ?? []);
    if (known !== undefined) return known;
    return this.#scalar(String(nullable));
  }

  #scalar(type: string): string {
    if (type === 'Boolean') return String(this.#random() < 0.5);
    if (type === 'Float') return this.#random().toFixed(6);
    if (type === 'Int') return String(1 + Math.floor(this.#random() * 100));
    return type === 'DateTime' ? '"2026-01-01T00:00:00Z"' : '"a"';
  }

  #oneOf<Item>(items: readonly Item[]): Item | undefined {
    return items[Math.floor(this.#random() * items.length)];
  }
}

/** The operation as text. Of fields that would be one, all but the first get an alias; `dress` may change each as it is printed. */
export function textOf(selections: readonly Selection[], dress = (field: string): string => field): string {
  let aliases = 0;
  const print = (inner: readonly Selection[]): string => {
    const taken = new Set<string>();
    const fields = inner.map(({ on, name, args, selected }) => {
      const alias = taken.has(name) ? `a${++aliases}: ` : '';
      taken.add(name);
      const given = Object.entries(args).map(([key, value]) => `${key}: ${value}`);
      const call = `${alias}${name}${given.length > 0 ? `(${given.join(', ')})` : ''}`;
      const field = selected.length > 0 ? `${call} ${print(selected)}` : call;
      return dress(on === null ? field : `... on ${on} { ${field} }`);
    });
    return `{ ${fields.join(' ')} }`;
  };
  return print(selections);
}
