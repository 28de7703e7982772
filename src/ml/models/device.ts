import { existsSync } from 'node:fs';
import { StartupError } from '../../lib/errors.ts';
import type { Logger } from '../../lib/log.ts';
import { checkCuda } from '../ort/cuda.ts';
import { ort } from '../ort/library.ts';
import type { Device } from '../ort/session.ts';
import { cudaLibrary } from './cuda-libraries.ts';

export type DeviceChoice = 'auto' | 'cpu' | 'cuda';

export interface DeviceOptions {
  choice: DeviceChoice;
  dataDir: string;
  log: Pick<Logger, 'info'>;
}

/**
 * Chooses where models run. `auto` uses the GPU if everything that it needs is present, and otherwise logs what is
 * missing.
 * @throws StartupError if CUDA is required but not available
 */
export function chooseDevice({ choice, dataDir, log }: DeviceOptions): Device {
  if (choice === 'cpu') return { type: 'cpu' };
  const library = cudaLibrary(dataDir);
  const reason = reasonAgainst(library);
  if (reason === null) {
    log.info('Models run on the GPU');
    return { type: 'cuda', library };
  }
  if (choice === 'cuda') throw new StartupError(`CADENZA_DEVICE is cuda, but ${reason}`);
  log.info(`Models run on the CPU: ${reason}`);
  return { type: 'cpu' };
}

/** What `chooseDevice` chooses, once ONNX Runtime has been loaded. @throws Error that says why it cannot be */
export function examineDevice(options: DeviceOptions): { version: string; type: Device['type'] } {
  const device = chooseDevice(options);
  return { version: ort().api.version, type: device.type };
}

function reasonAgainst(library: string): string | null {
  if (process.platform !== 'linux' || process.arch !== 'x64')
    return `there is no CUDA for ${process.platform}-${process.arch} in ONNX Runtime’s packages, only for linux-x64`;
  if (!existsSync(library)) return `ONNX Runtime’s CUDA libraries are not installed: npm run cuda installs them`;
  try {
    checkCuda(library);
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
