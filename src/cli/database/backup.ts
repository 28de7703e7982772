import { loadConfig } from '../../config.ts';
import { openRunning } from '../../db/backup/open-running.ts';
import { writeBackup } from '../../db/backup/write-backup.ts';
import { createLogger } from '../../lib/log.ts';
import { parseCommandLine, runCommand, UsageError } from '../command.ts';
import { print } from '../display.ts';

const USAGE = `npm run backup -- --to FOLDER

  Copies the configured database into a new folder, as of one moment, while the nodes go on serving. npm run restore -- --from FOLDER
  puts it into an empty database. pg_dump and base backups do as well, and the latter are faster for large databases.

  Not in it: the master key, without which what people wrote cannot be read; models, which are fetched again; and the drafts' logs
  where they are in NATS JetStream, which nats stream backup copies.`;

async function run(args: string[], signal: AbortSignal): Promise<number> {
  const options = { to: { type: 'string' }, help: { type: 'boolean', short: 'h' } } as const;
  const { values } = parseCommandLine({ args, options });
  if (values.help) return print(USAGE);
  if (!values.to) throw new UsageError('--to names the folder to make');
  const config = loadConfig();
  await using database = await openRunning(config, createLogger({ ...config, logLevel: 'warn' }));
  const { tables, masters, draftLog } = await writeBackup(database, values.to, signal);
  const rows = tables.reduce((sum, table) => sum + table.rows, 0);
  print(`${rows} rows of ${tables.length} tables are in ${values.to}.`);
  if (masters.length > 0)
    print(
      `Its texts are encrypted with the master key ${masters.join(', ')}, which is not in it: keep a copy elsewhere.`,
    );
  if (draftLog === 'nats')
    print('The logs of the drafts are in NATS JetStream: back up its stream too (nats stream backup).');
  return 0;
}

await runCommand({ usage: USAGE, interrupted: 'Interrupted; nothing was kept.', run });
