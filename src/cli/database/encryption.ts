import { loadConfig } from '../../config.ts';
import type { Database } from '../../db/client.ts';
import { openDatabaseBeside } from '../../db/imports/import-database.ts';
import { masterKeysOf } from '../../db/open.ts';
import { newMasterKey } from '../../db/sealing/master-keys.ts';
import { rewrapDataKeys, selectSealingStatus } from '../../db/sealing/rewrap.ts';
import { sealStoredRows } from '../../db/sealing/seal-rows.ts';
import { StartupError } from '../../lib/errors.ts';
import { createLogger } from '../../lib/log.ts';
import { parseCommandLine, runCommand, UsageError } from '../command.ts';
import { print } from '../display.ts';

const USAGE = `npm run encryption -- COMMAND

  new-key   prints a new master key, for CADENZA_MASTER_KEY or a file
  status    says which master keys are in use, and how much is stored as it was written
  seal      encrypts what was stored before there was a master key
  rewrap    after a new master key was put before the others: wraps all data keys with it. Afterwards the others can go

  seal and rewrap may run beside the server, and be interrupted and repeated. docs/privacy.md says more.`;

async function run(args: string[], signal: AbortSignal): Promise<number> {
  const options = { help: { type: 'boolean', short: 'h' } } as const;
  const { values, positionals } = parseCommandLine({ args, options, allowPositionals: true });
  if (values.help) return print(USAGE);
  const [command, ...rest] = positionals;
  if (rest.length > 0) throw new UsageError('one command at a time');
  if (command === 'new-key') return print(newMasterKey());
  const work = commands[command ?? ''];
  if (!work) throw new UsageError(command === undefined ? 'a command is missing' : `there is no command ${command}`);
  const config = loadConfig();
  const log = createLogger({ ...config, logLevel: 'error' });
  await using database = await openDatabaseBeside(config, log, { signal });
  const masters = await masterKeysOf(config);
  if (!masters) throw new StartupError('There is no master key: set CADENZA_MASTER_KEY, which new-key prints.');
  return print(await work({ database, masters, signal }));
}

interface Work {
  database: Database;
  masters: NonNullable<Awaited<ReturnType<typeof masterKeysOf>>>;
  signal: AbortSignal;
}

const commands: Record<string, (work: Work) => Promise<string>> = {
  status: async ({ database, masters }) => {
    const { keys, open } = await selectSealingStatus(database);
    const used = keys.map(({ master, keys: n }) => `${master}${master === masters.currentId ? ' (in use)' : ''}: ${n}`);
    return [
      `Data keys by master key: ${used.join(', ') || 'none yet'}`,
      `Rows as they were written: ${Object.entries(open)
        .map(([table, n]) => `${table} ${n}`)
        .join(', ')}`,
    ].join('\n');
  },
  seal: async ({ database, signal }) => {
    const { listeners, drafts, lists, documents, versions, assists } = await sealStoredRows(database, signal);
    return (
      `Encrypted: ${listeners} listeners, ${drafts} drafts with their events, ${lists} lists, ${documents} documents with their ` +
      `updates, ${versions} versions of documents, ${assists} assists. PostgreSQL overwrites what they were when it uses the space again; VACUUM FULL does so now.`
    );
  },
  rewrap: async ({ database, masters }) =>
    `${await rewrapDataKeys(database, masters)} data keys are wrapped with ${masters.currentId} now. The other master keys are needed no more.`,
};

await runCommand({ usage: USAGE, interrupted: 'Interrupted. Run the command again to go on.', run });
