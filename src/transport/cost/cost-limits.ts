import type { IncomingMessage } from 'node:http';
import {
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  GraphQLError,
  type GraphQLSchema,
  type validate,
} from 'graphql';
import type { Plugin, YogaInitialContext } from 'graphql-yoga';
import type { CostLimits } from '../../config.ts';
import { may, type Viewer } from '../../listeners/listeners.ts';
import type { Context } from '../../resolvers/context.ts';
import { LiveResults, type Meter, type Subscribe } from '../live-results.ts';
import { ListenerAccounts } from './listener-accounts.ts';
import { OperationCosts } from './operation-costs.ts';
import { bytesOfResult } from './result-size.ts';
import { Spending } from './spending.ts';

/** Limits the cost of operations and the size of their answers, over every transport ([COST2]–[COST5]). */
export class CostControl {
  readonly #limits: CostLimits;
  readonly #costs: OperationCosts;
  readonly #connections = new WeakMap<object, Spending>();
  readonly #listeners = new ListenerAccounts();

  constructor(schema: GraphQLSchema, limits: CostLimits) {
    this.#limits = limits;
    this.#costs = new OperationCosts(schema);
  }

  /**
   * Refuses a new document before it is validated, which takes longer than to add up its cost. Comes before the plugins
   * that limit documents, since what they leave to it is bounded.
   */
  early(): Plugin<Asked> {
    return {
      onValidate: ({ context, validateFn, setValidationFn }) => {
        const checked: typeof validate = (schema, document, ...rest) => {
          const refusal = this.#refusalBefore(context, schema, document);
          // Thrown, since what validation reports has another HTTP status.
          if (refusal) throw refusal;
          return (validateFn as typeof validate)(schema, document, ...rest);
        };
        setValidationFn(checked);
      },
    };
  }

  /** Queries and mutations: refused before they run, or answered with their cost. */
  plugin(): Plugin<object> {
    return {
      onExecute: ({ args, setResultAndStopExecution }) => {
        const request = this.#requestOf(args);
        const refusal = this.#refusal(request);
        if (refusal) {
          setResultAndStopExecution({ errors: [refusal] });
          return undefined;
        }
        request.spending?.spend(request.cost);
        const told = { cost: this.#told(request) };
        return {
          onExecuteDone: ({ result, setResult }) => {
            if (Symbol.asyncIterator in result) return;
            setResult({ ...this.#bounded(request, result).result, extensions: { ...result.extensions, ...told } });
          },
        };
      },
    };
  }

  #refusalBefore(
    { caller, params, req }: Asked & YogaInitialContext,
    schema: GraphQLSchema,
    document: DocumentNode,
  ): GraphQLError | null {
    const { operationName, variables: variableValues } = params;
    const args = { schema, document, operationName, variableValues };
    const [maximum, cost] = [this.#budgetOf(caller.context.viewer), this.#costs.ofUnchecked(args)];
    return cost > maximum ? this.#tooExpensive({ args, cost, maximum, isHttp: req !== undefined }) : null;
  }

  /** Subscriptions: charged when they start and for each event. An event waits until it can be paid for. */
  metered(subscribe: Subscribe): Subscribe {
    return async (args) => {
      const request = this.#requestOf(args);
      const spending = request.spending ?? new Spending(this.#spendingLimits(request.maximum));
      const refusal = this.#refusal({ ...request, spending });
      if (refusal) return { errors: [refusal] };
      const end = spending.follow(request.cost);
      if (!end) return { errors: [tooManyLive(request, spending)] };
      spending.spend(request.cost);
      const meter = this.#meterOf(request, spending, end);
      try {
        const results = await subscribe(args, meter);
        if (!(results instanceof LiveResults)) end();
        return results;
      } catch (error) {
        end();
        throw error;
      }
    };
  }

  /** What is made for one listener is paid twice: by the connection, and by the listener whatever their connections are. */
  #meterOf(request: Request, connection: Spending, end: () => void): Meter {
    const listener = this.#listeners.of(request.listener, () => new Spending(this.#spendingLimits(request.maximum)));
    let isPersonal = false;
    return {
      end,
      waitMs: () => Math.max(connection.waitMs(), isPersonal ? listener.waitMs() : 0),
      spend: (sharedBytes) => {
        isPersonal = sharedBytes === null;
        const cost = costOfEvent(request, sharedBytes);
        connection.spend(cost);
        if (isPersonal) listener.spend(cost);
      },
      bounded: (result) => this.#bounded(request, result),
    };
  }

  #requestOf(args: ExecutionArgs): Request {
    const { viewer, req, connection } = args.contextValue as Context & Partial<Carrier>;
    const maximum = this.#budgetOf(viewer);
    return {
      args,
      maximum,
      listener: viewer.listener.id,
      cost: this.#costs.of(args),
      isHttp: req !== undefined,
      spending: this.#spendingOf(connection, maximum),
    };
  }

  #budgetOf(viewer: Viewer): number {
    const { budget, staffBudget } = this.#limits;
    return may(viewer, 'ANALYST') ? staffBudget : budget;
  }

  #spendingOf(connection: object | undefined, maximum: number): Spending | null {
    if (!connection) return null;
    const known = this.#connections.get(connection) ?? new Spending(this.#spendingLimits(maximum));
    this.#connections.set(connection, known);
    return known;
  }

