import type { GraphQLArgument, OperationDefinitionNode } from 'graphql';
import {
  type ArgumentNode,
  type ConstValueNode,
  type DirectiveNode,
  Kind,
  type ObjectValueNode,
  type ValueNode,
} from 'graphql';
import type { FieldPrice } from './price-list.ts';

/**
 * Maximum length of a page ([PAGE1]); a larger value is refused later, before anything runs. A list without `@listSize`
 * is assumed to be this long, so that a missing price makes a field too expensive rather than free.
 */
const LONGEST_PAGE = 100;

const isObjectNode = (value: object): value is ObjectValueNode => 'kind' in value && value.kind === Kind.OBJECT;

export type Variables = Readonly<Record<string, unknown>> | null | undefined;

/**
 * The amounts in an operation's arguments, before variables are coerced. Values that cannot be coerced are refused
 * before anything runs.
 */
export class GivenValues {
  readonly #variables: Variables;
  readonly #defaults: ReadonlyMap<string, ConstValueNode | undefined>;

  constructor(operation: OperationDefinitionNode, variables: Variables) {
    this.#variables = variables;
    const definitions = operation.variableDefinitions ?? [];
    this.#defaults = new Map(definitions.map(({ variable, defaultValue }) => [variable.name.value, defaultValue]));
  }

  /** Whether `@skip` or `@include` excludes a selection. */
  leavesOut(directives: readonly DirectiveNode[] | undefined): boolean {
    return (directives ?? []).some(({ name, arguments: given }) => {
      const condition = given?.find((argument) => argument.name.value === 'if')?.value;
      if (!condition || (name.value !== 'skip' && name.value !== 'include')) return false;
      return this.#valueOf(condition) === (name.value === 'skip');
    });
  }

  /** The length of the list that a field returns or, with `sizedFields`, contains. */
  lengthOf({ size }: FieldPrice, given: readonly ArgumentNode[] | undefined, args: readonly GraphQLArgument[]): number {
    const lengths = (size?.slicingArguments ?? []).map((name) => this.#amount(name, given, args, LONGEST_PAGE));
    const told = lengths.filter((length) => length !== null);
    return told.length > 0 ? Math.max(...told) : (size?.assumedSize ?? LONGEST_PAGE);
  }

  /** The number of values passed for an argument: the length of a list, 1 for anything else, 0 for null. */
  countOf(name: string, given: readonly ArgumentNode[] | undefined): number {
    const value = this.#valueOf(given?.find((argument) => argument.name.value === name)?.value);
    if (value == null) return 0;
    return Array.isArray(value) ? value.length : 1;
  }

  /** A number within an input object, at most the length of a page. 0 if there is none. */
  numberAt([name, field]: readonly [string, string], given: readonly ArgumentNode[] | undefined): number {
    const object = this.#valueOf(given?.find((argument) => argument.name.value === name)?.value);
    const value = this.#fieldOf(object, field);
    return typeof value === 'number' ? Math.min(Math.max(value, 0), LONGEST_PAGE) || 0 : 0;
  }

  /** Of an object in the document, or in the variables. */
  #fieldOf(object: unknown, name: string): unknown {
    if (typeof object !== 'object' || object === null) return null;
    if (!isObjectNode(object)) return Object.hasOwn(object, name) ? (object as Record<string, unknown>)[name] : null;
    return this.#valueOf(object.fields.find((field) => field.name.value === name)?.value);
  }

  #amount(
    name: string,
    given: readonly ArgumentNode[] | undefined,
    args: readonly GraphQLArgument[],
    most: number,
  ): number | null {
    const value =
      this.#valueOf(given?.find((argument) => argument.name.value === name)?.value) ??
      args.find((argument) => argument.name === name)?.defaultValue;
    if (value == null) return null;
    if (typeof value === 'number') return Math.min(Math.max(value, 0), most);
    return Array.isArray(value) ? value.length : 1;
  }

  /** Numbers, booleans and lists. The contents of lists do not matter. */
  #valueOf(node: ValueNode | undefined): unknown {
    if (node === undefined || node.kind === Kind.NULL) return null;
    if (node.kind === Kind.VARIABLE) return this.#variables?.[node.name.value] ?? this.#default(node.name.value);
    if (node.kind === Kind.INT) return Number(node.value);
    if (node.kind === Kind.BOOLEAN) return node.value;
    return node.kind === Kind.LIST ? node.values : node;
  }

  /** A default replaces an absent value, but not null. */
  #default(name: string): unknown {
    const isGiven = this.#variables?.[name] !== undefined;
    return isGiven ? null : this.#valueOf(this.#defaults.get(name));
  }
}
