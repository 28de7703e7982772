import { ModelUnavailableError } from '../../lib/errors.ts';
import { ModelFileError } from '../compile/compile.ts';
import { Encoder } from '../encoder/encoder.ts';
import { bytesOf, type ModelEntry } from '../store/model-catalogue.ts';
import { type PreparationOptions, wake } from './prepare-writer.ts';

type EncoderPreparation = Pick<
  PreparationOptions,
  'store' | 'device' | 'threads' | 'memory' | 'sleepAfterMs' | 'clock' | 'signal'
>;

/** Weights in 8 bits are unpacked to floats when they are loaded; the rest is buffers. */
const GROWTH = 5;

/**
 * Opens a fetched encoder. Its graph runs as it is.
 * @throws ModelUnavailableError that says what is wrong with its files; the signal's reason
 */
export async function prepareEncoder(entry: ModelEntry, options: EncoderPreparation): Promise<Encoder> {
  const { store, device, threads, memory, sleepAfterMs, clock, signal } = options;
  const { id, name, context } = entry;
  if (!('files' in entry))
    throw new ModelUnavailableError(`${name} cannot be used: an encoder is a folder of files`, id);
  const thread = { folder: store.path(entry), device, lanes: threads, context };
  const encoder = new Encoder({
    ...{ id, name, memory, sleepAfterMs, clock },
    bytes: GROWTH * bytesOf(entry),
    thread,
  });
  try {
    await wake(encoder, signal);
    return encoder;
  } catch (error) {
    await encoder[Symbol.asyncDispose]();
    signal.throwIfAborted();
    if (error instanceof ModelFileError)
      throw new ModelUnavailableError(`${name} cannot be used: ${error.message}`, id);
    throw error;
  }
}
