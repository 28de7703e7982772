import { createCatalogue } from '../catalogue/catalogue.ts';
import { loadConfig } from '../config.ts';
import { openDatabaseBeside } from '../db/import-database.ts';
import { openWakeups } from '../db/wakeups.ts';
import { systemClock } from '../lib/clock.ts';
import { Disposal } from '../lib/disposal.ts';
import { createLogger } from '../lib/log.ts';
import { createListeners } from '../listeners/listeners.ts';
import { createRecommender } from '../recommend/recommender.ts';
import { parseCommandLine, runCommand } from './command.ts';
import { print } from './display.ts';

const USAGE = `npm run train

  Trains on all feedback in the configured database and makes the result the active version.
  A server that runs on the same database takes it up by itself.`;

async function run(args: string[]): Promise<number> {
  const options = { help: { type: 'boolean', short: 'h' } } as const;
  const { values } = parseCommandLine({ args, options });
  return values.help ? print(USAGE) : train();
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
      if (modelVersion === version) print(`${metric.padEnd(12)}${value.toFixed(4)}`);
    }
    print(`${version} is the active version.`);
    return 0;
  } finally {
    await disposal[Symbol.asyncDispose]();
  }
}

await runCommand({ usage: USAGE, run });
