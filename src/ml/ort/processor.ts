import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { ort } from './library.ts';

/** What decides which kernels run, as the operating system names it. */
const FEATURES = /^(avx2|avx512f|avx512_vnni|avx_vnni|avx_vnni_int8|avx512_bf16|amx_int8|asimddp|i8mm|sve)$/;

export interface Processor {
  model: string;
  /** Its instructions for vectors and matrices; none where the system does not say. */
  features: readonly string[];
  /** The same on every machine with this processor and this ONNX Runtime. */
  fingerprint: string;
}

export function readProcessor(): Processor {
  const model = nameOf();
  const features = readFeatures();
  const { version } = ort().api;
  const fingerprint = createHash('sha256')
    .update([process.arch, model, ...features, version].join(' '))
    .digest('hex');
  return { model, features, fingerprint: fingerprint.slice(0, 16) };
}

/** What the kernels that run here depend on, as far as the system says: their instructions, or the processor's name. */
export function kernelFeatures(): string[] {
  const features = readFeatures();
  return [process.arch, ...(features.length > 0 ? features : [nameOf()])];
}

const nameOf = (): string => cpus()[0]?.model ?? 'unknown';

function readFeatures(): string[] {
  try {
    const line = /^(?:flags|Features)\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1] ?? '';
    return line.split(' ').filter((word) => FEATURES.test(word));
  } catch {
    return [];
  }
}
