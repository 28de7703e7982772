import { createCatalogue } from '../catalogue/catalogue.ts';
import { loadConfig } from '../config.ts';
import { openDatabaseBeside } from '../db/import-database.ts';
import { openWakeups } from '../db/wakeups.ts';
import { systemClock } from '../lib/clock.ts';
import { Disposal } from '../lib/disposal.ts';
import { StartupError } from '../lib/errors.ts';
import { createLogger } from '../lib/log.ts';
import { createListeners } from '../listeners/listeners.ts';
import { createRecommender } from '../recommend/recommender.ts';

const USAGE = `npm run train

  Trains on all feedback in the configured database and makes the result the active version.
  A server that runs on the same database takes it up by itself.`;

process.exitCode = await run(process.argv.slice(2));

async function run(args: readonly string[]): Promise<number> {
  if (args.length > 0) {
    const isHelp = args.includes('--help') || args.includes('-h');
    console[isHelp ? 'log' : 'error'](isHelp ? USAGE : `Nothing can be told to it.\n\n${USAGE}`);
    return isHelp ? 0 : 2;
  }
  return train().catch((error: unknown) => {
    if (!(error instanceof StartupError)) throw error;
    console.error(error.message);
    return 1;
  });
}

async function train(): Promise<number> {
  const config = loadConfig();
  const log = createLogger(config);
  const disposal = new Disposal();
  try {
    const database = disposal.use(await openDatabaseBeside(config, log));
    const wakeups = disposal.use(await openWakeups(database, log));
    const parts = { database, wakeups, clock: systemClock, log };
    const catalogue = createCatalogue(parts);
    const listeners = createListeners(parts);
    const recommender = disposal.use(await createRecommender({ ...parts, catalogue, listeners }));
    const version = await recommender.train();
    for (const { modelVersion, metric, value } of await recommender.evaluations(20)) {
      if (modelVersion === version) console.log(`${metric.padEnd(12)}${value.toFixed(4)}`);
    }
    console.log(`${version} is the active version.`);
    return 0;
  } finally {
    await disposal[Symbol.asyncDispose]();
  }
}
