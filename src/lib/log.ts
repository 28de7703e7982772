import { LRUCache } from 'lru-cache';
import { pino } from 'pino';
import pretty from 'pino-pretty';
import { type Clock, systemClock } from './clock.ts';
import { factsOfRequest } from './request-facts.ts';

export type Logger = pino.Logger;
export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export const logFormats = ['auto', 'json', 'pretty'] as const;

export interface LogOptions {
  logLevel: (typeof logLevels)[number];
  /** `auto`: readable text on a terminal, otherwise one JSON object per line. */
  logFormat: (typeof logFormats)[number];
}

/** Writes to standard output synchronously, so that no lines are lost at exit. */
export function createLogger({ logLevel, logFormat }: LogOptions): Logger {
  const options = optionsOf(logLevel);
  if (!isPretty(logFormat)) return pino(options, pino.destination({ dest: 1, sync: true }));
  return pino(options, pretty({ sync: true, translateTime: 'HH:MM:ss', singleLine: true }));
}

/** Writes lines of JSON to a stream. */
export const loggerTo = (stream: pino.DestinationStream, logLevel: LogOptions['logLevel']): Logger =>
  pino(optionsOf(logLevel), stream);

const optionsOf = (level: LogOptions['logLevel']): pino.LoggerOptions => ({
  level,
  base: null,
  timestamp: pino.stdTimeFunctions.isoTime,
  mixin: () => ({ ...factsOfRequest() }),
  serializers: { err: stacksOnceAMinute() },
});

/**
 * The message and stack of a failed query contain its parameters, which are what people wrote. The database's own
 * description is logged instead ([ERR4]).
 */
function describeFailure(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const isQuery = 'query' in error && 'params' in error && error.cause instanceof Error;
  return isQuery ? describeFailure(error.cause) : withoutValues(pino.stdSerializers.err(error));
}

/** SQLSTATE. */
const STATE = /^[0-9A-Z]{5}$/;
/** data_exception: the message quotes the value. */
const OF_A_VALUE = /^22/;

/** The database tells in `detail` and `where` which row it refused, and of a value that it cannot read what it is. */
function withoutValues(described: pino.SerializedError): object {
  const code: unknown = Reflect.get(described, 'code');
  if (typeof code !== 'string' || !STATE.test(code)) return described;
  const told = { ...described, detail: undefined, where: undefined };
  if (!OF_A_VALUE.test(code)) return told;
  const message = 'The database cannot take a value';
  return { ...told, message, stack: described.stack.replace(described.message, message) };
}

const MINUTE_MS = 60_000;

/**
 * During an outage one failure is logged each second, by everything that retries. Its stack is logged once a minute
 * ([LOGS2]).
 */
export function stacksOnceAMinute(clock: Pick<Clock, 'monotonic'> = systemClock): (error: unknown) => unknown {
  const told = new LRUCache<string, true>({
    ...{ max: 200, ttl: MINUTE_MS, ttlResolution: 0 },
    perf: { now: () => clock.monotonic() },
  });
  return (error) => {
    const described = describeFailure(error);
    if (typeof described !== 'object' || described === null || !('stack' in described)) return described;
    const key = kindOf(described);
    if (!told.has(key)) {
      told.set(key, true);
      return described;
    }
    return { ...described, stack: undefined };
  };
}

/** A failure of the system or the database is the same wherever it comes up; a defect is so only at the same place. */
function kindOf(described: object): string {
  const { type, code, message, stack } = described as Record<string, unknown>;
  const place = typeof code === 'string' ? code : String(stack).split('\n    at ', 2)[1];
  return [type, message, place].join(' ');
}

/** For code without an audience: short-lived commands and tests. */
export const silentLogger: Logger = pino({ level: 'silent' });

/** Whether the log is read by people. */
export function isPretty(format: LogOptions['logFormat']): boolean {
  return format === 'pretty' || (format === 'auto' && process.stdout.isTTY);
}
