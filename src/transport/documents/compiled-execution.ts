import { type DocumentNode, execute, type ExecutionArgs, type ExecutionResult } from 'graphql';
import { compileQuery, isCompiledQuery } from 'graphql-jit';

export type Run = (event: unknown, context: unknown) => ExecutionResult | Promise<ExecutionResult>;
export type Compiled = (
  event: unknown,
  context: unknown,
  variables: ExecutionArgs['variableValues'],
) => ReturnType<Run>;

/**
 * How a subscription's events are executed. The interpreter of graphql-js coerces the variables and collects the fields anew for
 * each event, which takes ten times as long as what the fields themselves do; so an operation is compiled, once a document. What
 * goes wrong is told by the interpreter, in an execution of its own: compiled, an error says less of its cause and place.
 */
export function executionOf(args: ExecutionArgs): Run {
  const compiled = compiledOf(args);
  const interpret: Run = (event, context) => execute({ ...args, rootValue: event, contextValue: context });
  if (!compiled) return interpret;
  return (event, context) => {
    const checked = (result: ExecutionResult): ReturnType<Run> => (result.errors ? interpret(event, context) : result);
    const result = compiled(event, context, args.variableValues);
    return result instanceof Promise ? result.then(checked) : checked(result);
  };
}

/** The pipeline parses a text once, so that a document stands for its text. Null: it cannot be compiled. */
const known = new WeakMap<DocumentNode, Map<string, Compiled | null>>();

export function compiledOf({ schema, document, operationName }: ExecutionArgs): Compiled | null {
  const ofDocument = known.get(document) ?? new Map<string, Compiled | null>();
  known.set(document, ofDocument);
  const name = operationName ?? '';
  const already = ofDocument.get(name);
  if (already !== undefined) return already;
  const made = compileQuery(schema, document, operationName ?? undefined);
  const compiled = isCompiledQuery(made) ? (made.query as Compiled) : null;
  ofDocument.set(name, compiled);
  return compiled;
}
