import { copyFile, link, mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { CompiledModel } from '../../src/ml/compile/compile.ts';
import { GraphBuilder } from '../../src/ml/compile/onnx/graph-builder.ts';
import { Message } from '../../src/ml/compile/onnx/protobuf.ts';

/** Field numbers of onnx.proto. */
const MODEL_GRAPH = 7;
const GRAPH = { node: 1, input: 11, output: 12 };
const NODE_OUTPUT = 2;
const INT32 = 6;

/**
 * Writes our compiled model as transformers.js wants it: the same nodes and weights, with an attention mask in place of the
 * lengths, and keys and values that grow by a copy each step in place of buffers that stay. Logits stay those of the last
 * position, which spares the peer the others.
 * @param folder a folder of models; this one is called `writer`
 */
export async function writeHuggingFaceLayout({ graphPath, shape }: CompiledModel, folder: string): Promise<void> {
  const directory = join(folder, 'writer');
  await mkdir(join(directory, 'onnx'), { recursive: true });
  const ours = await readFile(graphPath);
  await writeFile(join(directory, 'onnx', 'model.onnx'), relayout(ours, shape));
  const weights = `${graphPath}.data`;
  const target = join(directory, 'onnx', basename(weights));
  await link(weights, target).catch(() => copyFile(weights, target));
  const config = {
    model_type: 'llama',
    architectures: ['LlamaForCausalLM'],
    num_hidden_layers: shape.layers,
    num_attention_heads: shape.heads,
    num_key_value_heads: shape.kvHeads,
    hidden_size: shape.heads * shape.headDim,
    head_dim: shape.headDim,
    vocab_size: shape.vocabulary,
  };
  await writeFile(join(directory, 'config.json'), JSON.stringify(config));
}

function relayout(model: Buffer, shape: CompiledModel['shape']): Buffer {
  const result = new Message();
  for (const { field, value } of fieldsOf(model)) {
    if (typeof value === 'bigint') result.varint(field, value);
    else if (field === MODEL_GRAPH) result.bytes(field, Buffer.concat([withoutInterface(value), newInterface(shape)]));
    else result.bytes(field, value);
  }
  return result.encode();
}

/** The graph's nodes and weights, its logits under another name. */
function withoutInterface(graph: Buffer): Buffer {
  const result = new Message();
  for (const { field, value } of fieldsOf(graph)) {
    if (field === GRAPH.input || field === GRAPH.output || typeof value === 'bigint') continue;
    result.bytes(field, field === GRAPH.node ? renameOutput(value, 'logits', 'last_logits') : value);
  }
  return result.encode();
}

function renameOutput(node: Buffer, from: string, to: string): Buffer {
  const result = new Message();
  for (const { field, value } of fieldsOf(node)) {
    if (typeof value === 'bigint') result.varint(field, value);
    else result.bytes(field, field === NODE_OUTPUT && value.toString() === from ? Buffer.from(to) : value);
  }
  return result.encode();
}

/** What is around the nodes now, as the fields of a graph: fields of two encodings of one message add up. */
function newInterface({ layers, kvHeads, headDim, vocabulary }: CompiledModel['shape']): Buffer {
  // The peer makes the first step's empty past of what a dimension is called: one that it does not know is 0.
  const graph = new GraphBuilder('');
  graph.input({ name: 'input_ids', type: 'int64', dims: ['batch_size', 'sequence'] });
  graph.input({ name: 'attention_mask', type: 'int64', dims: ['batch_size', 'total'] });
  graph.output({ name: 'logits', type: 'float32', dims: ['batch_size', 1, vocabulary] });
  for (const name of Array.from({ length: layers }, (_, layer) => [`${layer}.key`, `${layer}.value`]).flat()) {
    graph.input({ name: `past_key_values.${name}`, type: 'float32', dims: ['batch_size', kvHeads, 'past', headDim] });
    graph.output({ name: `present.${name}`, type: 'float32', dims: ['batch_size', kvHeads, 'total', headDim] });
  }
  graph.constant('one', 'int64', [], BigInt64Array.of(1n));
  graph.constant('axis_one', 'int64', [1], BigInt64Array.of(1n));
  graph.node('ReduceSum', ['attention_mask', 'axis_one'], ['mask_lengths'], { keepdims: 0 });
  graph.node('Sub', ['mask_lengths', 'one'], ['mask_lasts']);
  graph.node('Cast', ['mask_lasts'], ['seqlens_k'], { to: INT32 });
  graph.node('Shape', ['attention_mask'], ['mask_shape']);
  graph.node('Gather', ['mask_shape', 'one'], ['mask_total'], { axis: 0 });
  graph.node('Cast', ['mask_total'], ['total_sequence_length'], { to: INT32 });
  graph.node('Unsqueeze', ['last_logits', 'axis_one'], ['logits']);
  const encoded = fieldsOf(graph.encode()).find(({ field }) => field === MODEL_GRAPH)?.value;
  if (!Buffer.isBuffer(encoded)) throw new Error('the graph has no encoding');
  return encoded;
}

interface Field {
  field: number;
  value: Buffer | bigint;
}

/** The fields of a Protocol Buffers message, of the two kinds that the messages above are made of. */
function fieldsOf(message: Buffer): Field[] {
  const fields: Field[] = [];
  let offset = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = message.readUInt8(offset++);
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  while (offset < message.length) {
    const tag = Number(varint());
    const value = varint();
    if ((tag & 7) === 0) fields.push({ field: tag >> 3, value });
    else if ((tag & 7) === 2)
      fields.push({ field: tag >> 3, value: message.subarray(offset, (offset += Number(value))) });
    else throw new Error(`a field of wire type ${tag & 7} is not expected here`);
  }
  return fields;
}
