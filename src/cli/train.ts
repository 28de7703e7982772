import { createCatalogue } from '../catalogue/catalogue.ts';
import { loadConfig } from '../config.ts';
import { openDatabaseBeside } from '../db/imports/import-database.ts';
import { openWakeups } from '../db/wakeups.ts';
import { Disposal } from '../lib/async/disposal.ts';
import { systemClock } from '../lib/clock.ts';
import { createLogger } from '../lib/log.ts';
import { createListeners } from '../listeners/listeners.ts';
import { createRecommender, type Recommender } from '../recommend/recommender.ts';
import { parseCommandLine, runCommand, visible } from './command.ts';
import { openDisplay, print } from './display.ts';
import { runClassifierTraining } from './language/train-classifier.ts';
import { runTunes } from './train-tunes.ts';

const USAGE = `npm run train [-- --list | --activate VERSION]
npm run train -- tunes --corpus FILE …   (--help says more)
npm run train -- classifier --data FILE   (--help says more)

  Chooses the model's settings on held-out feedback of the configured database, trains, and activates the
  result unless the current version predicts the newest feedback better. A server on the same database
  switches to it by itself.

  --list               list the versions, newest first, and the data that they were trained on
  --activate VERSION   activate one of the last five versions`;

async function run(args: string[], signal: AbortSignal): Promise<number> {
  if (args[0] === 'tunes') return runTunes(args.slice(1), signal);
  if (args[0] === 'classifier') return runClassifierTraining(args.slice(1), signal);
  const options = {
    list: { type: 'boolean', default: false },
    activate: { type: 'string' },
    help: { type: 'boolean', short: 'h' },
  } as const;
  const { values } = parseCommandLine({ args, options });
  if (values.help) return print(USAGE);
  const { activate } = values;
  if (values.list) return withRecommender(list);
  return withRecommender((recommender) =>
    activate === undefined ? train(recommender, signal) : use(recommender, activate),
  );
}

async function list(recommender: Recommender): Promise<number> {
  for (const { version, trainedAt, isActive, isKept, parameters } of await recommender.versions(100)) {
    const state = isActive ? 'active' : isKept ? 'kept' : 'gone';
    const { listeners, tracks } = parameters;
    print(`${version}  ${trainedAt.toISOString()}  ${state.padEnd(6)}  ${listeners} listeners, ${tracks} tracks`);
  }
  return 0;
}

async function use(recommender: Recommender, version: string): Promise<number> {
  await recommender.activate(version);
  return print(`${visible(version)} is the active version.`);
}

async function train(recommender: Recommender, signal: AbortSignal): Promise<number> {
  using display = openDisplay();
  const version = await recommender.train({ signal, report: display.progress });
  for (const { modelVersion, metric, value } of await recommender.evaluations(20)) {
    if (modelVersion === version) display.step(`${metric.padEnd(12)}${value.toFixed(4)}`);
  }
  const isActive = (await recommender.versions(1)).some((newest) => newest.version === version && newest.isActive);
  const outcome = isActive
    ? 'is the active version'
    : 'was stored but predicts worse than the active version, which stays active';
  display.step(`${version} ${outcome}.`);
  return 0;
}

async function withRecommender(work: (recommender: Recommender) => Promise<number>): Promise<number> {
  const config = loadConfig();
  const log = createLogger(config);
  const disposal = new Disposal();
  try {
    const database = disposal.use(await openDatabaseBeside(config, log));
    const wakeups = disposal.use(await openWakeups(database, log));
    const parts = { database, wakeups, clock: systemClock, log };
    const catalogue = createCatalogue(parts);
    const listeners = createListeners(parts);
    const recommender = disposal.use(
      await createRecommender({ ...parts, catalogue, listeners, trainsByItself: false }),
    );
    return await work(recommender);
  } finally {
    await disposal[Symbol.asyncDispose]();
  }
}

const interrupted = 'Interrupted: nothing has been changed. A training of tunes goes on from its checkpoint.';
await runCommand({ usage: USAGE, interrupted, run });
