import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, open, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { randomStream } from '../src/lib/random.ts';
import { type EncodedTensor, encodeGgufHeader } from '../test/support/tiny/gguf-writer.ts';

/** Sizes of Llama 3.2 1B and of SmolLM2 135M. */
const shapes = {
  '1b': { vocabulary: 128_256, hidden: 2048, layers: 16, heads: 32, kvHeads: 8, headDim: 64, feedForward: 8192 },
  '135m': { vocabulary: 49_152, hidden: 576, layers: 30, heads: 9, kvHeads: 3, headDim: 64, feedForward: 1536 },
};
type Shape = (typeof shapes)['1b'];
const CONTEXT = 8192;
const [F32, Q8_0] = [0, 8];

/**
 * Writes a checkpoint of random weights (Q8_0 GGUF, streamed), compiles it and runs it, each in a process of its own. Peak
 * memory is a process's largest resident set, less what it has before the work begins.
 */
export async function run(args: string[]): Promise<Record<string, number>> {
  const { values } = parseArgs({
    args,
    options: { shape: { type: 'string', default: '1b' }, weights: { type: 'string', default: 'int8' } },
  });
  const shape = shapes[values.shape as keyof typeof shapes];
  const folder = await mkdtemp(join(tmpdir(), 'cadenza-bench-'));
  try {
    const source = join(folder, 'random.gguf');
    const parameters = await writeCheckpoint(source, shape);
    await mkdir(join(folder, 'work'));
    const compiled = await inChild('compile', source, join(folder, 'work'), values.weights);
    const ran = await inChild('run', source, join(folder, 'work'), values.weights);
    const { size } = await stat(join(folder, 'work', 'compiled', 'decoder.onnx.data'));
    const output = size / 1e6;
    return {
      parameters_millions: parameters / 1e6,
      source_mb: (await stat(source)).size / 1e6,
      output_mb: output,
      compile_peak_over_output: (compiled.peak_mb ?? NaN) / output,
      ...prefixed('compile', compiled),
      ...prefixed('run', ran),
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function prefixed(name: string, figures: Record<string, number>): Record<string, number> {
  return Object.fromEntries(Object.entries(figures).map(([key, value]) => [`${name}_${key}`, value]));
}

async function inChild(...args: string[]): Promise<Record<string, number>> {
  const script = fileURLToPath(new URL('compile-process.ts', import.meta.url));
  const child = spawn(process.execPath, ['--import', 'tsx', script, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  for await (const chunk of child.stdout) output += String(chunk);
  return JSON.parse(output) as Record<string, number>;
}

type Planned = Omit<EncodedTensor, 'bytes'> & { byteLength: number };

function plan({ vocabulary, hidden, layers, heads, kvHeads, headDim, feedForward }: Shape): Planned[] {
  const matrix = (name: string, columns: number, rows: number) => {
    return { name, shape: [columns, rows], type: Q8_0, byteLength: (columns / 32) * 34 * rows };
  };
  const norm = (name: string) => ({ name, shape: [hidden], type: F32, byteLength: hidden * 4 });
  const layer = (i: number) => [
    norm(`blk.${i}.attn_norm.weight`),
    matrix(`blk.${i}.attn_q.weight`, hidden, heads * headDim),
    matrix(`blk.${i}.attn_k.weight`, hidden, kvHeads * headDim),
    matrix(`blk.${i}.attn_v.weight`, hidden, kvHeads * headDim),
    matrix(`blk.${i}.attn_output.weight`, heads * headDim, hidden),
    norm(`blk.${i}.ffn_norm.weight`),
    matrix(`blk.${i}.ffn_gate.weight`, hidden, feedForward),
    matrix(`blk.${i}.ffn_up.weight`, hidden, feedForward),
    matrix(`blk.${i}.ffn_down.weight`, feedForward, hidden),
  ];
  const blocks = Array.from({ length: layers }, (_, i) => layer(i)).flat();
  return [matrix('token_embd.weight', hidden, vocabulary), ...blocks, norm('output_norm.weight')];
}

/** @returns the number of parameters */
async function writeCheckpoint(path: string, shape: Shape): Promise<number> {
  const tensors = plan(shape);
  await using file = await open(path, 'w');
  await file.write(encodeGgufHeader(header(shape), tensors));
  const blocks = randomBlocks(shape.hidden);
  const ones = Buffer.from(new Float32Array(shape.hidden).fill(1).buffer);
  for (const { type, byteLength } of tensors) {
    for (let left = type === F32 ? 0 : byteLength; left > 0; left -= blocks.length) {
      await file.write(blocks.subarray(0, Math.min(left, blocks.length)));
    }
    if (type === F32) await file.write(ones);
    await file.write(Buffer.alloc((32 - (byteLength % 32)) % 32));
  }
  return tensors.reduce((total, tensor) => total + tensor.shape.reduce((a, b) => a * b), 0);
}

/** Some megabytes of Q8_0: 2⁻¹² or 2⁻¹¹, as a float16, times random bytes. */
function randomBlocks(hidden: number): Buffer {
  const random = randomStream(1);
  const bytes = Buffer.from(Uint8Array.from({ length: 34 * 100_003 }, () => Math.floor(random() * 256)));
  const exponent = hidden > 1000 ? 3 : 4;
  for (let at = 0; at < bytes.length; at += 34) bytes.writeUInt16LE(exponent << 10, at);
  return bytes;
}

function header(shape: Shape) {
  return {
    'general.architecture': 'llama',
    'llama.block_count': shape.layers,
    'llama.context_length': CONTEXT,
    'llama.embedding_length': shape.hidden,
    'llama.feed_forward_length': shape.feedForward,
    'llama.attention.head_count': shape.heads,
    'llama.attention.head_count_kv': shape.kvHeads,
    'llama.attention.layer_norm_rms_epsilon': { float: 1e-5 },
    'llama.rope.dimension_count': shape.headDim,
    'llama.rope.freq_base': { float: 500_000 },
  };
}
