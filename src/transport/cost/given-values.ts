import type { GraphQLArgument, OperationDefinitionNode } from 'graphql';
import { type ArgumentNode, type ConstValueNode, type DirectiveNode, Kind, type ValueNode } from 'graphql';
import type { FieldPrice } from './price-list.ts';

/**
 * No page is longer ([PAGE1]): more is refused where it is used, before anything else is done. A list of which the contract says
 * nothing is taken to be as long, so that a field whose price was forgotten is too dear and not free.
 */
const LONGEST_PAGE = 100;

export type Variables = Readonly<Record<string, unknown>> | null | undefined;

/**
 * How much an operation gives for its arguments, before its variables are coerced: what cannot be coerced is refused before
 * anything runs.
 */
export class GivenValues {
  readonly #variables: Variables;
  readonly #defaults: ReadonlyMap<string, ConstValueNode | undefined>;

  constructor(operation: OperationDefinitionNode, variables: Variables) {
    this.#variables = variables;
    const definitions = operation.variableDefinitions ?? [];
    this.#defaults = new Map(definitions.map(({ variable, defaultValue }) => [variable.name.value, defaultValue]));
  }

  /** Whether `@skip` or `@include` leaves something out. */
  leavesOut(directives: readonly DirectiveNode[] | undefined): boolean {
    return (directives ?? []).some(({ name, arguments: given }) => {
      const condition = given?.find((argument) => argument.name.value === 'if')?.value;
      if (!condition || (name.value !== 'skip' && name.value !== 'include')) return false;
      return this.#valueOf(condition) === (name.value === 'skip');
    });
  }

  /** The length of the list that a field returns or, with `sizedFields`, holds. */
  lengthOf({ size }: FieldPrice, given: readonly ArgumentNode[] | undefined, args: readonly GraphQLArgument[]): number {
    const lengths = (size?.slicingArguments ?? []).map((name) => this.#amount(name, given, args, LONGEST_PAGE));
    const told = lengths.filter((length) => length !== null);
    return told.length > 0 ? Math.max(...told) : (size?.assumedSize ?? LONGEST_PAGE);
  }

  /** How many values an argument is given: those of a list, one of anything else, none of null. */
  countOf(name: string, given: readonly ArgumentNode[] | undefined): number {
    const value = this.#valueOf(given?.find((argument) => argument.name.value === name)?.value);
    if (value == null) return 0;
    return Array.isArray(value) ? value.length : 1;
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

  /** Numbers and booleans as such, lists as lists; what is in them does not matter. */
  #valueOf(node: ValueNode | undefined): unknown {
    if (node === undefined || node.kind === Kind.NULL) return null;
    if (node.kind === Kind.VARIABLE) return this.#variables?.[node.name.value] ?? this.#default(node.name.value);
    if (node.kind === Kind.INT) return Number(node.value);
    if (node.kind === Kind.BOOLEAN) return node.value;
    return node.kind === Kind.LIST ? node.values : node;
  }

  /** A default stands in for what was left out, and not for null. */
  #default(name: string): unknown {
    const isGiven = this.#variables?.[name] !== undefined;
    return isGiven ? null : this.#valueOf(this.#defaults.get(name));
  }
}
