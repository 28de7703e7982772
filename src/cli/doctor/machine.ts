import { once } from 'node:events';
import { constants } from 'node:fs';
import { access, statfs } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname } from 'node:path';
import type { Config } from '../../config.ts';
import {
  addedModelsFile,
  examineDevice,
  loadModelCatalogue,
  type ModelEntry,
  modelsFolder,
  openModelStore,
} from '../../ml/engine.ts';
import { findingsOf, note, type Observation, right, wrong } from './findings.ts';

const OLDEST_NODE = [20, 19] as const;
const GIGABYTE = 1e9;
const LEAST_BYTES = GIGABYTE / 10;
const FEW_BYTES = 2 * GIGABYTE;

/** Node.js, the data folder's disk, the port, ONNX Runtime, the device and the models. */
export async function examineMachine(config: Config): Promise<Observation[]> {
  const writes = config.role !== 'api';
  return [
    nodeVersion(),
    ...(await findingsOf('disk', () => disk(config))),
    ...(await findingsOf('port', () => port(config))),
    ...(writes ? await findingsOf('library', () => device(config)) : []),
    ...(writes ? await findingsOf('models', () => models(config)) : []),
  ];
}

function nodeVersion(): Observation {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const [oldest, oldestMinor] = OLDEST_NODE;
  return major > oldest || (major === oldest && minor >= oldestMinor)
    ? right('node', process.version)
    : wrong('node', `${process.version} is too old: install Node.js 24`);
}

/** The first start creates the folder, so the nearest one that exists tells. */
async function disk({ dataDir }: Config): Promise<Observation[]> {
  const folder = await existing(dataDir);
  await access(folder, constants.W_OK | constants.X_OK).catch(() => {
    throw new Error(`${folder} cannot be written by this user: own it, or set CADENZA_DATA_DIR to another`);
  });
  const { bavail, bsize } = await statfs(folder);
  const says = `${((bavail * bsize) / GIGABYTE).toFixed(1)} GB are free for ${dataDir}`;
  if (bavail * bsize < LEAST_BYTES)
    return [wrong('disk', `${says}: make room, or set CADENZA_DATA_DIR to another disk`)];
  return [bavail * bsize < FEW_BYTES ? note('disk', `${says}: a model and a demo need 2 GB`) : right('disk', says)];
}

async function existing(folder: string): Promise<string> {
  const isThere = await access(folder).then(
    () => true,
    () => false,
  );
  return isThere || dirname(folder) === folder ? folder : existing(dirname(folder));
}

async function port({ host, port: wanted }: Config): Promise<Observation[]> {
  const server = createServer();
  try {
    server.listen(wanted, host);
    await once(server, 'listening');
    return [right('port', `${wanted} is free on ${host}`)];
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    if (code === 'EADDRINUSE' && (await isCadenza(host, wanted)))
      return [note('port', `a server of Cadenza answers at ${wanted} on ${host} already`)];
    return [wrong('port', `${wanted} on ${host} cannot be listened to (${code}): choose another with PORT or HOST`)];
  } finally {
    server.close();
  }
}

async function isCadenza(host: string, wanted: number): Promise<boolean> {
  const name = { '0.0.0.0': '127.0.0.1', '::': '[::1]' }[host] ?? (host.includes(':') ? `[${host}]` : host);
  try {
    const answer = await fetch(`http://${name}:${wanted}/health/live`, { signal: AbortSignal.timeout(2_000) });
    return (await answer.text()).includes('"live"');
  } catch {
    return false;
  }
}

function device({ device: choice, dataDir }: Config): Observation[] {
  const notes: string[] = [];
  const { version, type } = examineDevice({ choice, dataDir, log: { info: (text: string) => notes.push(text) } });
  const found = [right('library', `ONNX Runtime ${version} loads`)];
  if (choice === 'cpu') return [...found, right('device', 'the CPU, as configured')];
  const [why = ''] = notes;
  return [...found, type === 'cuda' ? right('device', 'the GPU') : right('device', why)];
}

/** The models that a node uses by itself: the first of each task. All of their bytes are read. */
async function models({ dataDir, modelsFile, network, fetchModels }: Config): Promise<Observation[]> {
  const store = openModelStore(modelsFolder(dataDir), { network });
  const firsts = new Map<string, ModelEntry>();
  for (const entry of loadModelCatalogue({ own: modelsFile, added: addedModelsFile(dataDir) }))
    if (!firsts.has(entry.task)) firsts.set(entry.task, entry);
  const found: Observation[] = [];
  for (const entry of firsts.values()) {
    const state = await store.verify(entry);
    if (state === 'whole') found.push(right('models', `${entry.id} is whole (SHA-256)`));
    else if (state === 'corrupt')
      found.push(wrong('models', `${entry.id} is damaged: npm run models -- pull ${entry.id}`));
    else if (fetchModels)
      found.push(note('models', `${entry.id} is not here: the server fetches it in the background`));
    else found.push(note('models', `${entry.id} is not here: npm run models -- pull ${entry.id}`));
  }
  return found;
}