  #spendingLimits(live: number) {
    return { perMinute: Math.max(this.#limits.socketPerMinute, live), live };
  }

  #refusal(request: Request): GraphQLError | null {
    const { cost, maximum, spending } = request;
    if (cost > maximum) return this.#tooExpensive(request);
    const retryAfterMs = spending?.waitMs() ?? 0;
    if (retryAfterMs === 0) return null;
    const message = `This connection has used up its cost budget: retry in ${retryAfterMs} ms.`;
    return refused(request, message, { cost: this.#told(request), retryAfterMs });
  }

  #tooExpensive(request: Pick<Request, 'args' | 'cost' | 'maximum' | 'isHttp'>): GraphQLError {
    const { cost, maximum, args } = request;
    if (cost === Infinity) {
      return refused(request, 'The operation is too complex for its cost to be computed: nest fewer fragments.', {
        cost: { requested: null, maximum },
      });
    }
    const mostExpensive = this.#costs.mostExpensiveOf(args);
    const described = mostExpensive && `; its most expensive field, ${mostExpensive.path}, costs ${mostExpensive.cost}`;
    const message = `The operation costs ${cost}, more than the budget of ${maximum}${described}. Request shorter lists or fewer fields.`;
    return refused(request, message, { cost: { requested: cost, maximum }, mostExpensive });
  }

  #told({ cost, maximum, spending }: Request) {
    return {
      requested: cost,
      maximum,
      remaining: maximum - cost,
      ...(spending && { connection: { maximum: spending.limits.perMinute, remaining: spending.left } }),
    };
  }

  #bounded(request: Request, result: ExecutionResult): { result: ExecutionResult; bytes: number } {
    const { resultBytes } = this.#limits;
    const bytes = bytesOfResult(result.data, resultBytes);
    if (bytes <= resultBytes) return { result, bytes };
    const message = `The response is larger than ${resultBytes} bytes and was not sent. Request shorter lists or fewer fields.`;
    const error = refused(request, message, { maximumBytes: resultBytes }, 'RESULT_TOO_LARGE');
    return { result: { errors: [error] }, bytes };
  }
}

/** The minimum cost of sending an event, and the number of bytes that cost one unit. */
const EVENT = { cost: 10, bytesAUnit: 20 };

/**
 * An event made for one reader costs as much as the operation. An event shared by many costs each of them only the
 * sending.
 */
const costOfEvent = ({ cost }: Request, sharedBytes: number | null): number =>
  sharedBytes === null ? cost : Math.min(cost, EVENT.cost + sharedBytes / EVENT.bytesAUnit);

/** What the transports add to the context: HTTP the request, WebSocket an object that identifies the connection. */
interface Carrier {
  req: IncomingMessage;
  connection: object;
}

/** What is known of an operation whose document is checked. */
interface Asked {
  caller: { context: { viewer: Viewer } };
  req?: IncomingMessage;
}

interface Request {
  args: ExecutionArgs;
  /** The id of the listener who asks. */
  listener: number;
  cost: number;
  /** Maximum cost of one operation of this viewer. */
  maximum: number;
  isHttp: boolean;
  /** Null if the connection has no account. */
  spending: Spending | null;
}

function tooManyLive(request: Request, { live, limits }: Spending): GraphQLError {
  const { cost } = request;
  const message = `An event of this subscription costs ${cost}. With the ${live} of the connection's other subscriptions that exceeds ${limits.live}. End some of them, or request less.`;
  return refused(request, message, { cost: { requested: cost, maximum: limits.live, remaining: limits.live - live } });
}

function refused(
  { isHttp }: Pick<Request, 'isHttp'>,
  message: string,
  facts: object,
  code = 'COST_EXCEEDED',
): GraphQLError {
  return new GraphQLError(message, { extensions: { code, ...facts, ...(isHttp && { http: { status: 400 } }) } });
}
