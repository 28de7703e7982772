import { totalmem } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import type { Config } from '../../config.ts';
import {
  addedModelsFile,
  examineModel,
  fetchOffer,
  isAdded,
  loadModelCatalogue,
  type ModelEntry,
  type ModelOffer,
  modelsFolder,
  type ModelStore,
  preferModel,
  recordModel,
  writeFirstText,
} from '../../ml/engine.ts';
import { UsageError, visible } from '../command.ts';
import { megabytes, openDisplay, print } from '../display.ts';

export interface AddOptions {
  config: Config;
  dataDir: string;
  store: ModelStore;
  signal: AbortSignal;
  /** Null: made from the source's name. */
  id: string | null;
  weights: string;
  /** Nobody is asked. */
  yes: boolean;
  /** Makes it the default for texts. */
  isDefault: boolean;
}

/** Adds a model from wherever it is: `npm run models -- add SOURCE`. @returns the exit status */
export async function addModel(source: string, options: AddOptions): Promise<number> {
  const { config, dataDir, signal } = options;
  const entries = loadModelCatalogue({ own: config.modelsFile, added: addedModelsFile(dataDir) });
  const addition = await examineModel(source, {
    ...{ network: config.network, signal, id: options.id, weights: weightsOf(options.weights) },
    folder: join(modelsFolder(dataDir), `.look-${process.pid}`),
    isTaken: (id) => entries.some((entry) => entry.id === id) && !isAdded(dataDir, id),
  });
  for (const line of describe(addition)) print(line);
  if (!options.yes && !(await mayGoOn(signal))) return print('nothing was fetched');
  const entry = await fetch(addition, options);
  await writeSentence(entry, options);
  await recordModel(dataDir, entry, signal);
  if (options.isDefault) await preferModel(dataDir, entry.id, signal);
  return print(conclusion(entry, options));
}

const WEIGHTS = ['int8', 'int4', 'float'] as const;

function weightsOf(text: string): ModelEntry['weights'] {
  const found = WEIGHTS.find((weights) => weights === text);
  if (found) return found;
  throw new UsageError(`--weights ${text} is none of ${WEIGHTS.join(', ')}`);
}

/** What people decide by. Texts of the source's are printed without what would control the terminal. */
function describe(addition: ModelOffer): string[] {
  const { id, name, family, license, parameters, context, bytes, memory, weights, version } = addition;
  const rows: [string, string][] = [
    ['Model', `${name} (${version})`],
    ['Id', id],
    ['Family', family ?? 'told by its ONNX graph, when it is here'],
    ['Size', `${parameters === null ? '' : `${millions(parameters)} parameters, `}${megabytes(bytes)} to fetch`],
    ['Licence', license ?? 'not stated: see where it comes from'],
    ['Context', `${context} tokens`],
    ...(memory ? [['Memory', memoryOf(memory, weights)] satisfies [string, string]] : []),
  ];
  return rows.map(([title, text]) => `${title.padEnd(9)}${visible(text)}`);
}

function memoryOf(memory: NonNullable<ModelOffer['memory']>, weights: string): string {
  const { draft, draftTokens } = memory;
  const told = `${megabytes(memory.weights)} with weights in ${weights}, and ${megabytes(draft)} for each draft of ${draftTokens} tokens`;
  const machine = totalmem();
  return memory.weights + draft < machine / 2
    ? told
    : `${told}: more than half of this machine’s ${megabytes(machine)}; --weights int4 takes about half`;
}

function millions(count: number): string {
  return count >= 1e9 ? `${(count / 1e9).toFixed(1)} billion` : `${(count / 1e6).toFixed(1)} million`;
}

async function mayGoOn(signal: AbortSignal): Promise<boolean> {
  if (!process.stdin.isTTY) throw new UsageError('nobody can be asked here: say --yes to fetch it');
  const lines = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return /^y(es)?$/i.test((await lines.question('Fetch it? [y/N] ', { signal })).trim());
  } finally {
    lines.close();
  }
}

async function fetch(addition: ModelOffer, { dataDir, store, signal }: AddOptions): Promise<ModelEntry> {
  using display = openDisplay();
  const whole = addition.bytes;
  return await fetchOffer(addition, store, {
    signal,
    isAdded: isAdded(dataDir, addition.id),
    onProgress: (done) => display.progress({ done, whole, what: `${megabytes(done)} of ${megabytes(whole)}` }),
    onStep: (step) => display.step(visible(step)),
  });
}

const PROMPT = 'Write one short sentence about the sea at night.';
const MAX_TOKENS = 48;

/** Compiles it, and shows and measures that it writes. */
async function writeSentence(entry: ModelEntry, { config, store, signal }: AddOptions): Promise<void> {
  using display = openDisplay();
  let text = '';
  const usage = await writeFirstText(entry, {
    ...{ store, threads: config.threads, prompt: PROMPT, maxTokens: MAX_TOKENS, signal },
    onProgress: (share) => display.progress({ done: share, whole: 1, what: 'compiled' }),
    onText: (more) => (text += more),
  });
  const speed = usage.tokensPerSecond === null ? '' : ` (${usage.tokensPerSecond.toFixed(1)} tokens/s)`;
  display.step(`first text${speed}: ${visible(text.trim().replace(/\s+/g, ' '))}`);
}

function conclusion({ id, task }: ModelEntry, { config, dataDir }: AddOptions): string {
  const entries = loadModelCatalogue({ own: config.modelsFile, added: addedModelsFile(dataDir) });
  const isDefault = entries.find((entry) => entry.task === task)?.id === id;
  const then = isDefault
    ? 'drafts are written with it by default'
    : `npm run models -- default ${id} makes it the default`;
  return `${id} is added; ${then}. A running server takes it up within seconds`;
}
