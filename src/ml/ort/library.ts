import koffi, { type KoffiFunc, type LibraryHandle } from 'koffi';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, isAbsolute, join } from 'node:path';
import { bindApi, type Api, type Handle, type Out, type Status } from './api.ts';

/** What ONNX Runtime calls its kinds of failure (`OrtErrorCode`). */
const errorCodes = [
  ...['OK', 'FAIL', 'INVALID_ARGUMENT', 'NO_SUCHFILE', 'NO_MODEL', 'ENGINE_ERROR', 'RUNTIME_EXCEPTION'],
  ...['INVALID_PROTOBUF', 'MODEL_LOADED', 'NOT_IMPLEMENTED', 'INVALID_GRAPH', 'EP_FAIL', 'MODEL_LOAD_CANCELED'],
];

/** ONNX Runtime refused or failed, or cannot be used; where it has spoken, the message is its own and so is the code. */
export class OrtError extends Error {
  override readonly name = 'OrtError';
  readonly code: string | null;
  constructor(message: string, code: string | null = null) {
    super(message);
    this.code = code;
  }
}

const libraryNames: Partial<Record<NodeJS.Platform, string>> = {
  linux: 'libonnxruntime.so.1',
  darwin: 'libonnxruntime.1.dylib',
  win32: 'onnxruntime.dll',
};

/** The shared library inside the `onnxruntime-node` package. @throws OrtError when there is none for this platform */
export function packagedLibrary(platform = process.platform, arch: string = process.arch): string {
  const root = dirname(createRequire(import.meta.url).resolve('onnxruntime-node/package.json'));
  const name = libraryNames[platform];
  if (name !== undefined && packagedFor.has(`${platform}-${arch}`))
    return join(root, 'bin', 'napi-v6', platform, arch, name);
  throw new OrtError(`onnxruntime-node carries no ONNX Runtime for ${platform}-${arch}`);
}

const packagedFor = new Set(['linux-x64', 'linux-arm64', 'darwin-arm64', 'win32-x64', 'win32-arm64']);

/**
 * Koffi runs native code on stacks of its own, of 128 KiB for asynchronous calls. ONNX Runtime's kernels pack matrices on
 * the stack and need about 100, more on some processors; past its end is a segmentation fault. This is the size of an
 * ordinary thread's stack, and costs only the pages that are touched.
 */
const STACK_BYTES = 8 * 1024 * 1024;

function widenStacks(): void {
  // Koffi refuses this after its first call, which a second copy of this module would come to.
  if ((koffi.config().async_stack_size ?? 0) < STACK_BYTES)
    koffi.config({ sync_stack_size: STACK_BYTES, async_stack_size: STACK_BYTES });
}

export interface Runtime {
  api: Api;
  env: Handle;
  cpuMemory: Handle;
  /** Where its library lies. */
  path: string;
}

let runtime: Runtime | null = null;

/**
 * ONNX Runtime, loaded at the first call, once per thread. Handles of one library mean nothing to another, so there is
 * only one: whatever was loaded first.
 *
 * @param path of the library, where it must be this one; the packaged one unless told
 * @throws OrtError when it cannot be loaded, is not ONNX Runtime or is too old, or another is loaded already
 */
export function ort(path?: string): Runtime {
  if (runtime && path !== undefined && path !== runtime.path)
    throw new OrtError(`ONNX Runtime is loaded from ${runtime.path} already, so it cannot be loaded from ${path}`);
  return (runtime ??= load(path ?? packagedLibrary()));
}

function load(path: string): Runtime {
  // Must be set before the library is loaded: 1.30 ships with telemetry on.
  process.env.ORT_DISABLE_TELEMETRY = '1';
  const api = describeFailure(path, () => bindApi(loadShared(path)));
  const errorsOnly = 3;
  const env = made(api, (out) => api.createEnv(errorsOnly, 'cadenza', out));
  const [arenaAllocator, defaultMemory] = [1, 0];
  const cpuMemory = made(api, (out) => api.createCpuMemoryInfo(arenaAllocator, defaultMemory, out));
  return { api, env, cpuMemory, path };
}

function describeFailure<Result>(path: string, use: () => Result): Result {
  try {
    return use();
  } catch (error) {
    throw new OrtError(
      `${path} cannot be used as ONNX Runtime: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

/** Kept for good: koffi unloads a library whose object is collected, and the function pointers would point nowhere. */
const kept: LibraryHandle[] = [];

/** @param path or a name that the system knows. @throws Error with the system's reason */
export function loadShared(path: string, { global = false } = {}): LibraryHandle {
  widenStacks();
  if (isAbsolute(path)) checkWhole(path);
  const library = koffi.load(path, { global });
  kept.push(library);
  return library;
}

/**
 * A library that was cut off (a copy that broke, a full disk) is mapped as if it were whole, and the process dies with SIGBUS
 * when it touches what is not there. The section headers lie at the very end of an ELF file as linkers write it.
 */
function checkWhole(path: string): void {
  const file = openSync(path, 'r');
  try {
    const header = Buffer.alloc(64);
    if (readSync(file, header) < header.length || header.toString('latin1', 0, 4) !== '\x7fELF') return;
    const end = Number(header.readBigUInt64LE(40)) + header.readUInt16LE(58) * header.readUInt16LE(60);
    if (fstatSync(file).size < end) throw new Error('the file is cut off');
  } finally {
    closeSync(file);
  }
}

/** A call that makes a handle. */
export function made(api: Api, create: (out: Out) => Status): Handle {
  const out: Out = [null];
  check(api, create(out));
  return filled(out);
}

/** The handle that a call which succeeded has made. */
export function filled([handle]: Out): Handle {
  if (!handle) throw new OrtError('ONNX Runtime answered with a null pointer');
  return handle;
}

/**
 * Calls a function of the API on a thread of libuv's pool and never on the event loop.
 * @param args the function's arguments; what pointers among them point to must stay until it is done
 */
export function callAsync<Arguments extends unknown[]>(
  call: KoffiFunc<(...args: Arguments) => Status>,
  ...args: Arguments
): Promise<Status> {
  return new Promise((resolve, reject) => {
    const done = (error: Error | null, status: Status) => (error ? reject(error) : resolve(status));
    call.async(...args, done);
  });
}

/** A null status is success; any other carries a message and is released here. */
export function check(api: Api, status: Status): void {
  if (!status) return;
  const message = api.getErrorMessage(status);
  const code = errorCodes[api.getErrorCode(status)] ?? null;
  api.releaseStatus(status);
  throw new OrtError(message, code);
}
