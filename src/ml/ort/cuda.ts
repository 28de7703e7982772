import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Api, Handle } from './api.ts';
import { cStrings } from './c-strings.ts';
import { check, loadShared, made, OrtError } from './library.ts';

/** What ONNX Runtime's CUDA provider is told. TF32 would round what it multiplies to 10 bits. */
const providerOptions = { device_id: '0', arena_extend_strategy: 'kSameAsRequested', use_tf32: '0' };

/** The libraries of NVIDIA's that the provider needs, each after those that it needs itself. */
const needed = ['cudart', 'cublasLt', 'cublas', 'curand', 'cufft', 'nvrtc', 'cudnn'];

/** Sessions made with these options run on the GPU. @throws OrtError */
export function appendCuda(api: Api, options: Handle, library: string): void {
  loadProvider(library);
  const cuda = made(api, (out) => api.createCudaOptions(out));
  try {
    const [keys, values] = [cStrings(Object.keys(providerOptions)), cStrings(Object.values(providerOptions))];
    check(api, api.updateCudaOptions(cuda, keys.table, values.table, keys.buffers.length));
    check(api, api.appendCuda(options, cuda));
  } finally {
    api.releaseCudaOptions(cuda);
  }
}

/**
 * Loads the provider that lies beside `library`, and before it NVIDIA's libraries where pip has put them, which the system
 * would not look for there. ONNX Runtime would do the first by itself, but tells the reason of a failure only to its log.
 * @throws OrtError that names what is missing
 */
export function loadProvider(library: string): void {
  const folder = dirname(library);
  for (const path of nvidiaLibraries(join(folder, '..', '..', 'nvidia'))) attempt(() => loadShared(path));
  try {
    // The provider takes its host's functions from this one, by their names.
    loadShared(join(folder, 'libonnxruntime_providers_shared.so'), { global: true });
    loadShared(join(folder, 'libonnxruntime_providers_cuda.so'));
  } catch (error) {
    throw new OrtError(explain(error instanceof Error ? error.message : String(error)));
  }
}

function nvidiaLibraries(folder: string): string[] {
  const files = attempt(() => readdirSync(folder, { recursive: true, encoding: 'utf8' })) ?? [];
  const named = (name: string) => files.filter((file) => new RegExp(`/lib${name}\\.so\\.\\d+$`).test(file));
  return needed.flatMap(named).map((file) => join(folder, file));
}

/** What is not there is found missing later, by name. */
function attempt<Result>(use: () => Result): Result | null {
  try {
    return use();
  } catch {
    return null;
  }
}

function explain(reason: string): string {
  if (reason.includes('libcuda.so')) return `NVIDIA’s driver is not installed on this machine (${reason})`;
  return `ONNX Runtime’s CUDA provider cannot be loaded: ${reason}`;
}
