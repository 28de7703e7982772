import { SingleBar } from 'cli-progress';
import { parseArgs } from 'node:util';
import { loadConfig } from '../config.ts';
import { CadenzaError, InvalidInputError, NotFoundError } from '../lib/errors.ts';
import {
  compileFetched,
  loadModelCatalogue,
  modelsFolder,
  openModelStore,
  type ModelEntry,
  type ModelStore,
} from '../ml/engine.ts';
import { interruption } from './interruption.ts';

const USAGE = `Usage: npm run models -- COMMAND [ID] [--data-dir FOLDER]

  list         the models of the catalogue and what of them is on disk
  pull [ID]    fetch and compile a model, or the default one; goes on where an earlier pull broke off
  verify [ID]  read a model's file, or every file on disk, and compare it with its SHA-256
  remove ID    delete a model's file and what was compiled from it`;

interface Command {
  store: ModelStore;
  catalogue: readonly ModelEntry[];
  id: string | undefined;
  signal: AbortSignal;
}

/** @returns the process's exit code: 0, 1 when a model is damaged or could not be fetched, 2 for a wrong command line */
async function main(args: readonly string[], signal: AbortSignal): Promise<number> {
  const { values, positionals } = readArguments(args);
  const [command, id, ...rest] = positionals;
  if (values.help) return print(USAGE);
  if (rest.length > 0) throw new InvalidInputError(`${rest[0]} is one argument too many`);
  const config = loadConfig();
  const store = openModelStore(modelsFolder(values['data-dir'] ?? config.dataDir));
  const context: Command = { store, catalogue: loadModelCatalogue(config.modelsFile), id, signal };
  switch (command) {
    case 'list':
      return list(context);
    case 'pull':
      return pull(context);
    case 'verify':
      return verify(context);
    case 'remove':
      return remove(context);
    case undefined:
      throw new InvalidInputError('a command is missing');
    default:
      throw new InvalidInputError(`there is no command ${command}`);
  }
}

function readArguments(args: readonly string[]) {
  try {
    const options = { 'data-dir': { type: 'string' }, help: { type: 'boolean', short: 'h' } } as const;
    return parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (error) {
    throw new InvalidInputError((error as Error).message);
  }
}

async function list({ store, catalogue }: Command): Promise<number> {
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
  const { id, name, task, license, file } = entry;
  return [id, name, task, megabytes(file.bytes), license ?? 'unknown', await describeState(store, entry)];
}

async function describeState(store: ModelStore, entry: ModelEntry): Promise<string> {
  switch (await store.check(entry)) {
    case 'whole':
      return 'yes';
    case 'corrupt':
      return 'damaged';
    case 'absent': {
      const share = (await store.bytesOnDisk(entry)) / entry.file.bytes;
      return share > 0 ? `${Math.floor(share * 100)} %` : 'no';
    }
  }
}

async function pull({ store, catalogue, id, signal }: Command): Promise<number> {
  const entry = id === undefined ? firstOf(catalogue) : find(catalogue, id);
  const isThere = (await store.check(entry, signal)) === 'whole';
  if (!isThere) {
    using display = openDisplay(entry.file.bytes, (bytes) => `${megabytes(bytes)} of ${megabytes(entry.file.bytes)}`);
    await store.fetch(entry, { signal, onProgress: display.progress, onStep: display.step });
  }
  await compile(store, entry, signal);
  return print(`${entry.id} is ${isThere ? 'there already' : 'complete'}: ${store.path(entry)}`);
}

/** So that the first start after a pull has nothing left to do. */
async function compile(store: ModelStore, entry: ModelEntry, signal: AbortSignal): Promise<void> {
  using display = openDisplay(1, () => 'compiled');
  await compileFetched(store, entry, { signal, onProgress: display.progress });
}

async function verify({ store, catalogue, id }: Command): Promise<number> {
  const entries = id === undefined ? catalogue : [find(catalogue, id)];
  const states = await Promise.all(entries.map(async (entry) => ({ entry, state: await store.verify(entry) })));
  const checked = id === undefined ? states.filter(({ state }) => state !== 'absent') : states;
  if (checked.length === 0) return print('no model is on disk');
  const words = { whole: 'whole', corrupt: 'damaged: pull it again', absent: 'not on disk' };
  for (const { entry, state } of checked) print(`${entry.id}: ${words[state]}`);
  return checked.every(({ state }) => state === 'whole') ? 0 : 1;
}

async function remove({ store, catalogue, id }: Command): Promise<number> {
  if (id === undefined) throw new InvalidInputError('remove needs the ID of a model');
  const entry = find(catalogue, id);
  const removed = await store.remove(entry);
  return print(removed ? `${entry.id} is removed` : `${entry.id} was not on disk`);
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

interface Display extends Disposable {
  progress: (done: number) => void;
  step: (text: string) => void;
}

/** @param describe what a progress of `done` out of `whole` means */
function openDisplay(whole: number, describe: (done: number) => string): Display {
  return process.stdout.isTTY ? barDisplay(whole, describe) : lineDisplay(whole, describe);
}

function barDisplay(whole: number, describe: (done: number) => string): Display {
  const bar = new SingleBar({ format: '{bar} {percentage} % · {what} · {eta_formatted} left', hideCursor: true });
  return {
    progress(done) {
      if (bar.isActive) bar.update(done, { what: describe(done) });
      else bar.start(whole, done, { what: describe(done) });
    },
    step(text) {
      bar.stop();
      print(text);
    },
    [Symbol.dispose]: () => bar.stop(),
  };
}

/** For logs: a line for each 5 %. */
function lineDisplay(whole: number, describe: (done: number) => string): Display {
  let next = 0;
  return {
    progress(done) {
      const percent = Math.floor((done / whole) * 100);
      if (percent < next) return;
      next = Math.floor(percent / 5) * 5 + 5;
      print(`${percent} % (${describe(done)})`);
    },
    step: print,
    [Symbol.dispose]: () => undefined,
  };
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

function print(text: string): 0 {
  process.stdout.write(`${text}\n`);
  return 0;
}

const interrupted = interruption();
try {
  process.exitCode = await main(process.argv.slice(2), interrupted);
} catch (error) {
  process.exitCode = report(error);
}

function report(error: unknown): number {
  if (interrupted.aborted) {
    process.stderr.write('interrupted: what was fetched stays, and the next pull goes on from there\n');
    return 130;
  }
  if (!(error instanceof CadenzaError)) throw error;
  const hint = error instanceof InvalidInputError ? `\n\n${USAGE}` : '';
  process.stderr.write(`${error.message}${hint}\n`);
  return error instanceof InvalidInputError ? 2 : 1;
}
