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
  const options: pino.LoggerOptions = { level: logLevel, base: null, timestamp: pino.stdTimeFunctions.isoTime };
  if (!isPretty(logFormat)) return pino(options, pino.destination({ dest: 1, sync: true }));
  return pino(options, pretty({ sync: true, translateTime: 'HH:MM:ss', singleLine: true }));
}

/** For code that has nobody to talk to: short-lived commands, tests. */
export const silentLogger: Logger = pino({ level: 'silent' });

/** Whether people read the log, and not a machine. */
export function isPretty(format: LogOptions['logFormat']): boolean {
  return format === 'pretty' || (format === 'auto' && process.stdout.isTTY);
}
