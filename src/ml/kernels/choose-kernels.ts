import { readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type CompiledModel, type Fineness, finenesses, type ModelShape, moreOutputs } from '../compile/compile.ts';
import { compileInto } from '../compile/compile-model.ts';
import { sumsAreExact } from '../decoder/exactness.ts';
import { timeOfIntegers } from './products-in-time.ts';
import { readSpecimens, type SpecimenReading } from './read-specimens.ts';

/** Products in 8-bit blocks, or of integers. */
type Products = 'blocks' | Fineness;

/** What serves a model on a processor, and why. */
export interface KernelsChoice {
  products: Products;
  reason: string;
}

export interface KernelsTask {
  /** The checkpoint. */
  source: string;
  /** Its graph in blocks. */
  blocks: Pick<CompiledModel, 'graphPath' | 'shape'>;
  specimens: readonly (readonly number[])[];
  threads: number;
  /** Where the graph of integers goes, by their fineness. */
  folders: Readonly<Record<Fineness, string>>;
  /** Whether integers serve wherever they are exact. */
  forced: boolean;
}

/** How much higher the perplexity may be than the blocks'. */
const WORST_RATIO = 1.005;
/** What surrounds a product of integers takes time too, so the product alone must be this much faster. */
const SLOWEST_RATIO = 0.8;

/**
 * Decides what serves a model on this processor, and compiles it for integer products if those do: if their sums are
 * exact, if they are faster, and if specimens are about as likely as with blocks.
 */
export async function chooseKernels(task: KernelsTask): Promise<KernelsChoice> {
  const { specimens, threads, folders, forced } = task;
  if (!sumsAreExact(threads)) return blocks('the kernels of this processor do not add integers exactly');
  const time = timeOfIntegers(task.blocks.shape.hidden);
  const faster = `integers take ${time.toFixed(2)} of the time of blocks`;
  if (!forced && time > SLOWEST_RATIO) return blocks(faster);
  const reference = await readBlocks(task);
  const tried: string[] = [];
  for (const fine of finenesses) {
    const shape = await compileIntegers(task, reference, fine);
    const graphPath = join(folders[fine], 'decoder.onnx');
    const reading = await readSpecimens({ model: { graphPath, shape }, specimens, threads });
    const worse = Math.exp(reference.logprob - reading.logprob);
    tried.push(`at ${worse.toFixed(4)} of their perplexity`);
    if (worse <= WORST_RATIO || (forced && fine === 'all'))
      return { products: fine, reason: `${faster}, ${tried.join(' and ')}` };
    await rm(folders[fine], { recursive: true, force: true });
  }
  return blocks(`${faster}, but ${tried.join(' and ')}`);
}

const blocks = (reason: string): KernelsChoice => ({ products: 'blocks', reason });

/** Reads with the graph in blocks, and observes what its norms yield. */
async function readBlocks({ blocks: { graphPath, shape }, specimens, threads }: KernelsTask): Promise<SpecimenReading> {
  const observed = normsOf(shape).map(({ output }) => output);
  const values = observed.map((name) => ({
    name,
    type: 'float32' as const,
    dims: ['batch', 'sequence', shape.hidden],
  }));
  const path = join(dirname(graphPath), 'observed.onnx');
  await writeFile(path, Buffer.concat([await readFile(graphPath), moreOutputs(values)]));
  try {
    return await readSpecimens({ model: { graphPath: path, shape }, specimens, threads, observed });
  } finally {
    await rm(path, { force: true });
  }
}

function compileIntegers({ source, folders, blocks }: KernelsTask, { highest }: SpecimenReading, fine: Fineness) {
  const norms = normsOf(blocks.shape);
  const none = new Float32Array(0);
  const activations = new Map(norms.map(({ tensor, output }) => [tensor, highest.get(output) ?? none]));
  const final = folders[fine];
  const target = { device: 'cpu', weights: 'int8', integers: { fine, activations } } as const;
  return compileInto({ source, target, folders: { temporary: `${final}.tmp`, final } }, () => undefined);
}

/** The norms whose channels can be scaled, by the checkpoint's name and the graph's. */
function normsOf({ layers, normPlaces }: ModelShape): { tensor: string; output: string }[] {
  // Their products read the stream itself.
  if (normPlaces === 'after') return [];
  return Array.from({ length: layers }, (_, layer) => [
    { tensor: `blk.${layer}.attn_norm.weight`, output: `layer.${layer}.attention_norm` },
    { tensor: `blk.${layer}.ffn_norm.weight`, output: `layer.${layer}.feed_forward_norm` },
  ]).flat();
}
