import { parseArgs, type ParseArgsConfig } from 'node:util';
import { CadenzaError, InvalidInputError } from '../lib/errors.ts';

/** A wrong command line: status 2, with the usage. */
export class UsageError extends InvalidInputError {}

export interface Command {
  usage: string;
  /**
   * What it says when SIGINT or SIGTERM ends it. A command that has nothing to put in order leaves it out, does not look at
   * the signal, and ends where it is.
   */
  interrupted?: string;
  /** @returns the exit code; for what is thrown 2 is a wrong command line, 1 anything else, 130 an interruption */
  run: (args: string[], signal: AbortSignal) => Promise<number>;
}

/** Runs the command with the arguments of this process. A failure of the error catalogue is its message, any other a stack. */
export async function runCommand({ usage, interrupted, run }: Command): Promise<void> {
  const signal = interrupted === undefined ? new AbortController().signal : interruption();
  try {
    process.exitCode = await run(process.argv.slice(2), signal);
  } catch (error) {
    if (!signal.aborted && !(error instanceof CadenzaError)) throw error;
    const message = signal.aborted ? interrupted : messageOf(error as CadenzaError, usage);
    process.stderr.write(`${message ?? ''}\n`);
    process.exitCode = signal.aborted ? 130 : error instanceof UsageError ? 2 : 1;
  }
}

/** @throws UsageError */
export function parseCommandLine<const Config extends ParseArgsConfig>(config: Config) {
  try {
    return parseArgs(config);
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

/** Values of a file or of the command line are shown as they are, but must not steer the terminal. */
export function visible(text: string): string {
  return text.replace(/\p{Cc}/gu, '�');
}

function messageOf(error: CadenzaError, usage: string): string {
  const message = error instanceof InvalidInputError ? visible(error.message) : error.message;
  return error instanceof UsageError ? `${message}\n\n${usage}` : message;
}

/** A key press in a terminal may arrive twice, from the terminal and from a parent that passes it on. */
const SAME_PRESS_MS = 1_000;

/** A signal that the first SIGINT or SIGTERM aborts, to end the command in order. A later one ends the process at once. */
function interruption(): AbortSignal {
  const interrupted = new AbortController();
  let first: number | null = null;
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      first ??= performance.now();
      if (performance.now() - first > SAME_PRESS_MS) process.exit(130);
      interrupted.abort();
    });
  }
  return interrupted.signal;
}
