import { loadConfig } from '../../config.ts';
import { openDatabase } from '../../db/open.ts';
import { createLogger } from '../../lib/log.ts';
import { parseCommandLine, runCommand } from '../command.ts';
import { print } from '../display.ts';

const USAGE = `npm run migrate

  Brings the tables of the configured database up to date, as each start does: for a server whose own user may create nothing.
  Run it as a user who may, with DATABASE_URL, before the server is started or updated.`;

async function run(args: string[]): Promise<number> {
  const { values } = parseCommandLine({ args, options: { help: { type: 'boolean', short: 'h' } } });
  if (values.help) return print(USAGE);
  const config = loadConfig(process.env);
  await using _ = await openDatabase(config, createLogger({ ...config, logLevel: 'warn' }));
  return print('The tables are up to date.');
}

await runCommand({ usage: USAGE, run });
