import { mkdir, open, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { digestOf } from '../../lib/digest.ts';
import { readArchitecture, type Architecture, type ModelShape } from './architecture.ts';
import { buildDecoderGraph } from './decoder-graph.ts';
import { GgufFile } from './gguf.ts';
import { WeightWriter } from './weights.ts';

export const graphFile = 'decoder.onnx';
const dataFile = 'decoder.onnx.data';
export const shapeFile = 'shape.json';
/** SHA-256 of each of the above, by name. */
export const digestsFile = 'digests.json';
export const digestedFiles = [graphFile, dataFile, shapeFile] as const;

export interface CompileTarget {
  /** A folder of this call's own, which it fills; beside `final`. */
  temporary: string;
  final: string;
}

/**
 * Writes graph, weights and shape into a temporary folder and renames it into place when all is on disk: a folder under
 * its final name is whole, whatever was killed when.
 */
export async function compileInto(
  source: string,
  { temporary, final }: CompileTarget,
  onProgress: (share: number) => void,
): Promise<ModelShape> {
  await using file = await GgufFile.open(source);
  const architecture = readArchitecture(file);
  await mkdir(temporary, { recursive: true });
  try {
    await writeModel(file, temporary, architecture, onProgress);
    await rename(temporary, final).catch(async (error: unknown) => {
      // Another process was faster: what it wrote is the same.
      if (!isNotEmpty(error)) throw error;
      await rm(temporary, { recursive: true, force: true });
    });
    await syncFolder(dirname(final));
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw error;
  }
  return architecture;
}

async function writeModel(
  file: GgufFile,
  folder: string,
  architecture: Architecture,
  onProgress: (share: number) => void,
): Promise<void> {
  const graph = await writeWeights(file, folder, architecture, onProgress);
  await writeFile(join(folder, graphFile), graph, { flush: true });
  await writeFile(join(folder, shapeFile), JSON.stringify(architecture), { flush: true });
  const digests = digestedFiles.map(async (name) => [name, await digestOf(join(folder, name))] as const);
  const text = JSON.stringify(Object.fromEntries(await Promise.all(digests)), null, 2);
  await writeFile(join(folder, digestsFile), text, { flush: true });
}

/** @returns the graph that refers to them */
async function writeWeights(
  file: GgufFile,
  folder: string,
  architecture: Architecture,
  onProgress: (share: number) => void,
): Promise<Uint8Array> {
  await using data = await open(join(folder, dataFile), 'w');
  let done = 0;
  const weights = new WeightWriter(file, data, (elements) => onProgress((done += elements) / architecture.parameters));
  const graph = await buildDecoderGraph(architecture, weights, dataFile);
  await data.sync();
  return graph;
}

function isNotEmpty(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOTEMPTY' || error.code === 'EEXIST');
}

async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const folder = await open(path, 'r');
  await folder.sync().finally(() => folder.close());
}
