import { MOST } from '../column-matrix.ts';
import type { IntegerFormat } from '../graph-target.ts';
import { type GraphBuilder, MICROSOFT } from '../onnx/graph-builder.ts';
import type { TensorSource, WeightWriter } from '../weights.ts';

/** Unsigned bytes hold activations with zero at 128, because that is what the fast kernels read. */
const ZERO = 128;
/** Below it, a channel counts as unused. */
const TINY = 1e-5;

interface ProductOptions {
  name: string;
  input: string;
  sources: readonly TensorSource[];
  columns: number;
  /** The norm that the input comes from, if it does. */
  norm?: string | null;
  /** Whether only each row's last position is read. */
  isHead?: boolean;
}

/** Names of a tensor's integers // [rows, columns] and of what to multiply their products by // [rows, 1] */
interface Quantised {
  bytes: string;
  scales: string;
}

/**
 * Products y = x Wᵀ whose sums are integers, so that they are the same in any order: rows, batches, pieces and threads
 * cannot change a bit of them. Activations have one scale a row, weights one a column. What they read and write is flat:
 * [rows, columns], with the batch and the sequence as one dimension.
 */
export class IntegerProducts {
  readonly #graph: GraphBuilder;
  readonly #weights: WeightWriter;
  readonly #format: IntegerFormat;
  readonly #quantised = new Map<string, Quantised>();
  readonly #divisors = new Map<string, Float32Array>();

  constructor(graph: GraphBuilder, weights: WeightWriter, format: IntegerFormat) {
    this.#graph = graph;
    this.#weights = weights;
    this.#format = format;
    this.#addConstants();
  }

  async add({ name, input, sources, columns, norm = null, isHead = false }: ProductOptions): Promise<void> {
    const divisors = norm === null ? null : this.divisorsOf(norm);
    const { rows, values, scales } = await this.#weights.columns(sources, columns, divisors);
    this.#graph.external(`${name}.weight`, 'int8', [columns, rows], values);
    this.#graph.external(`${name}.scales`, 'float32', [rows], scales);
    const { fine } = this.#format;
    const isFine = fine === 'all' || norm === null;
    const quantised = this.#quantise(input, isFine, isHead ? 'row_zeros' : 'zeros');
    if (isFine) this.#twoRows(name, quantised);
    else this.#product(name, name, quantised);
  }

