import type { GraphBuilder } from '../onnx/graph-builder.ts';
import type { StoredMatrix } from '../weights.ts';
import { addMatMul } from './linear.ts';
import { type Making } from './making.ts';
import { addNorm, type Residual } from './norms.ts';

/** ONNX's number of float32. */
const FLOAT = 1;

/** The logits of each row's last position, and the likeliest token's log-probability. */
export async function addHead(making: Making, embedding: StoredMatrix, residual: Residual): Promise<void> {
  const { graph, architecture, integers } = making;
  const { vocabulary, logitScale, logitCap } = architecture;
  // What the logits are multiplied by is in the norm's weights.
  const { output } = await addNorm(making, residual, { tensor: 'output_norm', name: 'final_norm', factor: logitScale });
  graph.constant('last', 'int64', [], BigInt64Array.of(-1n));
  graph.node('Gather', [integers?.apart(output) ?? output, 'last'], ['last_hidden'], { axis: 1 });
  if (logitCap === null) await addProduct(making, embedding, 'logits');
  else {
    await addProduct(making, embedding, 'free_logits');
    addCap(graph, logitCap);
  }
  addPeak(graph, vocabulary);
}

async function addProduct(making: Making, embedding: StoredMatrix, logits: string): Promise<void> {
  const { graph, architecture, weights, formats, integers } = making;
  const { tied, vocabulary, hidden } = architecture;
  const source = [{ tensor: tied ? 'token_embd.weight' : 'output.weight', rows: vocabulary }];
  if (integers) {
    await integers.add({ name: logits, input: 'last_hidden', sources: source, columns: hidden, isHead: true });
    return;
  }
  const matrix = tied ? embedding : await weights.matrix(source, hidden, formats.embedding);
  const { element } = formats;
  const name = element === 'float32' ? logits : 'half_logits';
  addMatMul(graph, { name, input: 'last_hidden', matrix, element });
  if (name !== logits) graph.node('Cast', [name], [logits], { to: FLOAT });
}

/** cap · tanh(logits / cap), as Gemma 2 has it. */
function addCap(graph: GraphBuilder, cap: number): void {
  graph.constant('logit_cap', 'float32', [], Float32Array.of(cap));
  graph.node('Div', ['free_logits', 'logit_cap'], ['logit_shares']);
  graph.node('Tanh', ['logit_shares'], ['capped_shares']);
  graph.node('Mul', ['capped_shares', 'logit_cap'], ['logits']);
}

/**
 * −ln Σ e^(logit − the highest). In JavaScript it took a sixth of a step of eight drafts (on AVX2). It is summed over
 * groups and then over the groups, because a single-precision sum over a whole vocabulary loses the fifth decimal.
 * LogSoftmax and ReduceMax give a row the same bits in any batch ([GEN2]); ReduceSum does not.
 */
function addPeak(graph: GraphBuilder, vocabulary: number): void {
  const group = commonPowerOfTwo(vocabulary, 1024);
  graph.constant('last_axis', 'int64', [1], BigInt64Array.of(-1n));
  graph.constant('grouped', 'int64', [3], BigInt64Array.of(0n, -1n, BigInt(group)));
  const highest = (input: string, output: string, keepdims = 0) =>
    graph.node('ReduceMax', [input, 'last_axis'], [output], { keepdims });
  graph.node('Reshape', ['logits', 'grouped'], ['groups']); // [b, n, group]
  highest('groups', 'group_highest'); // [b, n]
  highest('group_highest', 'row_highest', 1); // [b, 1]
  graph.node('LogSoftmax', ['groups'], ['group_logprobs'], { axis: -1 });
  highest('group_logprobs', 'group_peaks'); // [b, n]
  graph.node('Sub', ['group_highest', 'row_highest'], ['group_heights']);
  graph.node('Sub', ['group_heights', 'group_peaks'], ['group_sums']); // [b, n], logarithms
  highest('group_sums', 'highest_sum', 1); // [b, 1]
  graph.node('LogSoftmax', ['group_sums'], ['group_shares'], { axis: -1 });
  highest('group_shares', 'highest_share', 1); // [b, 1]
  graph.node('Sub', ['highest_share', 'highest_sum'], ['peak']);
}

/** The largest power of two that divides `count` and is at most `most`, itself a power of two. */
function commonPowerOfTwo(count: number, most: number): number {
  return count % most === 0 ? most : commonPowerOfTwo(count, most / 2);
}
