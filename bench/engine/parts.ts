import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { acquiring, type Disposal } from '../../src/lib/disposal.ts';
import {
  compileFetched,
  loadModelCatalogue,
  modelsFolder,
  openModelStore,
  type ModelEntry,
  type ModelStore,
} from '../../src/ml/engine.ts';
import { startGraphqlSide, type GraphqlSide } from './graphql-side.ts';
import { writeHuggingFaceLayout } from './hugging-face-layout.ts';
import type { Options, SideName } from './options.ts';
import { installPeers } from './peers.ts';
import { openPrompts, type Prompts } from './prompts.ts';
import { startCallee, startSide, type Callee, type Side } from './side.ts';

/** Of every side's inference. */
export const THREADS = 2;
const SLOTS = 16;

/** The sides that were asked for, and what else is measured. */
export interface Parts extends AsyncDisposable {
  sides: ReadonlyMap<SideName, Side>;
  /** One of the sides, when it is asked for. */
  graphql: GraphqlSide | null;
  /** Our compiled graph alone. */
  kernels: Callee | null;
  prompts: Prompts;
}

export async function startParts({ only }: Options, folder: string): Promise<Parts> {
  const model = await prepareModel();
  if (spawnSync('npm', ['run', '--silent', 'build'], { stdio: 'inherit' }).status !== 0)
    throw new Error('our own code cannot be built: see above');
  if (only.includes('llama') || only.includes('transformers')) installPeers();
  if (only.includes('transformers')) await writeHuggingFaceLayout(model.compiled, folder);
  const prompts = await openPrompts(model.ggufPath);
  return acquiring(async (disposal) => {
    const sides = new Map<SideName, Side>();
    for (const name of only) sides.set(name, await startNamed(name, disposal, model, folder));
    const kernels = only.includes('raw') ? disposal.use(await startKernels(model)) : null;
    const graphql = (sides.get('graphql') ?? null) as GraphqlSide | null;
    return { sides, graphql, kernels, prompts, [Symbol.asyncDispose]: () => disposal[Symbol.asyncDispose]() };
  });
}

type PreparedModel = Awaited<ReturnType<typeof prepareModel>>;

/** The default writer, fetched and compiled where a server started here would look for it. */
async function prepareModel() {
  const dataDir = resolve(process.env.CADENZA_DATA_DIR ?? '.cadenza');
  const entry = loadModelCatalogue().find(({ task }) => task === 'TEXT_GENERATION') as ModelEntry;
  const store: ModelStore = openModelStore(modelsFolder(dataDir));
  const { signal } = new AbortController();
  const ggufPath = await store.fetch(entry, { signal, onStep: (step) => console.log(step) });
  return { dataDir, entry, ggufPath, compiled: await compileFetched(store, entry, { signal }) };
}

async function startNamed(name: SideName, disposal: Disposal, model: PreparedModel, folder: string): Promise<Side> {
  const { dataDir, entry, ggufPath } = model;
  const threads = THREADS;
  switch (name) {
    case 'raw':
      return disposal.use(await startSide('cadenza-engine.ts', { dataDir, modelId: entry.id, threads, slots: SLOTS }));
    case 'graphql':
      return disposal.use(await startGraphqlSide({ modelsDir: modelsFolder(dataDir), threads }));
    case 'llama':
      return disposal.use(await startSide('node-llama-cpp.mjs', { ggufPath, threads }));
    case 'transformers':
      return disposal.use(await startSide('transformers-js.mjs', { folder, threads }));
  }
}

function startKernels({ compiled }: PreparedModel): Promise<Callee> {
  return startCallee('cadenza-kernels.ts', { compiled, threads: THREADS });
}
