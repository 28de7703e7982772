import { type App, createApp } from './app.ts';
import { announce } from './banner.ts';
import { type Config, loadConfig } from './config.ts';
import { StartupError } from './lib/errors.ts';
import { createLogger, type Logger } from './lib/log.ts';
import { createReload } from './reloading.ts';

/** Time limit for the whole shutdown after the signal. Each part has a shorter one. */
const LONGEST_END_MS = 60_000;

/** Why the server stops, and its exit status if the shutdown succeeds. */
interface Stop {
  reason: string;
  exitCode: 0 | 1;
}

/** Without one, SIGHUP does not mean that it was closed, but that the configuration is to be read again ([CONF5]). */
const hasTerminal = process.stdin.isTTY || process.stdout.isTTY;

process.exit(await main());

/** The whole life of the server. @returns its exit status */
async function main(): Promise<number> {
  const config = readConfig();
  if (config === null) return 1;
  const log = createLogger(config);
  for (const warning of config.warnings) log.warn(warning);
  const stopping = new AbortController();
  const stopped = whenToStop(log, stopping);
  // Until the start has ended there is nothing to reload.
  if (!hasTerminal) process.on('SIGHUP', () => undefined);
  const app = await startApp(config, log, stopping.signal);
  if (app === null) return stopping.signal.aborted ? (await stopped).exitCode : 1;
  if (!hasTerminal) process.on('SIGHUP', createReload({ log, apply: (changed) => app.reload(changed) }));
  if (!stopping.signal.aborted) announce(app.facts, config, log);
  return end(app, log, await stopped);
}

function readConfig(): Config | null {
  try {
    return loadConfig();
  } catch (error) {
    if (!(error instanceof StartupError)) throw error;
    console.error(error.message);
    return null;
  }
}

/** @returns null if the start failed, which has been reported, or was interrupted */
async function startApp(config: Config, log: Logger, signal: AbortSignal): Promise<App | null> {
  try {
    return await createApp(config, log, signal);
  } catch (error) {
    if (signal.aborted) return null;
    if (error instanceof StartupError) console.error(error.message);
    else log.fatal({ err: error }, 'Cadenza could not start');
    return null;
  }
}

/**
 * Settles at the first signal or uncaught failure; `stopping` informs a start in progress. The second signal ends the
 * process at once, as an impatient operator wants it, which the log and the database tolerate.
 */
function whenToStop(log: Logger, stopping: AbortController): Promise<Stop> {
  return new Promise((resolve) => {
    const stop = (reason: Stop): void => {
      if (!stopping.signal.aborted) setTimeout(leave, LONGEST_END_MS, log).unref();
      stopping.abort();
      resolve(reason);
    };
    for (const [signal, number] of [
      ...(hasTerminal ? [['SIGHUP', 1] as const] : []),
      ['SIGINT', 2],
      ['SIGTERM', 15],
    ] as const) {
      process.on(signal, () => {
        if (stopping.signal.aborted) process.exit(128 + number);
        stop({ reason: signal, exitCode: 0 });
      });
    }
    for (const event of ['uncaughtException', 'unhandledRejection']) {
      process.on(event, (error: unknown) => {
        log.fatal({ err: error }, `Uncaught failure (${event}); stopping`);
        stop({ reason: event, exitCode: 1 });
      });
    }
  });
}

/** Shuts down in order: no new work, running requests finish, subscriptions close, the database stops ([START2]). */
async function end(app: App, log: Logger, { reason, exitCode }: Stop): Promise<number> {
  log.info({ reason }, 'Stopping. Send the signal again to stop at once');
  try {
    app.endFor(`the server is stopping (${reason})`);
    await app[Symbol.asyncDispose]();
    log.info('Stopped');
    return exitCode;
  } catch (error) {
    log.error({ err: error }, 'The server did not stop cleanly');
    return 1;
  }
}

/** Also ends a start that does not finish. */
function leave(log: Logger): void {
  log.error(`The server has not stopped within ${LONGEST_END_MS / 1000} seconds and exits; the next start cleans up`);
  process.exit(1);
}
