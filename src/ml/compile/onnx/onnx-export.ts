import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { type ExportedGraph, LIMITS, type ModelShape } from '../checkpoint/architecture.ts';
import { ModelFileError } from '../checkpoint/model-file-error.ts';
import { readJsonFile } from '../checkpoint/safetensors/json-file.ts';
import { type GraphSummary, type GraphValue, readOnnxGraph } from './onnx-graph.ts';

/** Where Hugging Face's exporters put the graph in the model's folder. */
const paths = ['model.onnx', 'onnx/model.onnx'];
/** ONNX's numbers of the element types that a cache may have. */
const cacheTypes: Readonly<Record<number, ModelShape['cacheType']>> = { 1: 'float32', 10: 'float16' };
const [FLOAT, INT64] = [1, 7];
/** Operators that scale by the largest activation of the whole run, so that a row's bits depend on the other rows. */
const MIXING_OPERATORS = ['DynamicQuantizeLinear', 'DynamicQuantizeMatMul', 'DynamicQuantizeLSTM'];

const size = z.int().min(1);
/** What the graph itself may leave open. The names differ between publishers. */
const configSchema = z.looseObject({
  model_type: z.string().default('unknown'),
  vocab_size: size.max(LIMITS.vocabulary),
  hidden_size: size.max(LIMITS.hidden).optional(),
  n_embd: size.max(LIMITS.hidden).optional(),
  num_attention_heads: size.max(LIMITS.heads).optional(),
  n_head: size.max(LIMITS.heads).optional(),
  num_key_value_heads: size.max(LIMITS.heads).nullish(),
  head_dim: size.max(LIMITS.hidden).nullish(),
  max_position_embeddings: size.max(LIMITS.context).optional(),
  n_positions: size.max(LIMITS.context).optional(),
});

/** The graph of an export in a folder, or null if the folder contains none. */
export async function findExport(source: string): Promise<string | null> {
  for (const path of paths) if (await stat(join(source, path)).catch(() => null)) return path;
  return null;
}

/**
 * Describes an ONNX export with a key–value cache in Hugging Face's layout: inputs input_ids, attention_mask and
 * optionally position_ids; past_key_values.N.key/.value [b, kv_heads, past, head_dim]; outputs logits [b, s, vocab] and
 * present.N.key/.value, which are the past with the new tokens appended.
 * @throws ModelFileError if the graph or its configuration is corrupt, or the layout differs
 */
export async function readExport(folder: string, graph: string): Promise<ModelShape> {
  const config = await readJsonFile(join(folder, 'config.json'), configSchema);
  const summary = readOnnxGraph(join(folder, graph));
  const layers = summary.inputs.filter(({ name }) => name.endsWith('.key')).length;
  checkNames(summary, layers);
  const heads = config.num_attention_heads ?? config.n_head ?? 1;
  const hidden = config.hidden_size ?? config.n_embd ?? 1;
  const past = valueNamed(summary.inputs, 'past_key_values.0.key');
  const cacheType = cacheTypes[past.type];
  if (cacheType === undefined) throw new ModelFileError(`the graph’s cache has elements of ONNX type ${past.type}`);
  const logits = valueNamed(summary.outputs, 'logits');
  if (logits.type !== FLOAT)
    throw new ModelFileError(`the graph’s logits have elements of ONNX type ${logits.type}, not float32`);
  const shape = {
    architecture: config.model_type,
    vocabulary: logits.dims[2] ?? config.vocab_size,
    layers,
    heads,
    kvHeads: past.dims[1] ?? config.num_key_value_heads ?? heads,
    headDim: past.dims[3] ?? config.head_dim ?? hidden / heads,
    hidden,
    contextTokens: config.max_position_embeddings ?? config.n_positions ?? 0,
    parameters: summary.parameters,
    cacheType,
    exported: describe(summary, graph),
  };
  checkSizes(shape);
  return shape;
}

function describe({ inputs, operators }: GraphSummary, file: string): ExportedGraph {
  return {
    file,
    positionIds: inputs.some(({ name }) => name === 'position_ids'),
    mixesRows: MIXING_OPERATORS.some((operator) => operators.has(operator)),
  };
}

function checkNames({ inputs, outputs }: GraphSummary, layers: number): void {
  if (layers < 1 || layers > LIMITS.layers) throw new ModelFileError('the graph has no inputs past_key_values.N.key');
  const cached = (prefix: string) =>
    Array.from({ length: layers }, (_, n) => [`${prefix}.${n}.key`, `${prefix}.${n}.value`]).flat();
  const taken = new Set(['input_ids', 'attention_mask', 'position_ids', ...cached('past_key_values')]);
  const other = inputs.find(({ name }) => !taken.has(name));
  if (other)
    throw new ModelFileError(`the graph has an input ${other.name}, which is not part of the Hugging Face layout`);
  for (const name of ['input_ids', 'attention_mask', ...cached('past_key_values')]) valueNamed(inputs, name);
  for (const name of ['logits', ...cached('present')]) valueNamed(outputs, name);
  for (const { name, type } of inputs.filter(({ name }) => !name.startsWith('past_key_values.')))
    if (type !== INT64) throw new ModelFileError(`the graph’s ${name} has elements of ONNX type ${type}, not int64`);
}

function valueNamed(values: readonly GraphValue[], name: string): GraphValue {
  const found = values.find((value) => value.name === name);
  if (!found) throw new ModelFileError(`the graph has no ${name}`);
  return found;
}

function checkSizes({ vocabulary, kvHeads, headDim, contextTokens }: ModelShape): void {
  const sizes = { vocabulary, kvHeads, headDim, contextTokens };
  const most = {
    vocabulary: LIMITS.vocabulary,
    kvHeads: LIMITS.heads,
    headDim: LIMITS.hidden,
    contextTokens: LIMITS.context,
  };
  for (const [name, value] of Object.entries(sizes)) {
    if (Number.isInteger(value) && value >= 1 && value <= most[name as keyof typeof most]) continue;
    throw new ModelFileError(`neither the graph nor config.json has a usable ${name}: ${value}`);
  }
}
