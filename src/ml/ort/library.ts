import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { KoffiFunc } from 'koffi';
import { type Api, bindApi, type Handle, type Out, type Status } from './api.ts';
import { setRuntimeEnvironment } from './environment.ts';
import { loadShared } from './shared-library.ts';

/** ONNX Runtime's names for kinds of failure (`OrtErrorCode`). */
const errorCodes = [
  ...['OK', 'FAIL', 'INVALID_ARGUMENT', 'NO_SUCHFILE', 'NO_MODEL', 'ENGINE_ERROR', 'RUNTIME_EXCEPTION'],
  ...['INVALID_PROTOBUF', 'MODEL_LOADED', 'NOT_IMPLEMENTED', 'INVALID_GRAPH', 'EP_FAIL', 'MODEL_LOAD_CANCELED'],
];

/** ONNX Runtime refused, failed or cannot be used. If it reported an error, message and code are its own. */
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

/** The shared library in the `onnxruntime-node` package. @throws OrtError if there is none for this platform */
export function packagedLibrary(platform = process.platform, arch: string = process.arch): string {
  const root = dirname(createRequire(import.meta.url).resolve('onnxruntime-node/package.json'));
  const name = libraryNames[platform];
  if (name !== undefined && packagedFor.has(`${platform}-${arch}`))
    return join(root, 'bin', 'napi-v6', platform, arch, name);
  throw new OrtError(`onnxruntime-node contains no ONNX Runtime for ${platform}-${arch}`);
}

const packagedFor = new Set(['linux-x64', 'linux-arm64', 'darwin-arm64', 'win32-x64', 'win32-arm64']);

export interface Runtime {
  api: Api;
  env: Handle;
  cpuMemory: Handle;
  /** The path of its library. */
  path: string;
}

let runtime: Runtime | null = null;

/**
 * ONNX Runtime, loaded at the first call, once per thread. Handles of one library are invalid in another, so the
 * library loaded first is the only one.
 * @param path the required library; by default the packaged one or the one already loaded
 * @throws OrtError if it cannot be loaded, is not ONNX Runtime, is too old, or another one is already loaded
 */
export function ort(path?: string): Runtime {
  if (runtime && path !== undefined && path !== runtime.path)
    throw new OrtError(`ONNX Runtime is already loaded from ${runtime.path} and cannot be loaded from ${path} as well`);
  return (runtime ??= load(path ?? packagedLibrary()));
}

function load(path: string): Runtime {
  setRuntimeEnvironment();
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

/** Calls a function that creates a handle. */
export function made(api: Api, create: (out: Out) => Status): Handle {
  const out: Out = [null];
  check(api, create(out));
  return handleFrom(out);
}

/** The handle created by a successful call. */
export function handleFrom([handle]: Out): Handle {
  if (!handle) throw new OrtError('ONNX Runtime returned a null pointer');
  return handle;
}

/**
 * Calls a function of the API on a thread of libuv's pool, never on the event loop.
 * @param args the function's arguments. Memory that they point to must stay valid until the call has ended.
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

/** A null status means success. Any other has a message and is released here. */
export function check(api: Api, status: Status): void {
  if (!status) return;
  const message = api.getErrorMessage(status);
  const code = errorCodes[api.getErrorCode(status)] ?? null;
  api.releaseStatus(status);
  throw new OrtError(message, code);
}
