import {
  type ExecutionArgs,
  type ExecutionResult,
  getOperationAST,
  type GraphQLError,
  OperationTypeNode,
} from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { closeContext, type Context } from '../resolvers/context.ts';
import type { Mask } from './live-results.ts';

/**
 * Stops executing an operation when nobody waits for it any more or after `mostMs` ([EDGE4], [EDGE7]). The executor has
 * an option for an abort signal, but it checks and races the signal for every object, which adds a fifth to the time of
 * a list.
 */
export function limitLifetimes(mask: Mask, mostMs: number): Plugin<Context> {
  return {
    onExecute: ({ args, executeFn, setExecuteFn }) => {
      const { document, operationName, contextValue } = args as ExecutionArgs;
      const context = contextValue as Context;
      const operation = getOperationAST(document, operationName)?.operation;
      const terms = { mostMs, isChange: operation === OperationTypeNode.MUTATION };
      setExecuteFn((given: ExecutionArgs) => within(terms, context, mask, () => executeFn(given) as Executed));
    },
  };
}

type Executed = ExecutionResult | Promise<ExecutionResult>;

/** An operation that was stopped is answered like any other. */
function within(
  terms: { mostMs: number; isChange: boolean },
  context: Context,
  mask: Mask,
  execute: () => Executed,
): Executed {
  const { lifetime } = context;
  let settle: (result: ExecutionResult) => void = () => undefined;
  const stopped = new Promise<ExecutionResult>((resolve) => (settle = resolve));
  const onStop = (reason: Error): void => {
    closeContext(context, reason);
    settle({ errors: [withStatus(mask(reason))] });
  };
  lifetime.begin({ ...terms, onStop });
  let result: Executed | null = null;
  try {
    result = execute();
  } finally {
    if (!(result instanceof Promise)) lifetime.end();
  }
  return result instanceof Promise ? Promise.race([result, stopped]).finally(() => lifetime.end()) : result;
}

/** Over HTTP the status says that the server could not answer. */
const withStatus = (error: GraphQLError): GraphQLError =>
  Object.assign(error, { extensions: { ...error.extensions, http: { status: 503 } } });
