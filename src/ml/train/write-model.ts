import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder } from '../../lib/folders.ts';
import type { DecoderShape } from './graph/decoder.ts';
import { decoderParameters } from './graph/decoder.ts';
import { padHeads, storedHeads } from './padded-heads.ts';
import { type NamedTensor, writeSafetensors } from './write-safetensors.ts';

/**
 * Writes a trained decoder as a checkpoint in Hugging Face's layout (`model.safetensors` in 16-bit floats, and
 * `config.json`), which `compileModel` compiles.
 */
export async function writeModel(
  folder: string,
  shape: DecoderShape,
  parameters: ReadonlyMap<string, NamedTensor>,
): Promise<void> {
  await makeFolder(folder);
  const tensors = new Map(
    decoderParameters(shape).map(({ name }) => [name, padHeads(name, tensorOf(parameters, name), shape)]),
  );
  for (const name of normNames(shape)) tensors.set(name, ones(shape.hidden));
  await writeSafetensors(join(folder, 'model.safetensors'), tensors, { metadata: { format: 'pt' }, type: 'F16' });
  await writeJson(join(folder, 'config.json'), configOf(shape));
}

function tensorOf(parameters: ReadonlyMap<string, NamedTensor>, name: string): NamedTensor {
  const tensor = parameters.get(name);
  if (!tensor) throw new Error(`the training has no parameter ${name}`);
  return tensor;
}

/** Norms have no gain here, but a checkpoint has one each. */
function normNames({ layers }: DecoderShape): string[] {
  const ofLayer = (layer: number) =>
    ['input_layernorm', 'post_attention_layernorm'].map((norm) => `model.layers.${layer}.${norm}.weight`);
  return [...Array.from({ length: layers }, (_, layer) => ofLayer(layer)).flat(), 'model.norm.weight'];
}

const ones = (length: number): NamedTensor => ({ dims: [length], data: new Float32Array(length).fill(1) });

function configOf(shape: DecoderShape) {
  const { headDim, ropeBase } = storedHeads(shape);
  return {
    architectures: ['LlamaForCausalLM'],
    model_type: 'llama',
    vocab_size: shape.vocabulary,
    hidden_size: shape.hidden,
    intermediate_size: shape.feedForward,
    num_hidden_layers: shape.layers,
    num_attention_heads: shape.heads,
    num_key_value_heads: shape.heads,
    max_position_embeddings: shape.contextTokens,
    rms_norm_eps: shape.normEpsilon,
    head_dim: headDim,
    rope_theta: ropeBase,
    hidden_act: 'silu',
    tie_word_embeddings: true,
    torch_dtype: 'float16',
  };
}

/** The file appears under its name when it is complete. */
export async function writeJson(path: string, value: unknown): Promise<void> {
  await writeFile(`${path}.partial`, `${JSON.stringify(value, null, 2)}\n`, { flush: true });
  await rename(`${path}.partial`, path);
}
