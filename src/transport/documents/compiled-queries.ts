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
import { onePerNulledPlace } from './nulled-places.ts';

/** Limits on the compilation of queries. */
export interface CompilingLimits {
  /** Number of executions after which a query is compiled, because compiling takes as long as several executions. */
  afterExecutions: number;
  /**
   * Maximum number of tokens of a compiled query. Compiling takes about 10 µs per token, and up to ten times that at
   * first.
   */
  mostTokens: number;
  /** Milliseconds between two compilations, so that they take at most a hundredth of the time, whatever is sent. */
  everyMs: number;
}

const LIMITS: CompilingLimits = { afterExecutions: 8, mostTokens: 400, everyMs: 1_000 };

/**
 * Executes frequent queries as compiled code, in half the time ([SERVE12]). Mutations are interpreted, because they
 * take little of the time.
 */
export function compileQueries(limits?: CompilingLimits): Plugin {
  const queries = new CompiledQueries(limits);
  return {
    onExecute: ({ args, executeFn, setExecuteFn }) => {
      const { document, operationName } = args as ExecutionArgs;
      if (getOperationAST(document, operationName)?.operation !== OperationTypeNode.QUERY) return;
      const interpret = executeFn as typeof execute;
      const compiled = queries.of(args);
      const run = (given: ExecutionArgs) => (compiled ? executeAs(compiled, given, interpret) : interpret(given));
      setExecuteFn((given: ExecutionArgs) => withOneErrorEach(run(given)));
    },
  };
}

const withOneErrorEach = (result: ReturnType<Run>): ReturnType<Run> =>
  result instanceof Promise ? result.then(onePerNulledPlace) : onePerNulledPlace(result);

/** The compiled queries. */
export class CompiledQueries {
  readonly #limits: CompilingLimits;
  readonly #clock: Clock;
  /** By document and operation: the number of executions, or the compiled code. Null if it cannot be compiled. */
  readonly #known = new WeakMap<DocumentNode, Map<string, number | Compiled | null>>();
  #nextAt = -Infinity;

  constructor(limits = LIMITS, clock = systemClock) {
    this.#limits = limits;
    this.#clock = clock;
  }

  /** Null if the interpreter must execute it. */
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

/**
 * Errors as the interpreter reports them. One without a path concerns the request: no field was resolved, so nothing is
 * executed twice.
 */
function executeAs(compiled: Compiled, args: ExecutionArgs, interpret: typeof execute): ReturnType<Run> {
  const checked = (result: ExecutionResult): ReturnType<Run> => {
    if (!result.errors) return result;
    if (result.errors.some(({ path }) => !path)) return interpret(args);
    return { ...result, errors: result.errors.map((error) => placed(error, args.document)) };
  };
  const result = compiled(args.rootValue, args.contextValue, args.variableValues ?? {});
  return result instanceof Promise ? result.then(checked) : checked(result);
}

/** Compiled code reports only lines and columns, but masking needs the positions in the source. */
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
