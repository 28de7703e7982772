import { mkdir, open, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { readArchitecture, type ModelShape } from './architecture.ts';
import { buildDecoderGraph } from './decoder-graph.ts';
import { GgufFile } from './gguf.ts';
import { WeightWriter } from './weights.ts';

export const graphFile = 'decoder.onnx';
const dataFile = 'decoder.onnx.data';
export const summaryFile = 'summary.json';

/** What `summary.json` says of the folder it lies in. */
export interface CompiledSummary {
  shape: ModelShape;
  /** Bytes by file name. */
  files: Record<string, number>;
}

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
  architecture: Awaited<ReturnType<typeof readArchitecture>>,
  onProgress: (share: number) => void,
): Promise<void> {
  const data = await open(join(folder, dataFile), 'w');
  try {
    let done = 0;
    const weights = new WeightWriter(file, data, (elements) =>
      onProgress((done += elements) / architecture.parameters),
    );
    const graph = await buildDecoderGraph(architecture, weights, dataFile);
    await data.sync();
    await writeFile(join(folder, graphFile), graph, { flush: true });
    const files = { [graphFile]: graph.length, [dataFile]: (await data.stat()).size };
    const summary: CompiledSummary = { shape: architecture, files };
    await writeFile(join(folder, summaryFile), JSON.stringify(summary, null, 2), { flush: true });
  } finally {
    await data.close();
  }
}

function isNotEmpty(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOTEMPTY' || error.code === 'EEXIST');
}

async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const folder = await open(path, 'r');
  await folder.sync().finally(() => folder.close());
}
