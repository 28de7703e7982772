import type { ServerResponse } from 'node:http';
import { type ExecutionArgs, getOperationAST, OperationTypeNode } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { QuotaState } from '../../access/access.ts';
import type { Context } from '../../resolvers/context.ts';
import { GivenValues } from '../cost/given-values.ts';
import { fragmentsOf, responseFields } from '../documents/expansion.ts';
import type { Mask } from '../live-results.ts';
import { releaseWhenClosed } from './open-connections.ts';
import type { Rates } from './rates.ts';

/** The context of an operation. Over HTTP it includes the response. */
type OperationContext = Context & { res?: ServerResponse };
type OperationArgs = Pick<ExecutionArgs, 'document' | 'operationName' | 'variableValues'> & {
  contextValue: OperationContext;
};

/** Counts each operation for its caller, over every transport, before it is executed ([RATE1], [QUOTA1]). */
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
      const passed: QuotaState[] = [];
      const refused = await refusal(async () => {
        await countOperation(rates, args);
        passed.push(...(await countUse(args)));
      });
      if (refused) setResultAndStopExecution(refused);
      if (passed.length === 0) return undefined;
      return {
        onExecuteDone: ({ result, setResult }) => {
          if (Symbol.asyncIterator in result) return;
          setResult({ ...result, extensions: { ...result.extensions, quotas: passed } });
        },
      };
    },
    onSubscribe: async ({ args, setResultAndStopExecution }) => {
      const refused = await refusal(async () => {
        await countOperation(rates, args);
        await countUse(args);
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

/** An operation that is refused for its rate is no use of the quotas. */
const countUse = ({ contextValue: { usage, viewer } }: OperationArgs): Promise<QuotaState[]> =>
  usage.countOperation(viewer);

async function countOperation(rates: Rates, args: OperationArgs): Promise<void> {
  const { document, operationName, contextValue } = args;
  const { viewer } = contextValue;
  await rates.count('requests', viewer);
  const operation = getOperationAST(document, operationName);
  if (operation?.operation !== OperationTypeNode.MUTATION) return;
  const values = new GivenValues(operation, args.variableValues);
  // Each field of a mutation changes something, whatever alias or fragment contains it, and each alternative is a draft.
  const changes = responseFields(operation.selectionSet, fragmentsOf(document)).map((field) =>
    Math.max(1, values.numberAt(ALTERNATIVES, field.arguments)),
  );
  await rates.count('mutations', viewer, sumOf(changes));
}

const ALTERNATIVES = ['input', 'alternatives'] as const;
const sumOf = (numbers: readonly number[]): number => numbers.reduce((sum, number) => sum + number, 0);
