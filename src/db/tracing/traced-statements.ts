import { SpanKind } from '@opentelemetry/api';
import { endFailed, type Tracing } from '../../lib/tracing/tracing.ts';
import type { Sql, Transaction } from '../connection/transaction.ts';

type Run = (tx: Transaction) => unknown;

/**
 * The same driver, whose statements within a request are timed ([TRACE1]). A span has the statement's verb and table:
 * neither its text nor its values.
 */
export function tracedStatements(sql: Sql, tracing: Tracing): Sql {
  const begin = sql.begin.bind(sql) as (options: string, run: Run) => Promise<unknown>;
  const tracedBegin = (...args: [Run] | [string, Run]): Promise<unknown> => {
    const [options, run] = args.length === 1 ? (['', args[0]] as const) : args;
    return begin(options, (tx) => run(tracedRunner(tx, tracing)));
  };
  return tracedRunner(sql, tracing, { begin: tracedBegin });
}

function tracedRunner<Runner extends Sql | Transaction>(
  runner: Runner,
  tracing: Tracing,
  others: Readonly<Record<string, unknown>> = {},
): Runner {
  const unsafe = (...args: Parameters<typeof runner.unsafe>) => timed(runner.unsafe(...args), args[0], tracing);
  const replaced: Readonly<Record<string | symbol, unknown>> = { ...others, unsafe };
  return new Proxy(runner, {
    apply(target, self, args: unknown[]) {
      const made: unknown = Reflect.apply(target, self, args);
      const [strings] = args;
      return made instanceof Promise && Array.isArray(strings) ? timed(made, strings.join('?'), tracing) : made;
    },
    get: (target, key) => (key in replaced ? replaced[key] : (Reflect.get(target, key) as unknown)),
  });
}

/** A statement is sent when somebody waits for it. A part of another is never waited for, and has no span. */
function timed<Statement extends Promise<unknown>>(statement: Statement, text: string, tracing: Tracing): Statement {
  const within = tracing.current();
  if (!within) return statement;
  const then: Promise<unknown>['then'] = statement.then.bind(statement);
  let isSent = false;
  const timedThen: Promise<unknown>['then'] = (onDone, onFailed) => {
    if (!isSent) {
      isSent = true;
      const span = tracing.begin({ ...summaryOf(text), kind: SpanKind.CLIENT }, within);
      void then(
        () => span.end(),
        (error: unknown) => endFailed(span, error),
      );
    }
    return then(onDone, onFailed);
  };
  return Object.defineProperty(statement, 'then', { value: timedThen });
}

const VERB = /^\s*(select|insert|update|delete|with|copy|truncate|create|analyze|set|lock)\b/i;
const TABLE = /\b(?:from|into|update|join)\s+"?([a-z_]{1,63})/i;

function summaryOf(text: string): { name: string; attributes: Record<string, string> } {
  const verb = VERB.exec(text)?.[1]?.toLowerCase() ?? 'statement';
  const table = TABLE.exec(text)?.[1]?.toLowerCase();
  const attributes = { 'db.system.name': 'postgresql', 'db.operation.name': verb };
  if (table === undefined) return { name: verb, attributes };
  return { name: `${verb} ${table}`, attributes: { ...attributes, 'db.collection.name': table } };
}
