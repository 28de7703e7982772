import { spawnSync } from 'node:child_process';
import { acquiring, type Disposal } from '../../src/lib/async/disposal.ts';
import { type PreparedModel, prepareModel } from '../support/writer-server.ts';
import { type GraphqlSide, startGraphqlSide } from './graphql-side.ts';
import { writeHuggingFaceLayout } from './hugging-face-layout.ts';
import type { Options, SideName } from './options.ts';
import { installPeers } from './peers.ts';
import { openPrompts, type Prompts } from './prompts.ts';
import { type Callee, type Side, startCallee, startSide } from './side.ts';

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

async function startNamed(name: SideName, disposal: Disposal, model: PreparedModel, folder: string): Promise<Side> {
  const { dataDir, modelsDir, entry, ggufPath } = model;
  const threads = THREADS;
  switch (name) {
    case 'raw':
      return disposal.use(await startSide('cadenza-engine.ts', { dataDir, modelId: entry.id, threads, slots: SLOTS }));
    case 'graphql':
      return disposal.use(await startGraphqlSide({ modelsDir, threads }));
    case 'llama':
      return disposal.use(await startSide('node-llama-cpp.mjs', { ggufPath, threads }));
    case 'transformers':
      return disposal.use(await startSide('transformers-js.mjs', { folder, threads }));
  }
}

function startKernels({ compiled }: PreparedModel): Promise<Callee> {
  return startCallee('cadenza-kernels.ts', { compiled, threads: THREADS });
}
