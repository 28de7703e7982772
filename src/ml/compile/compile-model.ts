import { mkdir, open, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { digestOf } from '../../lib/digest.ts';
import type { ModelShape } from './architecture.ts';
import { openCheckpoint, type Checkpoint } from './checkpoint.ts';
import { DataFile } from './data-file.ts';
import { buildDecoderGraph } from './decoder-graph.ts';
import { formatsOf, type GraphFormats, type GraphTarget } from './graph-target.ts';
import { WeightWriter } from './weights.ts';

export const graphFile = 'decoder.onnx';
const dataFile = 'decoder.onnx.data';
export const shapeFile = 'shape.json';
/** SHA-256 of each of the above, by name. */
export const digestsFile = 'digests.json';
export const digestedFiles = [graphFile, dataFile, shapeFile] as const;

export interface CompileTask {
  /** A GGUF file, or a folder with safetensors. */
  source: string;
  target: GraphTarget;
  /** `temporary` is this call's own, which it fills; beside `final`. */
  folders: { temporary: string; final: string };
}

/**
 * Writes graph, weights and shape into a temporary folder and renames it into place when all is on disk: a folder under
 * its final name is whole, whatever was killed when.
 */
export async function compileInto(
  { source, target, folders: { temporary, final } }: CompileTask,
  onProgress: (share: number) => void,
): Promise<ModelShape> {
  await using checkpoint = await openCheckpoint(source);
  const formats = formatsOf(target);
  const shape = { ...checkpoint.architecture, cacheType: formats.element };
  await mkdir(temporary, { recursive: true });
  try {
    const graph = await writeWeights(checkpoint, temporary, formats, onProgress);
    await writeModel(graph, shape, temporary);
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
  return shape;
}

/** @returns the graph that refers to them */
async function writeWeights(
  checkpoint: Checkpoint,
  folder: string,
  formats: GraphFormats,
  onProgress: (share: number) => void,
): Promise<Uint8Array> {
  await using file = await open(join(folder, dataFile), 'w');
  const { architecture } = checkpoint;
  let done = 0;
  const onElements = (elements: number) => onProgress((done += elements) / architecture.parameters);
  const data = new DataFile(file);
  const weights = new WeightWriter(checkpoint, data, formats.element, onElements);
  const graph = await buildDecoderGraph({ architecture, weights, formats, data, dataFile });
  await file.sync();
  return graph;
}

async function writeModel(graph: Uint8Array, shape: ModelShape, folder: string): Promise<void> {
  await writeFile(join(folder, graphFile), graph, { flush: true });
  await writeFile(join(folder, shapeFile), JSON.stringify(shape), { flush: true });
  const digests = digestedFiles.map(async (name) => [name, await digestOf(join(folder, name))] as const);
  const text = JSON.stringify(Object.fromEntries(await Promise.all(digests)), null, 2);
  await writeFile(join(folder, digestsFile), text, { flush: true });
}

function isNotEmpty(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOTEMPTY' || error.code === 'EEXIST');
}

async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const folder = await open(path, 'r');
  await folder.sync().finally(() => folder.close());
}
