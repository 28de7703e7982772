import type { ServerResponse } from 'node:http';
import { type ExecutionArgs, getOperationAST, OperationTypeNode } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { Context } from '../../resolvers/context.ts';
import { fragmentsOf, responseKeys } from '../documents/expansion.ts';
import type { Mask } from '../live-results.ts';
import { releaseWhenClosed } from './open-connections.ts';
import type { Rates } from './rates.ts';

/** The context of an operation. Over HTTP it includes the response. */
type OperationContext = Context & { res?: ServerResponse };
type OperationArgs = Pick<ExecutionArgs, 'document' | 'operationName'> & { contextValue: OperationContext };

/** Counts each operation for its caller, over every transport, before it is executed ([RATE1]). */
export function limitOperations(rates: Rates, mask: Mask): Plugin<OperationContext> {
  const refusal = async (act: () => Promise<void>) => {
    try {
      await act();
      return null;
    } catch (error) {
      return { errors: [mask(error)] };
    }
  };
  return {
    onExecute: async ({ args, setResultAndStopExecution }) => {
      const refused = await refusal(() => countOperation(rates, args));
      if (refused) setResultAndStopExecution(refused);
    },
    onSubscribe: async ({ args, setResultAndStopExecution }) => {
      const refused = await refusal(async () => {
        await countOperation(rates, args);
        holdStream(rates, args.contextValue);
      });
      if (refused) setResultAndStopExecution(refused);
    },
  };
}

/**
 * Over HTTP each subscription is a connection of its own. Those of a WebSocket share one, which was counted when it
 * opened.
 */
function holdStream(rates: Rates, { viewer, res }: OperationContext): void {
  if (!res) return;
  releaseWhenClosed(res, rates.holdForListener(viewer));
}

async function countOperation(rates: Rates, { document, operationName, contextValue }: OperationArgs): Promise<void> {
  const { viewer } = contextValue;
  await rates.count('requests', viewer);
  const operation = getOperationAST(document, operationName);
  if (operation?.operation !== OperationTypeNode.MUTATION) return;
  // Each field of a mutation changes something, whatever alias or fragment contains it.
  await rates.count('mutations', viewer, responseKeys(operation.selectionSet, fragmentsOf(document)));
}
