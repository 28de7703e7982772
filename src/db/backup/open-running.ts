import { StartupError } from '../../lib/errors.ts';
import type { Logger } from '../../lib/log.ts';
import { connect, type Database } from '../client.ts';
import { examineDatabase } from '../connection/examination.ts';
import { runningUrl } from '../embedded/running-url.ts';
import { USUAL_SCHEMA } from '../migrations.ts';
import { DATABASE, type DatabaseConfig, openDatabase } from '../open.ts';

/**
 * Opens the configured database beside the nodes that use it, and does not migrate it. The embedded one is started if it does
 * not run.
 * @throws StartupError
 */
export async function openRunning(config: DatabaseConfig, log: Logger): Promise<Database> {
  const url = config.databaseUrl ?? (await runningUrl(config.dataDir, DATABASE));
  const found = await examineDatabase(config, ({ isCurrent }) => Promise.resolve({ isCurrent }));
  if (url === null || !found) return openDatabase(config, log);
  if (!found.isCurrent)
    throw new StartupError('The tables are not those of this build: use the build that serves them.');
  return connect(url, { connections: 1, schema: config.databaseSchema ?? USUAL_SCHEMA });
}
