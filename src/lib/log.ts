import { pino } from 'pino';
import pretty from 'pino-pretty';

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
 * The message and stack of a failed query contain its parameters, which are what people wrote. The database's own
 * description is logged instead ([ERR4]).
 */
function describeFailure(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const isQuery = 'query' in error && 'params' in error && error.cause instanceof Error;
  return isQuery ? describeFailure(error.cause) : pino.stdSerializers.err(error);
}

/** For code without an audience: short-lived commands and tests. */
export const silentLogger: Logger = pino({ level: 'silent' });

/** Whether the log is read by people. */
export function isPretty(format: LogOptions['logFormat']): boolean {
  return format === 'pretty' || (format === 'auto' && process.stdout.isTTY);
}
