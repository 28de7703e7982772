import type { Handle } from './api.ts';
import { made, ort } from './library.ts';

export const elementTypes = { float32: 1, uint8: 2, int32: 6, int64: 7, float16: 10, float64: 11 } as const;

/** A Uint16Array contains the bits of 16-bit floats. */
export type TensorData = Float32Array | Float64Array | Uint8Array | Int32Array | BigInt64Array | Uint16Array;

/**
 * A tensor over memory owned by JavaScript, which ONNX Runtime reads and writes in place. The array is referenced as
 * long as the tensor lives, so that it cannot be collected during a run.
 */
export class Tensor<Data extends TensorData = TensorData> implements Disposable {
  readonly data: Data;
  readonly dims: readonly number[];
  #handle: Handle | null;

  constructor(data: Data, dims: readonly number[]) {
    const size = dims.reduce((product, dim) => product * dim, 1);
    if (size !== data.length)
      throw new RangeError(`[${dims.join(', ')}] needs ${size} elements, the array has ${data.length}`);
    this.data = data;
    this.dims = dims;
    const { api, cpuMemory } = ort();
    const shape = BigInt64Array.from(dims, BigInt);
    this.#handle = made(api, (out) =>
      api.createTensor(cpuMemory, data, data.byteLength, shape, dims.length, elementType(data), out),
    );
  }

  get handle(): Handle {
    if (!this.#handle) throw new Error('the tensor has been disposed');
    return this.#handle;
  }

  [Symbol.dispose](): void {
    if (this.#handle) ort().api.releaseValue(this.#handle);
    this.#handle = null;
  }
}

function elementType(data: TensorData): number {
  if (data instanceof Float32Array) return elementTypes.float32;
  if (data instanceof Float64Array) return elementTypes.float64;
  if (data instanceof Uint8Array) return elementTypes.uint8;
  if (data instanceof Uint16Array) return elementTypes.float16;
  if (data instanceof Int32Array) return elementTypes.int32;
  return elementTypes.int64;
}
