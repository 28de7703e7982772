import koffi, { type KoffiFunc, type LibraryHandle } from 'koffi';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** ONNX Runtime refused or failed; the message is its own. */
export class OrtError extends Error {
  override readonly name = 'OrtError';
}

/** An opaque pointer that ONNX Runtime handed out. */
export type Handle = object;

/** The C API's version whose function table we read: 22 came with ONNX Runtime 1.22, and tables only ever grow. */
const API_VERSION = 22;

const libraryNames: Partial<Record<NodeJS.Platform, string>> = {
  linux: 'libonnxruntime.so.1',
  darwin: 'libonnxruntime.1.dylib',
  win32: 'onnxruntime.dll',
};

/** The shared library inside the `onnxruntime-node` package, for this platform. */
function libraryPath(): string {
  const root = dirname(createRequire(import.meta.url).resolve('onnxruntime-node/package.json'));
  const name = libraryNames[process.platform];
  const path = name && join(root, 'bin', 'napi-v6', process.platform, process.arch, name);
  if (path && existsSync(path)) return path;
  throw new OrtError(
    `onnxruntime-node carries no ONNX Runtime for ${process.platform}-${process.arch}${path ? ` (${path})` : ''}`,
  );
}

/** Kept for good: koffi unloads a library whose object is collected, and the function pointers would point nowhere. */
let library: LibraryHandle | null = null;

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

function bindApi() {
  widenStacks();
  // Must be set before the library is loaded: 1.30 ships with telemetry on.
  process.env.ORT_DISABLE_TELEMETRY = '1';
  library ??= koffi.load(libraryPath());
  const getApiType = koffi.proto('void* OrtGetApi(uint32_t version)');
  const base = koffi.struct('OrtApiBase', { GetApi: koffi.pointer(getApiType), GetVersionString: 'void*' });
  const apiBase = koffi.decode(library.func('OrtApiBase* OrtGetApiBase()')() as Handle, base) as { GetApi: Handle };
  const table = koffi.call(apiBase.GetApi, getApiType, API_VERSION) as Handle | null;
  if (!table) throw new OrtError(`This ONNX Runtime does not offer version ${API_VERSION} of its C API`);
  const functions = koffi.decode(table, koffi.array('void*', 131)) as Handle[];

  /** The function in this place of `struct OrtApi` (onnxruntime_c_api.h), whose order is its ABI. */
  const bind = (index: number, signature: string): unknown => {
    const type = koffi.proto(signature.replace('(', `ort${index}(`));
    return koffi.decode(functions[index], type);
  };
  return {
    getErrorMessage: bind(2, 'const char* (void* status)') as KoffiFunc<(a: Handle) => string>,
    createEnv: bind(3, 'void* (int level, const char* id, _Out_ void** out)') as KoffiFunc<
      (a: number, b: string, c: Out) => Status
    >,
    createSession: bind(
      7,
      `void* (void* env, ${process.platform === 'win32' ? 'const char16_t*' : 'const char*'} path, void* options, _Out_ void** out)`,
    ) as KoffiFunc<(a: Handle, b: string | Buffer, c: Handle, d: Out) => Status>,
    run: bind(
      9,
      'void* (void* session, void* options, void* inputNames, void* inputs, size_t inputCount, void* outputNames, size_t outputCount, void* outputs)',
    ) as KoffiFunc<(...args: unknown[]) => Status>,
    createSessionOptions: bind(10, 'void* (_Out_ void** out)') as KoffiFunc<(a: Out) => Status>,
    setIntraOpThreads: bind(24, 'void* (void* options, int threads)') as KoffiFunc<(a: Handle, b: number) => Status>,
    createRunOptions: bind(39, 'void* (_Out_ void** out)') as KoffiFunc<(a: Out) => Status>,
    setTerminate: bind(46, 'void* (void* options)') as KoffiFunc<(a: Handle) => Status>,
    unsetTerminate: bind(47, 'void* (void* options)') as KoffiFunc<(a: Handle) => Status>,
    createTensor: bind(
      49,
      'void* (void* memory, void* data, size_t bytes, int64_t* shape, size_t rank, int type, _Out_ void** out)',
    ) as KoffiFunc<
      (a: Handle, b: ArrayBufferView, c: number, d: BigInt64Array, e: number, f: number, g: Out) => Status
    >,
    createCpuMemoryInfo: bind(69, 'void* (int allocator, int type, _Out_ void** out)') as KoffiFunc<
      (a: number, b: number, c: Out) => Status
    >,
    releaseStatus: bind(93, 'void (void* status)') as KoffiFunc<(a: Handle) => void>,
    releaseSession: bind(95, 'void (void* session)') as KoffiFunc<(a: Handle) => void>,
    releaseValue: bind(96, 'void (void* value)') as KoffiFunc<(a: Handle) => void>,
    releaseRunOptions: bind(97, 'void (void* options)') as KoffiFunc<(a: Handle) => void>,
    releaseSessionOptions: bind(100, 'void (void* options)') as KoffiFunc<(a: Handle) => void>,
    addSessionConfigEntry: bind(130, 'void* (void* options, const char* key, const char* value)') as KoffiFunc<
      (a: Handle, b: string, c: string) => Status
    >,
  };
}

/** Null is success. */
export type Status = Handle | null;

/** Where a function writes the one pointer it makes. */
export type Out = [Handle | null];

export type Api = ReturnType<typeof bindApi>;

interface Runtime {
  api: Api;
  env: Handle;
  cpuMemory: Handle;
}

let runtime: Runtime | null = null;

/** Loads the library once per process. @throws OrtError when this platform has none */
export function ort(): Runtime {
  if (runtime) return runtime;
  const api = bindApi();
  const errorsOnly = 3;
  const env = made(api, (out) => api.createEnv(errorsOnly, 'cadenza', out));
  const [arenaAllocator, defaultMemory] = [1, 0];
  runtime = { api, env, cpuMemory: made(api, (out) => api.createCpuMemoryInfo(arenaAllocator, defaultMemory, out)) };
  return runtime;
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
  api.releaseStatus(status);
  throw new OrtError(message);
}
