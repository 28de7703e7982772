import type { CompiledModel } from '../compile/compile.ts';
import { type Device, Session } from '../ort/session.ts';
import { CompiledDecoder } from './compiled-decoder.ts';
import type { Decoder } from './decoder.ts';
import { ExportedDecoder } from './exported-decoder.ts';
import { mixesRows } from './row-independence.ts';

export interface DecoderOptions {
  model: Pick<CompiledModel, 'graphPath' | 'shape'>;
  threads: number;
  /** What the model was compiled for; the CPU unless told. */
  device?: Device;
  slots: number;
  /** Tokens a slot can hold; at most the model's context. */
  capacity: number;
}

/** @throws OrtError when the graph cannot be loaded */
export async function openDecoder({ model, threads, device, slots, capacity }: DecoderOptions): Promise<Decoder> {
  const session = await Session.open(model.graphPath, { threads, ...(device && { device }) });
  const { shape } = model;
  const tokens = Math.min(capacity, shape.contextTokens);
  try {
    if (shape.exported) return new ExportedDecoder(session, shape, shape.exported, slots, tokens);
    const decoder = new CompiledDecoder(session, shape, slots, tokens);
    // The promise that a text depends on no other comes before speed ([GEN2]).
    if (session.device.type === 'cpu') decoder.runsApart = await mixesRows(decoder);
    return decoder;
  } catch (error) {
    session[Symbol.dispose]();
    throw error;
  }
}
