import { parseArgs, type ParseArgsConfig } from 'node:util';
import { CadenzaError, InvalidInputError } from '../lib/errors.ts';

/** An invalid command line: exit status 2, with the usage. */
export class UsageError extends InvalidInputError {}

export interface Command {
  usage: string;
  /**
   * The message when SIGINT or SIGTERM ends the command. A command without it ignores the signal and is ended at once.
   */
  interrupted?: string;
  /**
   * @returns the exit status. An error means 2 for an invalid command line, 130 for an interruption and otherwise 1.
   */
  run: (args: string[], signal: AbortSignal) => Promise<number>;
}

/**
 * Runs the command with the arguments of this process. An error of the catalogue prints its message, any other its
 * stack.
 */
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

/** Text from a file or the command line is printed as it is, except for characters that would control the terminal. */
export function visible(text: string): string {
  return text.replace(/\p{Cc}/gu, '�');
}

function messageOf(error: CadenzaError, usage: string): string {
  const message = error instanceof InvalidInputError ? visible(error.message) : error.message;
  return error instanceof UsageError ? `${message}\n\n${usage}` : message;
}

/** One key press in a terminal may arrive twice: from the terminal and from a parent process that forwards it. */
const SAME_PRESS_MS = 1_000;

/**
 * A signal that the first SIGINT or SIGTERM aborts, so that the command ends cleanly. A later one ends the process at
 * once.
 */
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
