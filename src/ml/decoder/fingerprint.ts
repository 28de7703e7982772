import { digestOfText } from '../../lib/text/digest.ts';
import type { CompiledModel } from '../compile/compile.ts';
import { nameOfGpu } from '../ort/cuda.ts';
import { ort } from '../ort/library.ts';
import { kernelFeatures } from '../ort/processor.ts';
import type { Device } from '../ort/session.ts';

const DIGITS = 16;

/**
 * Identifies what computes a model's texts: the graph, ONNX Runtime, and what its choice of kernels depends on. Where it is
 * the same, so are the logits, bit for bit ([OWN1]). The format of the products is a part of the graph. Call it once the
 * graph is open, because that decides which ONNX Runtime is loaded.
 */
export function fingerprintOf({ digest }: Pick<CompiledModel, 'digest'>, device: Device): string {
  const place = device.type === 'cuda' ? ['cuda', nameOfGpu()] : kernelFeatures();
  return digestOfText([digest, ort().api.version, ...place].join(' ')).slice(0, DIGITS);
}
