import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Api, Handle } from './api.ts';
import { cStrings } from './c-strings.ts';
import { check, made, ort, OrtError } from './library.ts';
import { loadShared } from './shared-library.ts';

/** Options of ONNX Runtime's CUDA provider. TF32 would round factors to 10 bits. */
const providerOptions = { device_id: '0', arena_extend_strategy: 'kSameAsRequested', use_tf32: '0' };

/** The NVIDIA libraries that the provider needs, each after its own dependencies. */
const needed = ['cudart', 'cublasLt', 'cublas', 'curand', 'cufft', 'nvrtc', 'cudnn'];

/** Whether graphs can run on a GPU with the ONNX Runtime at `library`. @throws OrtError that says what is missing */
export function checkCuda(library: string): void {
  const { api } = ort(library);
  const options = made(api, (out) => api.createSessionOptions(out));
  try {
    appendCuda(api, options, library);
  } finally {
    api.releaseSessionOptions(options);
  }
  if (countDevices() === 0) throw new OrtError('there is no NVIDIA GPU in this machine');
}

/** Makes sessions with these options run on the GPU. @throws OrtError that says what is missing */
export function appendCuda(api: Api, options: Handle, library: string): void {
  // pip puts NVIDIA's libraries where the system does not look for them.
  for (const path of nvidiaLibraries(join(dirname(library), '..', '..', 'nvidia'))) attempt(() => loadShared(path));
  const cuda = made(api, (out) => api.createCudaOptions(out));
  try {
    const [keys, values] = [cStrings(Object.keys(providerOptions)), cStrings(Object.values(providerOptions))];
    check(api, api.updateCudaOptions(cuda, keys.table, values.table, keys.buffers.length));
    check(api, api.appendCuda(options, cuda));
  } catch (error) {
    throw new OrtError(explain(dirname(library), error instanceof Error ? error.message : String(error)));
  } finally {
    api.releaseCudaOptions(cuda);
  }
}

/**
 * Why the provider failed. ONNX Runtime reports a missing library only in its log, so the provider is loaded once more
 * to get the reason. (Only after ONNX Runtime has loaded it: a provider loaded without its host never gets one.)
 */
function explain(folder: string, message: string): string {
  try {
    for (const name of ['shared', 'cuda'])
      loadShared(join(folder, `libonnxruntime_providers_${name}.so`), { global: true });
    return message;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    if (reason.includes('libcuda.so')) return `NVIDIA’s driver is not installed on this machine (${reason})`;
    return `ONNX Runtime’s CUDA provider cannot be loaded: ${reason}`;
  }
}

/** Number of GPUs that the driver reports. */
function countDevices(): number {
  const driver = loadShared('libcuda.so.1');
  const initialise = driver.func('int cuInit(unsigned int flags)') as (flags: number) => number;
  const getCount = driver.func('int cuDeviceGetCount(_Out_ int* count)') as (count: [number]) => number;
  const count: [number] = [0];
  const failure = initialise(0) || getCount(count);
  const noDevice = 100;
  if (failure !== 0 && failure !== noDevice) throw new OrtError(`NVIDIA’s driver does not work: CUDA error ${failure}`);
  return count[0];
}

/** The name of the GPU that graphs run on, or `unknown`. */
export function nameOfGpu(): string {
  return attempt(readNameOfGpu) ?? 'unknown';
}

function readNameOfGpu(): string | null {
  const driver = loadShared('libcuda.so.1');
  const initialise = driver.func('int cuInit(unsigned int flags)') as (flags: number) => number;
  const getName = driver.func('int cuDeviceGetName(_Out_ uint8_t* name, int length, int device)') as (
    ...args: [name: Buffer, length: number, device: number]
  ) => number;
  const name = Buffer.alloc(256);
  const failure = initialise(0) || getName(name, name.length, Number(providerOptions.device_id));
  return failure === 0 ? name.toString('utf8', 0, name.indexOf(0)) : null;
}

function nvidiaLibraries(folder: string): string[] {
  const files = attempt(() => readdirSync(folder, { recursive: true, encoding: 'utf8' })) ?? [];
  const named = (name: string) => files.filter((file) => new RegExp(`/lib${name}\\.so\\.\\d+$`).test(file));
  return needed.flatMap(named).map((file) => join(folder, file));
}

/** Libraries that cannot be loaded are reported later, by name. */
function attempt<Result>(use: () => Result): Result | null {
  try {
    return use();
  } catch {
    return null;
  }
}
