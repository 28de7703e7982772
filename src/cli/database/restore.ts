import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Config, loadConfig } from '../../config.ts';
import { readManifest } from '../../db/backup/manifest.ts';
import { checkFits, restoreBackup } from '../../db/backup/read-backup.ts';
import { masterKeysOf, openDatabase } from '../../db/open.ts';
import { createLogger } from '../../lib/log.ts';
import { parseCommandLine, runCommand, UsageError } from '../command.ts';
import { print } from '../display.ts';

const USAGE = `npm run restore -- --from FOLDER

  Puts a backup of npm run backup into the configured database, which has to be empty: all of it or nothing. The master key of the
  time has to be configured, or be in the data folder as master.key. Start the nodes afterwards: drafts go on where the backup
  ends, and readers with their cursors; those that had seen more are told.`;

async function run(args: string[], signal: AbortSignal): Promise<number> {
  const options = { from: { type: 'string' }, help: { type: 'boolean', short: 'h' } } as const;
  const { values } = parseCommandLine({ args, options });
  if (values.help) return print(USAGE);
  if (!values.from) throw new UsageError('--from names the folder of a backup');
  const config = loadConfig();
  const manifest = await readManifest(values.from);
  checkFits(manifest, await keysOf(config));
  await using database = await openDatabase(config, createLogger({ ...config, logLevel: 'warn' }), { signal });
  await restoreBackup(database, { folder: values.from, manifest }, signal);
  const rows = manifest.tables.reduce((sum, table) => sum + table.rows, 0);
  print(`${rows} rows of ${manifest.createdAt} are restored. Start the nodes.`);
  if (manifest.draftLog === 'nats')
    print('The logs of the drafts are in NATS JetStream: restore its stream too, in any order.');
  return 0;
}

/** Makes no new key for a data folder that has none: the backup's would not fit beside it. */
const keysOf = (config: Config) =>
  config.masterKey === null && !existsSync(join(config.dataDir, 'master.key')) ? null : masterKeysOf(config);

await runCommand({ usage: USAGE, interrupted: 'Interrupted; the database is as it was.', run });
