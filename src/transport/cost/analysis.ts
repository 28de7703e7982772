import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLObjectType,
  type GraphQLSchema,
  isAbstractType,
  Kind,
  type NamedTypeNode,
  type OperationDefinitionNode,
  SchemaMetaFieldDef,
  type SelectionSetNode,
  TypeMetaFieldDef,
  TypeNameMetaFieldDef,
} from 'graphql';
import { GivenValues, type Variables } from './given-values.ts';
import type { Field, FieldPrice, PriceList } from './price-list.ts';

/**
 * Maximum number of selections that are analysed. A document that needs more is refused as too complex, within about a
 * millisecond.
 */
const MOST_STEPS = 5_000;

/**
 * Maximum number of selection sets inside one another, with fragments written out. Valid documents have far fewer; one
 * that spreads a fragment in itself would have no end.
 */
const MOST_SETS = 1_000;

/** Thrown for nested fragments that cannot be added up in reasonable time. */
export class TooIntricate extends Error {}

/** Thrown for a document that validation will refuse: it selects a field that does not exist, or has no end. */
export class NotValid extends Error {}

/** The most expensive part of an operation: a response path, with everything below it. */
export interface MostExpensive {
  path: string;
  cost: number;
}

/** The length of a connection's lists, as given by the field that returned it. */
interface Sized {
  fields: readonly string[];
  length: number;
}

/** The fields of one response key, which execution merges. */
type Group = readonly [FieldNode, ...FieldNode[]];

/**
 * The cost of one operation with its variables. Each field counts as often as lists can contain it, at its own price;
 * of several possible types the most expensive counts; fields of one response key count once ([COST1]). Nested
 * selections are added up once for each type and length, however many spreads lead there. The document need not have been
 * validated.
 */
export class CostAnalysis {
  readonly #schema: GraphQLSchema;
  readonly #prices: PriceList;
  readonly #values: GivenValues;
  readonly #operation: OperationDefinitionNode;
  readonly #fragments = new Map<string, FragmentDefinitionNode>();
  readonly #known = new Map<string, number>();
  readonly #numbers = new Map<SelectionSetNode, number>();
  #steps = 0;
  #sets = 0;

  constructor(
    schema: GraphQLSchema,
    prices: PriceList,
    document: DocumentNode,
    operation: OperationDefinitionNode,
    variables: Variables,
  ) {
    this.#schema = schema;
    this.#prices = prices;
    this.#operation = operation;
    this.#values = new GivenValues(operation, variables);
    for (const definition of document.definitions) {
      if (definition.kind === Kind.FRAGMENT_DEFINITION) this.#fragments.set(definition.name.value, definition);
    }
  }

  /** @throws TooIntricate, NotValid */
  cost(): number {
    return Math.ceil(this.#selected(this.#root(), [this.#operation.selectionSet], null));
  }

  /** Descends from the root as long as one field has more than half of the cost. @throws TooIntricate */
  mostExpensive(): MostExpensive {
    this.#steps = 0;
    const path: string[] = [];
    let type = this.#root();
    let sets: readonly SelectionSetNode[] = [this.#operation.selectionSet];
    let sized: Sized | null = null;
    let times = 1;
    let cost = Infinity;
    for (;;) {
      const fields = [...this.#collect(type, sets)].map(([key, nodes]) => ({
        key,
        ...this.#field(type, nodes, sized),
      }));
      const [first] = fields.sort((a, b) => b.cost - a.cost);
      if (!first || (path.length > 0 && times * first.cost < cost / 2))
        return { path: path.join('.'), cost: Math.ceil(cost) };
      path.push(first.key);
      cost = times * first.cost;
      if (!first.mostExpensive) return { path: path.join('.'), cost: Math.ceil(cost) };
      times *= first.length;
      [type, sets, sized] = [first.mostExpensive, first.sets, first.passed];
    }
  }

