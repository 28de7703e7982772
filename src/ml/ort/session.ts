import koffi from 'koffi';
import type { Handle, Out } from './api.ts';
import { cStrings } from './c-strings.ts';
import { appendCuda } from './cuda.ts';
import { callAsync, check, filled, made, ort, OrtError } from './library.ts';
import { bypassHeapForLargeBlocks, trimHeap } from './native-heap.ts';

/** Where graphs run, as plain data. On CUDA, `library` is the ONNX Runtime that the provider lies beside. */
export type Device = { type: 'cpu' } | { type: 'cuda'; library: string };

export interface SessionOptions {
  /** Threads that one run may use. */
  threads: number;
  /** The CPU unless told. */
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
   * Loads a graph from its file, external data beside it. Reading and repacking the weights takes a second per gigabyte or
   * so, and happens off the event loop.
   * @throws OrtError with ONNX Runtime's own message
   */
  static async open(path: string, { threads, device = { type: 'cpu' } }: SessionOptions): Promise<Session> {
    const { api, env } = ort(device.type === 'cuda' ? device.library : undefined);
    bypassHeapForLargeBlocks();
    const options = cpuOptions(threads);
    try {
      if (device.type === 'cuda') appendCuda(api, options, device.library);
      const out: Out = [null];
      check(api, await callAsync(api.createSession, env, path, options, out));
      return new Session(filled(out), device);
    } finally {
      api.releaseSessionOptions(options);
    }
  }

  /** Loads a small graph from memory, on the calling thread, to run on the CPU. @throws OrtError */
  static ofBytes(graph: Uint8Array, { threads }: Pick<SessionOptions, 'threads'>): Session {
    const { api, env } = ort();
    const options = cpuOptions(threads);
    try {
      const { byteLength } = graph;
      const handle = made(api, (out) => api.createSessionFromArray(env, graph, byteLength, options, out));
      return new Session(handle, { type: 'cpu' });
    } finally {
      api.releaseSessionOptions(options);
    }
  }

  get handle(): Handle {
    if (!this.#handle) throw new OrtError('the session has been disposed');
    return this.#handle;
  }

  /** No run may be under way. */
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
  // Between the operators of a run, workers that sleep cost a seventh of a decode step; between runs, ones that spin would
  // take the core that the event loop answers readers on.
  check(api, api.addSessionConfigEntry(options, 'session.force_spinning_stop', '1'));
  return options;
}

/** What a graph reads or writes: a tensor in the memory of this machine or of a device. */
export interface Value {
  readonly handle: Handle;
}

/**
 * One run's inputs and outputs, resolved to pointers once, so that a step costs one call however many tensors it has. The
 * tensors stay the caller's. ONNX Runtime copies between this machine's memory and the device's exactly what lies in the
 * other one: tensors of `DeviceMemory` stay where they are. (Its own IoBinding makes the same call with the same pointers, but
 * copies an input when it is bound and not when it is run, which is too early for one that changes from step to step.)
 */
export class Binding implements Disposable {
  readonly #session: Session;
  readonly #options: Handle;
  readonly #arguments: unknown[];
  /** What the pointers in `#arguments` point to: must outlive every run. */
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
   * Runs the graph on a thread of the pool and never on the event loop.
   * @throws OrtError; the signal's reason when it aborted, which ends the run between two operators
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

  /** Runs the graph on the calling thread: for workers, which have nobody to keep waiting. @throws OrtError */
  runBlocking(): void {
    if (this.#disposed || this.#running)
      throw new OrtError(this.#disposed ? 'the binding has been disposed' : 'a run is in progress');
    const { api } = ort();
    check(api, api.run(this.#session.handle, this.#options, ...this.#arguments));
  }

  /** No run may be under way. */
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
