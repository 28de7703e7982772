import { existsSync, readFileSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { z } from 'zod';
import { makeFolder } from '../../lib/folders.ts';
import { parseStoredJson } from '../../lib/stored-data.ts';
import { python } from '../store/pip.ts';

/** One package contains ONNX Runtime's provider, the others the NVIDIA libraries that it needs. */
const provider = (version: string): string => `onnxruntime-gpu==${version}`;
const runtime = [
  ...['nvidia-cuda-runtime~=13.0', 'nvidia-cuda-nvrtc~=13.0', 'nvidia-cublas~=13.0', 'nvidia-curand~=10.0'],
  ...['nvidia-cufft~=12.0', 'nvidia-cudnn-cu13~=9.0'],
];
/** The packages for this platform, whatever Python runs pip. Nothing in them is run by Python. */
const platform = [
  ...['--python-version', '3.12', '--implementation', 'cp', '--abi', 'cp312'],
  ...['2_28', '2_27', '2_17'].flatMap((glibc) => ['--platform', `manylinux_${glibc}_x86_64`]),
  ...['--platform', 'manylinux2014_x86_64'],
];

export interface CudaInstallation {
  dataDir: string;
  /** Installs NVIDIA's libraries too. Otherwise they must be installed on the system. */
  withRuntime: boolean;
  signal: AbortSignal;
}

/** The installed ONNX Runtime next to its CUDA provider. It has the same version as the one for CPUs. */
export function cudaLibrary(dataDir: string): string {
  const version = packagedVersion();
  return join(dataDir, 'cuda', version, 'onnxruntime', 'capi', `libonnxruntime.so.${version}`);
}

/**
 * Installs ONNX Runtime's CUDA libraries into the data folder with pip, completely or not at all.
 * @returns the folder
 */
export async function installCuda({ dataDir, withRuntime, signal }: CudaInstallation): Promise<string> {
  const version = packagedVersion();
  const folder = join(dataDir, 'cuda', version);
  const temporary = `${folder}.${process.pid}.tmp`;
  await makeFolder(temporary);
  try {
    const options = ['--no-deps', '--only-binary=:all:', '--no-input', '--disable-pip-version-check', '--quiet'];
    const wanted = [provider(version), ...(withRuntime ? runtime : [])];
    const pip = ['-m', 'pip', 'install', ...options, ...platform, '--target', temporary, ...wanted];
    for await (const _ of python(pip, signal)) continue;
    await rm(folder, { recursive: true, force: true });
    await rename(temporary, folder);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
  if (!existsSync(cudaLibrary(dataDir))) throw new Error(`the packages do not contain ${cudaLibrary(dataDir)}`);
  return folder;
}

function packagedVersion(): string {
  const file = createRequire(import.meta.url).resolve('onnxruntime-node/package.json');
  return parseStoredJson(z.object({ version: z.string() }), readFileSync(file, 'utf8'), file).version;
}
