import { type DocumentNode, execute, type ExecutionArgs, type ExecutionResult } from 'graphql';
import { compileQuery, isCompiledQuery } from 'graphql-jit';
import { expandedFields } from './expansion.ts';

export type Run = (event: unknown, context: unknown) => ExecutionResult | Promise<ExecutionResult>;
export type Compiled = (
  event: unknown,
  context: unknown,
  variables: ExecutionArgs['variableValues'],
) => ReturnType<Run>;

/**
 * Executes a subscription's events. The interpreter of graphql-js coerces variables and collects fields for every
 * event, which takes ten times as long as the fields themselves; therefore an operation is compiled once per document.
 * If a compiled execution fails, the interpreter executes the event again to report the error, because its errors have
 * more detail.
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

/** The compiler writes out each fragment where it is spread, so that the length of a document does not bound its work. */
const MOST_FIELDS = 500;

/** A text is parsed once, so a document object identifies its text. Null if it cannot be compiled. */
const known = new WeakMap<DocumentNode, Map<string, Compiled | null>>();

export function compiledOf({ schema, document, operationName }: ExecutionArgs): Compiled | null {
  const ofDocument = known.get(document) ?? new Map<string, Compiled | null>();
  known.set(document, ofDocument);
  const name = operationName ?? '';
  const already = ofDocument.get(name);
  if (already !== undefined) return already;
  const made =
    expandedFields(document) > MOST_FIELDS ? null : compileQuery(schema, document, operationName ?? undefined);
  const compiled = made && isCompiledQuery(made) ? (made.query as Compiled) : null;
  ofDocument.set(name, compiled);
  return compiled;
}
