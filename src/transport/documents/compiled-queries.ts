import {
  type DocumentNode,
  type execute,
  type ExecutionArgs,
  type ExecutionResult,
  getOperationAST,
  GraphQLError,
  OperationTypeNode,
  type SourceLocation,
} from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { type Clock, systemClock } from '../../lib/clock.ts';
import { type Compiled, compiledOf, type Run } from './compiled-execution.ts';

/** Which queries are compiled, and how often. */
export interface CompilingLimits {
  /** Compiling takes as long as some executions: it is worth it for a query that comes again and again. */
  afterExecutions: number;
  /** A token takes about 10 µs to compile, up to ten times that at first. */
  mostTokens: number;
  /** Between two compilations, in ms: whatever is sent, they take at most a hundredth of the time. */
  everyMs: number;
}

const LIMITS: CompilingLimits = { afterExecutions: 8, mostTokens: 400, everyMs: 1_000 };

/**
 * Executes queries that come often as compiled code, in half the time ([SERVE12]). Mutations stay with the interpreter: they take
 * little of the time.
 */
export function compileQueries(limits?: CompilingLimits): Plugin {
  const queries = new CompiledQueries(limits);
  return {
    onExecute: ({ args, executeFn, setExecuteFn }) => {
      const { document, operationName } = args as ExecutionArgs;
      if (getOperationAST(document, operationName)?.operation !== OperationTypeNode.QUERY) return;
      const compiled = queries.of(args);
      if (compiled) setExecuteFn((given: ExecutionArgs) => executeAs(compiled, given, executeFn as typeof execute));
    },
  };
}

/** What queries are compiled to, if they are. */
export class CompiledQueries {
  readonly #limits: CompilingLimits;
  readonly #clock: Clock;
  /** By document and operation: how often it was executed, or what it was compiled to; null: it cannot be compiled. */
  readonly #known = new WeakMap<DocumentNode, Map<string, number | Compiled | null>>();
  #nextAt = -Infinity;

  constructor(limits = LIMITS, clock = systemClock) {
    this.#limits = limits;
    this.#clock = clock;
  }

  /** Null: the interpreter executes it. */
  of(args: ExecutionArgs): Compiled | null {
    const { document, operationName } = args;
    const operations = this.#known.get(document) ?? new Map<string, number | Compiled | null>();
    this.#known.set(document, operations);
    const name = operationName ?? '';
    const known = operations.get(name) ?? 0;
    if (typeof known !== 'number') return known;
    const now = this.#isDue(known, document) ? compiledOf(args) : known + 1;
    operations.set(name, now);
    return typeof now === 'number' ? null : now;
  }

  #isDue(executions: number, { tokenCount = Infinity }: DocumentNode): boolean {
    const { afterExecutions, mostTokens, everyMs } = this.#limits;
    if (executions < afterExecutions || tokenCount > mostTokens) return false;
    const now = this.#clock.monotonic();
    if (now < this.#nextAt) return false;
    this.#nextAt = now + everyMs;
    return true;
  }
}

/** Errors as the interpreter states them. One without a path is of the request: no field was resolved, and none is twice. */
function executeAs(compiled: Compiled, args: ExecutionArgs, interpret: typeof execute): ReturnType<Run> {
  const checked = (result: ExecutionResult): ReturnType<Run> => {
    if (!result.errors) return result;
    if (result.errors.some(({ path }) => !path)) return interpret(args);
    return { ...result, errors: result.errors.map((error) => placed(error, args.document)) };
  };
  const result = compiled(args.rootValue, args.contextValue, args.variableValues ?? {});
  return result instanceof Promise ? result.then(checked) : checked(result);
}

/** Compiled code states lines and columns only; whoever masks an error needs its positions in the source. */
function placed(error: GraphQLError, { loc }: DocumentNode): GraphQLError {
  const { message, path, originalError, extensions, locations } = error;
  if (!loc || !locations) return error;
  const positions = locations.map((location) => positionOf(loc.source.body, location));
  return new GraphQLError(message, { path, originalError, extensions, source: loc.source, positions });
}

function positionOf(text: string, { line, column }: SourceLocation): number {
  const ends = [...text.matchAll(/\r\n|[\n\r]/g)].map(({ index, 0: end }) => index + end.length);
  return (ends[line - 2] ?? 0) + column - 1;
}
