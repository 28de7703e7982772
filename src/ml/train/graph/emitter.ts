import { type Attribute, type ElementType, GraphBuilder, MICROSOFT } from '../../compile/onnx/graph-builder.ts';

/** A value of a graph, by its name. */
export type ValueName = string;

/** Adds operations to a graph, names their results, and stores each constant once. */
export class Emitter {
  readonly graph = new GraphBuilder('');
  readonly #constants = new Map<string, ValueName>();
  #count = 0;

  /** An operation with one result. */
  op(operator: string, inputs: readonly ValueName[], attributes: Record<string, Attribute> = {}): ValueName {
    const [result = ''] = this.ops(operator, inputs, 1, attributes);
    return result;
  }

  /** An operation with `count` results. Operators of ONNX Runtime itself are told by their name. */
  ops(
    operator: string,
    inputs: readonly ValueName[],
    count: number,
    attributes: Record<string, Attribute> = {},
  ): ValueName[] {
    const name = `${operator}.${this.#count++}`;
    const results = Array.from({ length: count }, (_, i) => (i === 0 ? name : `${name}.${i}`));
    this.graph.node(operator, inputs, results, attributes, ofOnnxRuntime.has(operator) ? MICROSOFT : '');
    return results;
  }

  /** The result under a name of the caller's, as an output of the graph has. */
  named(
    name: string,
    operator: string,
    inputs: readonly ValueName[],
    attributes: Record<string, Attribute> = {},
  ): ValueName {
    this.graph.node(operator, inputs, [name], attributes);
    return name;
  }

  float(value: number): ValueName {
    return this.constant('float32', [], Float32Array.of(value));
  }

  /** A vector of integers, as operators take axes and shapes. */
  ints(...values: readonly number[]): ValueName {
    return this.constant('int64', [values.length], BigInt64Array.from(values, BigInt));
  }

  constant(type: ElementType, dims: readonly number[], data: ArrayBufferView): ValueName {
    const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
    const key = `${type} ${dims.join()} ${bytes.toString('latin1')}`;
    const known = this.#constants.get(key);
    if (known !== undefined) return known;
    const name = `constant.${this.#constants.size}`;
    this.#constants.set(key, name);
    this.graph.constant(name, type, dims, data);
    return name;
  }
}

const ofOnnxRuntime = new Set(['FusedMatMul', 'RotaryEmbedding', 'QuickGelu']);