  #root(): GraphQLObjectType {
    const root = this.#schema.getRootType(this.#operation.operation);
    if (!root) throw new Error(`the schema has no ${this.#operation.operation} type`);
    return root;
  }

  #selected(type: GraphQLObjectType, sets: readonly SelectionSetNode[], sized: Sized | null): number {
    const key = `${type.name} ${sets.map((set) => this.#number(set)).join()} ${sized ? `${sized.length} ${sized.fields.join()}` : ''}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    if (++this.#sets > MOST_SETS) throw new NotValid();
    let cost = 0;
    for (const nodes of this.#collect(type, sets).values()) cost += this.#field(type, nodes, sized).cost;
    this.#sets--;
    this.#known.set(key, cost);
    return cost;
  }

  #field(parent: GraphQLObjectType, nodes: Group, sized: Sized | null) {
    const [node] = nodes;
    const field = this.#definition(parent, node.name.value);
    const price = this.#prices.priceOf(parent, field);
    const length = price.isList ? this.#length(field, node, price, sized) : 1;
    const sets = nodes.flatMap(({ selectionSet }) => (selectionSet ? [selectionSet] : []));
    const passed = this.#passed(field, node, price);
    let each = 0;
    let mostExpensive: GraphQLObjectType | null = null;
    for (const object of price.objects) {
      const cost = this.#prices.weightOf(object) + this.#selected(object, sets, passed);
      if (mostExpensive && cost <= each) continue;
      [each, mostExpensive] = [cost, object];
    }
    const ofArguments = price.args.reduce(
      (sum, { name, weight }) => sum + weight * this.#values.countOf(name, node.arguments),
      0,
    );
    const ofAmounts = price.amounts.reduce(
      (sum, { path, weight }) => sum + weight * this.#values.numberAt(path, node.arguments),
      0,
    );
    return { cost: price.weight + ofArguments + ofAmounts + length * each, length, sets, passed, mostExpensive };
  }

  #length({ args, name }: Field, node: FieldNode, price: FieldPrice, sized: Sized | null): number {
    if (sized?.fields.includes(name)) return sized.length;
    return this.#values.lengthOf(price, node.arguments, args);
  }

  #passed({ args }: Field, node: FieldNode, price: FieldPrice): Sized | null {
    const fields = price.size?.sizedFields;
    return fields ? { fields, length: this.#values.lengthOf(price, node.arguments, args) } : null;
  }

  #definition(parent: GraphQLObjectType, name: string): Field {
    if (name === TypeNameMetaFieldDef.name) return TypeNameMetaFieldDef;
    if (name === SchemaMetaFieldDef.name) return SchemaMetaFieldDef;
    if (name === TypeMetaFieldDef.name) return TypeMetaFieldDef;
    const field = parent.getFields()[name];
    if (!field) throw new NotValid();
    return field;
  }

  /** The fields that execution would run for an object of this type, by response key. */
  #collect(type: GraphQLObjectType, sets: readonly SelectionSetNode[]): Map<string, [FieldNode, ...FieldNode[]]> {
    const found = new Map<string, [FieldNode, ...FieldNode[]]>();
    const spread = new Set<string>();
    const visit = ({ selections }: SelectionSetNode): void => {
      for (const selection of selections) {
        if (++this.#steps > MOST_STEPS) throw new TooIntricate();
        if (this.#values.leavesOut(selection.directives)) continue;
        if (selection.kind === Kind.FIELD) {
          const key = selection.alias?.value ?? selection.name.value;
          const same = found.get(key);
          if (same) same.push(selection);
          else found.set(key, [selection]);
        } else if (selection.kind === Kind.INLINE_FRAGMENT) {
          if (this.#applies(selection.typeCondition, type)) visit(selection.selectionSet);
        } else if (!spread.has(selection.name.value)) {
          spread.add(selection.name.value);
          const fragment = this.#fragments.get(selection.name.value);
          if (fragment && this.#applies(fragment.typeCondition, type)) visit(fragment.selectionSet);
        }
      }
    };
    sets.forEach(visit);
    return found;
  }

  #applies(condition: NamedTypeNode | undefined, type: GraphQLObjectType): boolean {
    if (!condition || condition.name.value === type.name) return true;
    const named = this.#schema.getType(condition.name.value);
    return isAbstractType(named) && this.#schema.isSubType(named, type);
  }

  #number(set: SelectionSetNode): number {
    const number = this.#numbers.get(set) ?? this.#numbers.size;
    this.#numbers.set(set, number);
    return number;
  }
}
