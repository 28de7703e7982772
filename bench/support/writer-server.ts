import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { loadModelCatalogue, modelsFolder, openFetched, openModelStore } from '../../src/ml/engine.ts';
import { type ServerProcess, startCadenza, stop } from './processes.ts';

export type PreparedModel = Awaited<ReturnType<typeof prepareModel>>;

/** The default writer, fetched and compiled where a server started here would look for it. */
export async function prepareModel() {
  const dataDir = resolve(process.env.CADENZA_DATA_DIR ?? '.cadenza');
  const entry = loadModelCatalogue().find(({ task }) => task === 'TEXT_GENERATION');
  if (!entry) throw new Error('no model of the catalogue writes texts');
  const store = openModelStore(modelsFolder(dataDir));
  const { signal } = new AbortController();
  const ggufPath = await store.fetch(entry, { signal, onStep: (step) => console.log(step) });
  const { model: compiled } = await openFetched(store, entry, { signal });
  return { dataDir, modelsDir: modelsFolder(dataDir), entry, ggufPath, compiled };
}

export interface WriterServerOptions {
  /** Holds the compiled model. */
  modelsDir: string;
  threads: number;
  nodeArguments?: readonly string[];
}

export interface WriterServer extends ServerProcess, AsyncDisposable {
  wsUrl: string;
}

/**
 * A new server with the writer, ready to write: database and data folder of its own, in which the model is the one that is
 * there; the demo, and the recommender that is trained on it, as a user has them.
 */
export async function startWriterServer(options: WriterServerOptions): Promise<WriterServer> {
  const { modelsDir, threads, nodeArguments = [] } = options;
  const folder = await mkdtemp(join(tmpdir(), 'cadenza-bench-server-'));
  await mkdir(join(folder, 'data'));
  await symlink(modelsDir, join(folder, 'data', 'models'));
  const env = { CADENZA_THREADS: String(threads), CADENZA_QUEUE: '64' };
  const server = await startCadenza({ dataDir: join(folder, 'data'), env, nodeArguments });
  await server.said(/"(?!Cadenza )[^"]* is ready"/);
  await server.said(/The recommender is trained/);
  return {
    ...server,
    wsUrl: server.url.replace('http', 'ws'),
    async [Symbol.asyncDispose]() {
      await stop(server.process);
      await rm(folder, { recursive: true, force: true });
    },
  };
}
