import { loadConfig } from '../config.ts';
import { NotFoundError } from '../lib/errors.ts';
import {
  bytesOf,
  loadModelCatalogue,
  type ModelEntry,
  modelsFolder,
  type ModelStore,
  openFetched,
  openModelStore,
} from '../ml/engine.ts';
import { parseCommandLine, runCommand, UsageError } from './command.ts';
import { megabytes, openDisplay, print } from './display.ts';

const USAGE = `Usage: npm run models -- COMMAND [ID] [--data-dir FOLDER]

  list         list the models of the catalogue and their state on disk
  pull [ID]    fetch and compile a model (by default the default model); resumes an interrupted pull
  verify [ID]  check the SHA-256 of a model's files (by default of every model on disk)
  remove ID    delete a model's files and its compiled form`;

interface Task {
  store: ModelStore;
  catalogue: readonly ModelEntry[];
  id: string | undefined;
  signal: AbortSignal;
}

async function run(args: string[], signal: AbortSignal): Promise<number> {
  const options = { 'data-dir': { type: 'string' }, help: { type: 'boolean', short: 'h' } } as const;
  const { values, positionals } = parseCommandLine({ args, options, allowPositionals: true });
  const [command, id, ...rest] = positionals;
  if (values.help) return print(USAGE);
  if (rest.length > 0) throw new UsageError(`${rest[0]} is an unexpected argument`);
  const config = loadConfig();
  const store = openModelStore(modelsFolder(values['data-dir'] ?? config.dataDir), { network: config.network });
  const task: Task = { store, catalogue: loadModelCatalogue(config.modelsFile), id, signal };
  switch (command) {
    case 'list':
      return list(task);
    case 'pull':
      return pull(task);
    case 'verify':
      return verify(task);
    case 'remove':
      return remove(task);
    case undefined:
      throw new UsageError('a command is missing');
    default:
      throw new UsageError(`there is no command ${command}`);
  }
}

async function list({ store, catalogue }: Task): Promise<number> {
  const rows = await Promise.all(catalogue.map((entry) => describe(store, entry)));
  const header = ['ID', 'NAME', 'TASK', 'SIZE', 'LICENSE', 'ON DISK'];
  const widths = header.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]?.length ?? 0)));
  for (const row of [header, ...rows])
    print(
      row
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join('  ')
        .trimEnd(),
    );
  return 0;
}

async function describe(store: ModelStore, entry: ModelEntry): Promise<string[]> {
  const { id, name, task, license } = entry;
  return [id, name, task, megabytes(bytesOf(entry)), license ?? 'unknown', await describeState(store, entry)];
}

async function describeState(store: ModelStore, entry: ModelEntry): Promise<string> {
  switch (await store.check(entry)) {
    case 'whole':
      return 'yes';
    case 'corrupt':
      return 'damaged';
    case 'absent': {
      const share = (await store.bytesOnDisk(entry)) / bytesOf(entry);
      return share > 0 ? `${Math.floor(share * 100)} %` : 'no';
    }
  }
}

async function pull({ store, catalogue, id, signal }: Task): Promise<number> {
  const entry = id === undefined ? firstOf(catalogue) : find(catalogue, id);
  const isThere = (await store.check(entry, signal)) === 'whole';
  if (!isThere) {
    using display = openDisplay();
    const whole = bytesOf(entry);
    const onProgress = (done: number): void =>
      display.progress({ done, whole, what: `${megabytes(done)} of ${megabytes(whole)}` });
    await store.fetch(entry, { signal, onProgress, onStep: display.step });
  }
  await compile(store, entry, signal);
  return print(`${entry.id} is ${isThere ? 'there already' : 'complete'}: ${store.path(entry)}`);
}

/** Compiles at once, so that the first start after a pull has nothing left to do. */
async function compile(store: ModelStore, entry: ModelEntry, signal: AbortSignal): Promise<void> {
  // An encoder's graph runs as it is.
  if (entry.task === 'EMBEDDING') return;
  using display = openDisplay();
  const onProgress = (share: number): void => display.progress({ done: share, whole: 1, what: 'compiled' });
  await openFetched(store, entry, { signal, onProgress });
}

async function verify({ store, catalogue, id }: Task): Promise<number> {
  const entries = id === undefined ? catalogue : [find(catalogue, id)];
  const states = await Promise.all(entries.map(async (entry) => ({ entry, state: await store.verify(entry) })));
  const checked = id === undefined ? states.filter(({ state }) => state !== 'absent') : states;
  if (checked.length === 0) return print('no model is on disk');
  const words = { whole: 'whole', corrupt: 'damaged: pull it again', absent: 'not on disk' };
  for (const { entry, state } of checked) print(`${entry.id}: ${words[state]}`);
  return checked.every(({ state }) => state === 'whole') ? 0 : 1;
}

async function remove({ store, catalogue, id }: Task): Promise<number> {
  if (id === undefined) throw new UsageError('remove needs the ID of a model');
  const entry = find(catalogue, id);
  const removed = await store.remove(entry);
  return print(removed ? `${entry.id} was removed` : `${entry.id} was not on disk`);
}

function find(catalogue: readonly ModelEntry[], id: string): ModelEntry {
  const entry = catalogue.find((one) => one.id === id);
  if (entry) return entry;
  const known = catalogue.map((one) => one.id).join(', ');
  throw new NotFoundError(`there is no model ${id} in the catalogue; there are ${known}`, id);
}

function firstOf(catalogue: readonly ModelEntry[]): ModelEntry {
  const [first] = catalogue;
  if (first) return first;
  throw new NotFoundError('the catalogue is empty');
}

await runCommand({
  usage: USAGE,
  interrupted: 'interrupted: fetched data is kept, and the next pull resumes it',
  run,
});
