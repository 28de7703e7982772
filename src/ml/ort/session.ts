import koffi from 'koffi';
import type { Handle, Out } from './api.ts';
import { cStrings } from './c-strings.ts';
import { appendCuda } from './cuda.ts';
import { callAsync, check, handleFrom, made, ort, OrtError } from './library.ts';
import { bypassHeapForLargeBlocks, trimHeap } from './native-heap.ts';

/** Where graphs run, as plain data. On CUDA, `library` is the ONNX Runtime next to the provider. */
export type Device = { type: 'cpu' } | { type: 'cuda'; library: string };

export interface SessionOptions {
  /** Number of threads that one run may use. */
  threads: number;
  /** The CPU by default. */
  device?: Device;
}

/** A loaded graph. */
export class Session implements Disposable {
  readonly device: Device;
  #handle: Handle | null;

  private constructor(handle: Handle, device: Device) {
    this.#handle = handle;
    this.device = device;
  }

  /**
   * Loads a graph from its file, with external data next to it. Reading and repacking the weights takes about a second
   * per gigabyte and happens off the event loop.
   * @throws OrtError with ONNX Runtime's message
   */
  static async open(path: string, { threads, device = { type: 'cpu' } }: SessionOptions): Promise<Session> {
    const { api, env } = ort(device.type === 'cuda' ? device.library : undefined);
    bypassHeapForLargeBlocks();
    const options = cpuOptions(threads);
    try {
      if (device.type === 'cuda') appendCuda(api, options, device.library);
      const out: Out = [null];
      check(api, await callAsync(api.createSession, env, path, options, out));
      return new Session(handleFrom(out), device);
    } finally {
      api.releaseSessionOptions(options);
    }
  }

  /** Loads a small graph from memory, on the calling thread. @throws OrtError */
  static ofBytes(graph: Uint8Array, { threads, device = { type: 'cpu' } }: SessionOptions): Session {
    const { api, env } = ort(device.type === 'cuda' ? device.library : undefined);
    const options = cpuOptions(threads);
    try {
      if (device.type === 'cuda') appendCuda(api, options, device.library);
      const { byteLength } = graph;
      const handle = made(api, (out) => api.createSessionFromArray(env, graph, byteLength, options, out));
      return new Session(handle, device);
    } finally {
      api.releaseSessionOptions(options);
    }
  }

  get handle(): Handle {
    if (!this.#handle) throw new OrtError('the session has been disposed');
    return this.#handle;
  }

  /** No run may be in progress. */
  [Symbol.dispose](): void {
    if (!this.#handle) return;
    ort().api.releaseSession(this.#handle);
    this.#handle = null;
    trimHeap();
  }
}

function cpuOptions(threads: number): Handle {
  const { api } = ort();
  const options = made(api, (out) => api.createSessionOptions(out));
  check(api, api.setIntraOpThreads(options, threads));
  // If workers slept between the operators of a run, a decode step would take a seventh longer; if they kept spinning
  // between runs, they would take the core that serves readers.
  check(api, api.addSessionConfigEntry(options, 'session.force_spinning_stop', '1'));
  return options;
}

/** What a graph reads or writes: a tensor in the memory of this machine or of a device. */
export interface Value {
  readonly handle: Handle;
}

/**
 * One run's inputs and outputs, resolved to pointers once, so that a step is one call, however many tensors there are.
 * The caller keeps ownership of the tensors. ONNX Runtime copies a tensor between the machine's and the device's memory
 * only if it is in the other one: tensors of `DeviceMemory` are not copied. (Its own IoBinding makes the same call with
 * the same pointers, but copies an input when it is bound rather than when it is run, which is too early for one that
 * changes from step to step.)
 */
export class Binding implements Disposable {
  readonly #session: Session;
  readonly #options: Handle;
  readonly #arguments: unknown[];
  /** What the pointers in `#arguments` point to. It must outlive every run. */
  readonly #pinned: unknown[];
  #running = false;
  #disposed = false;

  constructor(session: Session, inputs: Record<string, Value>, outputs: Record<string, Value>) {
    const { api } = ort();
    this.#session = session;
    this.#options = made(api, (out) => api.createRunOptions(out));
    const names = [cStrings(Object.keys(inputs)), cStrings(Object.keys(outputs))] as const;
    const values = [pointers(Object.values(inputs)), pointers(Object.values(outputs))] as const;
    this.#pinned = [names, values, inputs, outputs];
    this.#arguments = [names[0].table, values[0], values[0].length, names[1].table, values[1].length, values[1]];
  }

  /**
   * Runs the graph on a thread of the pool, never on the event loop.
   * @throws OrtError; the signal's reason if it aborted, which ends the run between two operators
   */
  async run(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    if (this.#disposed || this.#running)
      throw new OrtError(this.#disposed ? 'the binding has been disposed' : 'a run is in progress');
    const { api } = ort();
    const abort = () => check(api, api.setTerminate(this.#options));
    signal?.addEventListener('abort', abort, { once: true });
    this.#running = true;
    try {
      check(api, await callAsync(api.run, this.#session.handle, this.#options, ...this.#arguments));
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      throw error;
    } finally {
      this.#running = false;
      signal?.removeEventListener('abort', abort);
      if (signal?.aborted) check(api, api.unsetTerminate(this.#options));
    }
  }

  /** Runs the graph on the calling thread, for workers. @throws OrtError */
  runBlocking(): void {
    if (this.#disposed || this.#running)
      throw new OrtError(this.#disposed ? 'the binding has been disposed' : 'a run is in progress');
    const { api } = ort();
    check(api, api.run(this.#session.handle, this.#options, ...this.#arguments));
  }

  /** No run may be in progress. */
  [Symbol.dispose](): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#pinned.length = 0;
    ort().api.releaseRunOptions(this.#options);
  }
}

function pointers(tensors: readonly Value[]): BigUint64Array {
  return BigUint64Array.from(tensors, (tensor) => koffi.address(tensor.handle));
}