  /**
   * SmoothQuant (Xiao et al. 2023) with α = ½: channels of which few are high and all others low share no scale well,
   * so a norm's channels are divided, and the columns that read them multiplied, by factors that make both even.
   * @param sources the weights that read what the norm yields
   */
  async smooth(norm: string, sources: readonly TensorSource[], columns: number): Promise<void> {
    const activations = this.#format.activations.get(norm);
    if (!activations) return;
    const weights = await this.#weights.highest(sources, columns);
    const ratios = weights.map((weight, i) => Math.sqrt(Math.max(activations[i] ?? 0, TINY) / Math.max(weight, TINY)));
    const mean = Math.exp(ratios.reduce((sum, ratio) => sum + Math.log(ratio), 0) / columns);
    this.#divisors.set(
      norm,
      ratios.map((ratio) => ratio / mean),
    );
  }

  /** What a norm's channels are divided by, or null. */
  divisorsOf(norm: string): Float32Array | null {
    return this.#divisors.get(norm) ?? null;
  }

  /** One dimension for the batch and the sequence. */
  flat(input: string, width: number): string {
    const shape = `${input}.flat_shape`;
    this.#graph.constant(shape, 'int64', [2], BigInt64Array.from([-1, width], BigInt));
    this.#graph.node('Reshape', [input, shape], [`${input}.flat`]);
    return `${input}.flat`;
  }

  /** Batch and sequence as the graph's inputs have them. */
  apart(input: string): string {
    this.#graph.node('Reshape', [input, 'apart'], [`${input}.apart`]);
    return `${input}.apart`;
  }

  /** The zero points are as many as the rows: of all tokens, or of those whose logits are wanted. */
  #addConstants(): void {
    const graph = this.#graph;
    const scalar = (name: string, value: number) => graph.constant(name, 'float32', [], Float32Array.of(value));
    scalar('one', 1);
    scalar('byte_share', 1 / MOST);
    scalar('rest_share', 1 / (2 * MOST));
    graph.constant('zero', 'uint8', [], Uint8Array.of(ZERO));
    graph.constant('rows_last', 'int64', [1], BigInt64Array.of(-1n));
    graph.constant('first', 'int64', [1], BigInt64Array.of(0n));
    graph.constant('column', 'int64', [2], BigInt64Array.of(-1n, 1n));
    graph.node('Shape', ['input_ids'], ['sizes']);
    graph.node('Concat', ['sizes', 'rows_last'], ['apart'], { axis: 0 });
    graph.node('ReduceProd', ['sizes'], ['row_count'], { keepdims: 1 });
    graph.node('Gather', ['sizes', 'first'], ['batch_size'], { axis: 0 });
    graph.node('Expand', ['zero', 'row_count'], ['zeros']);
    graph.node('Expand', ['zero', 'batch_size'], ['row_zeros']);
  }

  #quantise(input: string, isFine: boolean, zeros: string): Quantised {
    const known = this.#quantised.get(input);
    if (known) return known;
    const name = (part: string) => `${input}.${part}`;
    const graph = this.#graph;
    graph.node('Abs', [input], [name('sizes')]);
    graph.node('ReduceMax', [name('sizes'), 'rows_last'], [name('highest')], { keepdims: 0 });
    graph.node('Mul', [name('highest'), 'byte_share'], [name('scale')]);
    graph.node('QuantizeLinear', [input, name('scale'), zeros], [name('bytes')], { axis: 0 });
    const made = { bytes: name('bytes'), scales: name('scales') };
    if (isFine) this.#addRest(input, zeros, made);
    else graph.node('Reshape', [name('scale'), 'column'], [made.scales]);
    this.#quantised.set(input, made);
    return made;
  }

  /** What 8 bits leave over, as further rows of bytes. */
  #addRest(input: string, zeros: string, made: Quantised): void {
    const name = (part: string) => `${input}.${part}`;
    const graph = this.#graph;
    const bytes = { both: name('both_bytes'), scales: name('both_scales') };
    graph.node('DequantizeLinear', [made.bytes, name('scale'), zeros], [name('rounded')], { axis: 0 });
    graph.node('Sub', [input, name('rounded')], [name('rest')]);
    graph.node('Mul', [name('scale'), 'rest_share'], [name('rest_scale')]);
    graph.node('QuantizeLinear', [name('rest'), name('rest_scale'), zeros], [name('rest_bytes')], { axis: 0 });
    graph.node('Concat', [made.bytes, name('rest_bytes')], [bytes.both], { axis: 0 });
    graph.node('Concat', [name('scale'), name('rest_scale')], [bytes.scales], { axis: 0 });
    graph.node('Reshape', [bytes.scales, 'column'], [made.scales]);
    made.bytes = bytes.both;
  }

  #product(name: string, output: string, { bytes, scales }: Quantised): void {
    const inputs = [bytes, `${name}.weight`, 'one', `${name}.scales`, 'zero'];
    this.#graph.node('MatMulIntegerToFloat', inputs, [`${output}.sums`], {}, MICROSOFT);
    this.#graph.node('Mul', [`${output}.sums`, scales], [output]);
  }

  #twoRows(name: string, quantised: Quantised): void {
    const both = `${name}.both`;
    this.#product(name, both, quantised);
    this.#graph.node('Split', [both], [`${name}.bytes`, `${name}.rest`], { axis: 0, num_outputs: 2 });
    this.#graph.node('Add', [`${name}.bytes`, `${name}.rest`], [name]);
  }
}
