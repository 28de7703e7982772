import { pino } from 'pino';
import pretty from 'pino-pretty';

export type Logger = pino.Logger;
export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export const logFormats = ['auto', 'json', 'pretty'] as const;

export interface LogOptions {
  logLevel: (typeof logLevels)[number];
  /** `auto`: for people on a terminal, one JSON object a line otherwise. */
  logFormat: (typeof logFormats)[number];
}

/** Writes to standard output, synchronously: the last words before an exit are never lost. */
export function createLogger({ logLevel, logFormat }: LogOptions): Logger {
  const options: pino.LoggerOptions = {
    level: logLevel,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    serializers: { err: describeFailure },
  };
  if (!isPretty(logFormat)) return pino(options, pino.destination({ dest: 1, sync: true }));
  return pino(options, pretty({ sync: true, translateTime: 'HH:MM:ss', singleLine: true }));
}

/**
 * A failed query's own message and stack hold its parameters, and those are what people wrote: what the database said of it
 * is logged instead ([ERR4]).
 */
function describeFailure(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const isQuery = 'query' in error && 'params' in error && error.cause instanceof Error;
  return isQuery ? describeFailure(error.cause) : pino.stdSerializers.err(error);
}

/** For code that has nobody to talk to: short-lived commands, tests. */
export const silentLogger: Logger = pino({ level: 'silent' });

/** Whether people read the log, and not a machine. */
export function isPretty(format: LogOptions['logFormat']): boolean {
  return format === 'pretty' || (format === 'auto' && process.stdout.isTTY);
}
