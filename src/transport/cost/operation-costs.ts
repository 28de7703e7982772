import {
  type DocumentNode,
  type ExecutionArgs,
  getOperationAST,
  type GraphQLSchema,
  Kind,
  type OperationDefinitionNode,
  type TypeNode,
} from 'graphql';
import { CostAnalysis, type MostExpensive, NotValid, TooIntricate } from './analysis.ts';
import type { Variables } from './given-values.ts';
import { PriceList } from './price-list.ts';

/** Number of costs cached for each operation, for different values of its variables. */
const REMEMBERED = 50;

/** Computes the costs of operations before they run. Infinite if an operation is too complex. */
export class OperationCosts {
  readonly #prices: PriceList;
  /** A text is parsed once, so a document object identifies its text. */
  readonly #known = new WeakMap<OperationDefinitionNode, Map<string, number>>();
  /** The newest analysis. If the operation is refused, it knows what was most expensive. */
  #newest: { operation: OperationDefinitionNode; variables: Variables; analysis: CostAnalysis } | null = null;

  constructor(schema: GraphQLSchema) {
    this.#prices = new PriceList(schema);
  }

  /** The cost of an operation that may not have been validated. 0 if it is not valid, which validation reports. */
  ofUnchecked(args: ExecutionArgs): number {
    try {
      return this.of(args);
    } catch (error) {
      if (error instanceof NotValid) return 0;
      throw error;
    }
  }

  of({ schema, document, operationName, variableValues }: ExecutionArgs): number {
    const operation = getOperationAST(document, operationName);
    // Execution reports a missing or ambiguous operation.
    if (!operation) return 0;
    const known = this.#known.get(operation) ?? new Map<string, number>();
    this.#known.set(operation, known);
    const key = amountsOf(operation, variableValues);
    const already = known.get(key);
    if (already !== undefined) return already;
    const cost = this.#workOut(schema, document, operation, variableValues);
    if (known.size >= REMEMBERED) known.clear();
    known.set(key, cost);
    return cost;
  }

  /** Null if there is no such operation. @throws TooIntricate */
  mostExpensiveOf({ schema, document, operationName, variableValues }: ExecutionArgs): MostExpensive | null {
    const operation = getOperationAST(document, operationName);
    return operation ? this.#analysisOf(schema, document, operation, variableValues).mostExpensive() : null;
  }

  #analysisOf(
    schema: GraphQLSchema,
    document: DocumentNode,
    operation: OperationDefinitionNode,
    variables: Variables,
  ): CostAnalysis {
    const newest = this.#newest;
    if (newest?.operation === operation && newest.variables === variables) return newest.analysis;
    const analysis = new CostAnalysis(schema, this.#prices, document, operation, variables);
    this.#newest = { operation, variables, analysis };
    return analysis;
  }

  #workOut(
    schema: GraphQLSchema,
    document: DocumentNode,
    operation: OperationDefinitionNode,
    variables: Variables,
  ): number {
    try {
      return this.#analysisOf(schema, document, operation, variables).cost();
    } catch (error) {
      if (error instanceof TooIntricate) return Infinity;
      throw error;
    }
  }
}

/** The parts of the variables that a cost can depend on: numbers, conditions and lengths of lists. */
function amountsOf({ variableDefinitions = [] }: OperationDefinitionNode, variables: Variables): string {
  let key = '';
  for (const { variable, type } of variableDefinitions) {
    const value = variables?.[variable.name.value];
    key += `${amountOf(value, type)} `;
  }
  return key;
}

function amountOf(value: unknown, type: TypeNode): string {
  if (value == null) return String(value);
  const nullable = type.kind === Kind.NON_NULL_TYPE ? type.type : type;
  if (nullable.kind === Kind.LIST_TYPE) return String(Array.isArray(value) ? value.length : 1);
  if (nullable.name.value === 'Int' && typeof value === 'number') return String(value);
  return nullable.name.value === 'Boolean' && typeof value === 'boolean' ? String(value) : '';
}
