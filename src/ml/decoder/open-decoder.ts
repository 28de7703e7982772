import type { CompiledModel } from '../compile/compile.ts';
import { OrtError } from '../ort/library.ts';
import { type Device, Session } from '../ort/session.ts';
import { CompiledDecoder } from './compiled-decoder.ts';
import type { Decoder } from './decoder.ts';
import { sumsAreExact } from './exactness.ts';
import { ExportedDecoder } from './exported-decoder.ts';
import { mixesRows } from './row-independence.ts';

export interface DecoderOptions {
  model: Pick<CompiledModel, 'graphPath' | 'shape'>;
  threads: number;
  /** The device that the model was compiled for; the CPU by default. */
  device?: Device;
  slots: number;
  /** Maximum number of tokens in a slot, at most the model's context. */
  capacity: number;
}

/** @throws OrtError if the graph cannot be loaded, or is of integers that this processor does not add exactly */
export async function openDecoder({ model, threads, device, slots, capacity }: DecoderOptions): Promise<Decoder> {
  if (model.shape.integers && !sumsAreExact(threads)) throw new OrtError('sums of integers are not exact here');
  const session = await Session.open(model.graphPath, { threads, ...(device && { device }) });
  const { shape } = model;
  const tokens = Math.min(capacity, shape.contextTokens);
  try {
    if (shape.exported) return new ExportedDecoder(session, shape, shape.exported, slots, tokens);
    const decoder = new CompiledDecoder(session, shape, slots, tokens);
    // Texts must not depend on each other, and that comes before speed ([GEN2]).
    if (session.device.type === 'cpu') decoder.runsApart = await mixesRows(decoder);
    return decoder;
  } catch (error) {
    session[Symbol.dispose]();
    throw error;
  }
}
