import {
  type ExecutionArgs,
  type ExecutionResult,
  getOperationAST,
  type GraphQLError,
  OperationTypeNode,
} from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { Lifetime } from '../lib/lifetime.ts';
import type { Context } from '../resolvers/context.ts';
import type { Mask } from './live-results.ts';

/** Executes no more of an operation than somebody waits for, and none longer than `mostMs` ([EDGE4], [EDGE7]). */
export function limitLifetimes(mask: Mask, mostMs: number): Plugin<Context> {
  return {
    onExecute: ({ args, executeFn, setExecuteFn }) => {
      const { document, operationName, contextValue } = args as ExecutionArgs;
      const { lifetime } = contextValue as Context;
      const operation = getOperationAST(document, operationName)?.operation;
      lifetime.begin(mostMs, { isChange: operation === OperationTypeNode.MUTATION });
      // The executor's own: it starts no field any more once this aborts.
      Object.assign(args, { signal: lifetime.signal });
      setExecuteFn((given: ExecutionArgs) => endWith(lifetime, mask, () => executeFn(given) as Executed));
    },
  };
}

type Executed = ExecutionResult | Promise<ExecutionResult>;

/** That it was stopped is an answer like any other. */
function endWith(lifetime: Lifetime, mask: Mask, execute: () => Executed): Executed {
  const settle = (result: ExecutionResult): ExecutionResult => {
    lifetime.end();
    return result;
  };
  const explain = (error: unknown): ExecutionResult => {
    lifetime.end();
    if (!lifetime.signal.aborted) throw error;
    return { errors: [withStatus(mask(lifetime.signal.reason))] };
  };
  try {
    const result = execute();
    return result instanceof Promise ? result.then(settle, explain) : settle(result);
  } catch (error) {
    return explain(error);
  }
}

/** Over HTTP it is the server that could not. */
const withStatus = (error: GraphQLError): GraphQLError =>
  Object.assign(error, { extensions: { ...error.extensions, http: { status: 503 } } });
