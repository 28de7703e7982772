import { type DocumentNode, type ExecutionArgs, type ExecutionResult, getOperationAST, Kind } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { Counter, Histogram, type Registry } from 'prom-client';
import type { Context } from '../../resolvers/context.ts';
import { fragmentsOf, responseFields } from '../documents/expansion.ts';

/** Callers choose names; a series for each of more would fill the memory of who collects them. */
const MOST_NAMES = 100;
const LONGEST_NAME = 64;
const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

type Labels = Record<'operation' | 'field' | 'kind', string>;
type Executed = ExecutionResult | AsyncIterable<unknown>;

/** Rate, errors and duration of operations, over every transport ([OPS2]). */
export class OperationMetrics {
  readonly #total: Counter<'operation' | 'field' | 'kind' | 'outcome'>;
  readonly #seconds: Histogram<'operation' | 'field' | 'kind'>;
  /** The names that have series, each with its first field: whoever invents names does not hide the fields. */
  readonly #named = new Set<string>();
  readonly #known = new WeakMap<DocumentNode, Map<string, Labels>>();

  constructor(registry: Registry) {
    const labelNames = ['operation', 'field', 'kind'] as const;
    this.#total = new Counter({
      name: 'cadenza_operations_total',
      help: 'Operations that were executed or refused, by name and first field; outcome is ok or error.',
      ...{ labelNames: [...labelNames, 'outcome'], registers: [registry] },
    });
    this.#seconds = new Histogram({
      name: 'cadenza_operation_seconds',
      help: 'Time of queries and mutations by name and first field.',
      ...{ labelNames, buckets: SECONDS, registers: [registry] },
    });
  }

  plugin(): Plugin<Context> {
    return {
      onExecute: ({ args }) => {
        const end = this.#begin(args);
        return { onExecuteDone: ({ result }) => end(result) };
      },
      onSubscribe: ({ args }) => {
        const labels = this.labelsOf(args);
        return { onSubscribeResult: ({ result }) => this.#total.inc({ ...labels, outcome: outcomeOf(result) }) };
      },
    };
  }

  #begin(args: ExecutionArgs): (result: Executed) => void {
    const labels = this.labelsOf(args);
    const end = this.#seconds.startTimer(labels);
    return (result) => {
      end();
      this.#total.inc({ ...labels, outcome: outcomeOf(result) });
    };
  }

  /** What an operation is called here: names and fields of the contract, a bounded number. */
  labelsOf({ document, operationName }: Pick<ExecutionArgs, 'document' | 'operationName'>): Labels {
    const operations = this.#known.get(document) ?? new Map<string, Labels>();
    this.#known.set(document, operations);
    const known = operations.get(operationName ?? '') ?? this.#newLabels(document, operationName);
    operations.set(operationName ?? '', known);
    return known;
  }

  #newLabels(document: DocumentNode, operationName: string | null | undefined): Labels {
    const operation = getOperationAST(document, operationName);
    if (!operation) return { operation: '', field: '', kind: '' };
    const [first] = responseFields(operation.selectionSet, fragmentsOf(document));
    const field = first?.kind === Kind.FIELD ? first.name.value : '';
    return { operation: this.#nameOf(operation.name?.value ?? '', field), field, kind: operation.operation };
  }

  #nameOf(name: string, field: string): string {
    const key = `${name} ${field}`;
    if (name === '' || this.#named.has(key)) return name;
    if (name.length > LONGEST_NAME || this.#named.size >= MOST_NAMES) return 'OTHER';
    this.#named.add(key);
    return name;
  }
}

export const outcomeOf = (result: unknown): 'ok' | 'error' =>
  typeof result === 'object' && result !== null && 'errors' in result && result.errors ? 'error' : 'ok';
