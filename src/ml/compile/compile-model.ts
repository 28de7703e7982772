import { open, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { makeFolder } from '../../lib/folders.ts';
import { digestOf } from '../../lib/text/digest.ts';
import type { ModelShape } from './checkpoint/architecture.ts';
import { type Checkpoint } from './checkpoint/checkpoint.ts';
import { openCheckpoint } from './checkpoint/open-checkpoint.ts';
import { buildDecoderGraph } from './graph/decoder-graph.ts';
import { formatsOf, type GraphFormats, type GraphTarget } from './graph-target.ts';
import { DataFile } from './onnx/data-file.ts';
import { findExport, readExport } from './onnx/onnx-export.ts';
import { WeightWriter } from './weights.ts';

export const graphFile = 'decoder.onnx';
const dataFile = 'decoder.onnx.data';
export const shapeFile = 'shape.json';
/** The SHA-256 of each of these files that exists, by name. */
export const digestsFile = 'digests.json';

export interface CompileTask {
  /** A GGUF file, a folder with safetensors, or a folder with an ONNX export, of which only the shape is written. */
  source: string;
  target: GraphTarget;
  /** `temporary` is next to `final` and belongs to this call, which fills it. */
  folders: { temporary: string; final: string };
}

/**
 * Writes graph, weights and shape into a temporary folder and renames it when everything is on disk. So a folder under
 * its final name is complete, whatever was killed when.
 */
export async function compileInto(
  { source, target, folders: { temporary, final } }: CompileTask,
  onProgress: (share: number) => void,
): Promise<ModelShape> {
  const exported = await findExport(source);
  await makeFolder(temporary);
  try {
    const shape = exported
      ? await readExport(source, exported)
      : await writeGraph(source, temporary, formatsOf(target), onProgress);
    await writeShape(shape, temporary);
    await rename(temporary, final).catch(async (error: unknown) => {
      // Another process was faster and wrote the same.
      if (!isNotEmpty(error)) throw error;
      await rm(temporary, { recursive: true, force: true });
    });
    await syncFolder(dirname(final));
    return shape;
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw error;
  }
}

async function writeGraph(
  source: string,
  folder: string,
  formats: GraphFormats,
  onProgress: (share: number) => void,
): Promise<ModelShape> {
  await using checkpoint = await openCheckpoint(source);
  const graph = await writeWeights(checkpoint, folder, formats, onProgress);
  await writeFile(join(folder, graphFile), graph, { flush: true });
  const shape = { ...checkpoint.architecture, cacheType: formats.element, exported: null };
  return formats.integers ? { ...shape, integers: true } : shape;
}

/** @returns the graph that refers to the weights */
async function writeWeights(
  checkpoint: Checkpoint,
  folder: string,
  formats: GraphFormats,
  onProgress: (share: number) => void,
): Promise<Uint8Array> {
  await using file = await open(join(folder, dataFile), 'w');
  const { architecture } = checkpoint;
  let done = 0;
  const onElements = (elements: number) => onProgress(Math.min(1, (done += elements) / architecture.parameters));
  const data = new DataFile(file);
  const weights = new WeightWriter(checkpoint, data, formats.element, onElements);
  const graph = await buildDecoderGraph({ architecture, weights, formats, data, dataFile });
  await file.sync();
  return graph;
}

/** Also writes the digests of everything. */
async function writeShape(shape: ModelShape, folder: string): Promise<void> {
  await writeFile(join(folder, shapeFile), JSON.stringify(shape), { flush: true });
  const digests: Record<string, string> = {};
  for (const name of (await readdir(folder)).sort()) digests[name] = await digestOf(join(folder, name));
  await writeFile(join(folder, digestsFile), JSON.stringify(digests, null, 2), { flush: true });
}

function isNotEmpty(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOTEMPTY' || error.code === 'EEXIST');
}

async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const folder = await open(path, 'r');
  await folder.sync().finally(() => folder.close());
}
