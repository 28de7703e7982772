import koffi, { type KoffiFunc } from 'koffi';
import type { Handle } from './api.ts';
import { check, made, ort, OrtError } from './library.ts';
import type { Session, Value } from './session.ts';
import { loadShared } from './shared-library.ts';
import { elementTypes, Tensor } from './tensor.ts';

/** A block of elements that graphs read and write in place, in the memory where a session computes. */
export interface Memory extends Disposable {
  /** A tensor over the elements from `from` on. It lives as long as the block, or until it is disposed. */
  view(from: number, dims: readonly number[]): Value & Disposable;
  /** Copies elements from one position to another. */
  copyWithin(to: number, from: number, count: number): void;
  read(from: number, count: number): Elements;
  write(from: number, elements: Elements): void;
}

export type MemoryType = 'float32' | 'float16';
/** A Uint16Array contains the bits of 16-bit floats. */
export type Elements = Float32Array<ArrayBuffer> | Uint16Array<ArrayBuffer>;

const bytesPerElement = { float32: 4, float16: 2 };

/** @param size number of elements, initially 0. @throws OrtError if the device has too little memory */
export function allocate(session: Session, type: MemoryType, size: number): Memory {
  return session.device.type === 'cpu' ? new HostMemory(type, size) : new DeviceMemory(session, type, size);
}

/** The operating system provides pages when they are first written, so only written parts use memory. */
class HostMemory implements Memory {
  readonly #elements: Elements;

  constructor(type: MemoryType, size: number) {
    this.#elements = emptyElements(type, size);
  }

  view(from: number, dims: readonly number[]): Tensor {
    return new Tensor(this.#elements.subarray(from, from + sizeOf(dims)), dims);
  }

  copyWithin(to: number, from: number, count: number): void {
    this.#elements.copyWithin(to, from, from + count);
  }

  read(from: number, count: number): Elements {
    return this.#elements.slice(from, from + count);
  }

  write(from: number, elements: Elements): void {
    this.#elements.set(elements, from);
  }

  /** The garbage collector frees it. */
  [Symbol.dispose](): void {
    return;
  }
}

/** Memory of a GPU, from the allocator of the session that computes there. */
class DeviceMemory implements Memory {
  readonly #type: MemoryType;
  readonly #info: Handle;
  readonly #allocator: Handle;
  readonly #start: Handle;
  readonly #copy: Copy;
  #freed = false;

  constructor(session: Session, type: MemoryType, size: number) {
    const { api } = ort();
    const [deviceAllocator, firstDevice, defaultMemory] = [0, 0, 0];
    this.#type = type;
    this.#copy = openCopy();
    this.#info = made(api, (out) => api.createMemoryInfo('Cuda', deviceAllocator, firstDevice, defaultMemory, out));
    this.#allocator = made(api, (out) => api.createAllocator(session.handle, this.#info, out));
    this.#start = made(api, (out) => api.allocatorAlloc(this.#allocator, size * bytesPerElement[type], out));
    this.write(0, emptyElements(type, size));
  }

  view(from: number, dims: readonly number[]): Value & Disposable {
    return new DeviceTensor(this.#info, this.#at(from), this.#type, dims);
  }

  copyWithin(to: number, from: number, count: number): void {
    this.#copy(this.#at(to), this.#at(from), count * bytesPerElement[this.#type]);
  }

  read(from: number, count: number): Elements {
    const elements = emptyElements(this.#type, count);
    this.#copy(koffi.address(elements), this.#at(from), elements.byteLength);
    return elements;
  }

  write(from: number, elements: Elements): void {
    this.#copy(this.#at(from), koffi.address(elements), elements.byteLength);
  }

  #at(element: number): bigint {
    return koffi.address(this.#start) + BigInt(element * bytesPerElement[this.#type]);
  }

  /** No run may be in progress, and the session must still exist. */
  [Symbol.dispose](): void {
    if (this.#freed) return;
    this.#freed = true;
    const { api } = ort();
    check(api, api.allocatorFree(this.#allocator, this.#start));
    api.releaseAllocator(this.#allocator);
    api.releaseMemoryInfo(this.#info);
  }
}

class DeviceTensor implements Value, Disposable {
  #handle: Handle | null;

  constructor(info: Handle, address: bigint, type: MemoryType, dims: readonly number[]) {
    const { api } = ort();
    const shape = BigInt64Array.from(dims, BigInt);
    const bytes = sizeOf(dims) * bytesPerElement[type];
    this.#handle = made(api, (out) =>
      api.createTensor(info, address, bytes, shape, dims.length, elementTypes[type], out),
    );
  }

  get handle(): Handle {
    if (!this.#handle) throw new OrtError('the tensor has been disposed');
    return this.#handle;
  }

  [Symbol.dispose](): void {
    if (this.#handle) ort().api.releaseValue(this.#handle);
    this.#handle = null;
  }
}

type Copy = (to: bigint, from: bigint, bytes: number) => void;

/** CUDA recognises which addresses belong to the device. It is already loaded, because the provider is. */
function openCopy(): Copy {
  const runtime = loadShared('libcudart.so.13');
  const [copy, describe] = [
    runtime.func('int cudaMemcpy(void* to, void* from, size_t bytes, int kind)'),
    runtime.func('const char* cudaGetErrorString(int error)'),
  ] as [KoffiFunc<(a: bigint, b: bigint, c: number, d: number) => number>, KoffiFunc<(a: number) => string>];
  const anyDirection = 4;
  return (to, from, bytes) => {
    const error = copy(to, from, bytes, anyDirection);
    if (error !== 0) throw new OrtError(`CUDA could not copy: ${describe(error)}`);
  };
}

export function emptyElements(type: MemoryType, size: number): Elements {
  return type === 'float32' ? new Float32Array(size) : new Uint16Array(size);
}

function sizeOf(dims: readonly number[]): number {
  return dims.reduce((product, dim) => product * dim, 1);
}
