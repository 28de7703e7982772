import { loadConfig } from '../../config.ts';
import { openDatabase } from '../../db/open.ts';
import { moveLogs } from '../../drafts/drafts.ts';
import { StartupError } from '../../lib/errors.ts';
import { createLogger } from '../../lib/log.ts';
import { parseCommandLine, runCommand, UsageError } from '../command.ts';
import { print } from '../display.ts';

const USAGE = `npm run logs -- move FROM TO

  Moves the logs of all drafts between PostgreSQL (postgres) and NATS JetStream (nats). Stop every node first, and set
  CADENZA_LOG=nats and CADENZA_NATS_URL for this command in either direction. Afterwards, start the nodes with CADENZA_LOG=TO.

  The command can be interrupted, and run again: until all logs are copied they are where they were, and no node starts.
  The move back gives it up.`;

const KINDS = ['postgres', 'nats'] as const;
type Kind = (typeof KINDS)[number];

async function run(args: string[], signal: AbortSignal): Promise<number> {
  const options = { help: { type: 'boolean', short: 'h' } } as const;
  const { values, positionals } = parseCommandLine({ args, options, allowPositionals: true });
  if (values.help) return print(USAGE);
  const [command, from, to, ...rest] = positionals;
  if (command !== 'move')
    throw new UsageError(command === undefined ? 'a command is missing' : `there is no command ${command}`);
  if (!isKind(from) || !isKind(to) || from === to || rest.length > 0)
    throw new UsageError('move takes where the logs are and where they are to be: postgres nats, or nats postgres');
  return move(to, signal);
}

async function move(to: Kind, signal: AbortSignal): Promise<number> {
  const config = loadConfig();
  const { draftLog } = config;
  if (draftLog.kind !== 'nats')
    throw new StartupError('Set CADENZA_LOG=nats and CADENZA_NATS_URL, to name the NATS to move from or to.');
  const { url, replicas } = draftLog;
  await using database = await openDatabase(config, createLogger({ ...config, logLevel: 'warn' }), { signal });
  const onProgress = (what: string, drafts: number): void => {
    if (drafts % 1_600 === 0) print(`${drafts} drafts: ${what}`);
  };
  const copied = await moveLogs({ database, nats: { url, replicas }, to, onProgress, signal });
  return print(`${copied} drafts were copied, and the logs are in ${to}. Start the nodes with CADENZA_LOG=${to}.`);
}

const isKind = (text: string | undefined): text is Kind => KINDS.some((kind) => kind === text);

const interrupted =
  'Interrupted. The logs are where they were; run the command again to go on, or move back to give it up.';
await runCommand({ usage: USAGE, interrupted, run });
