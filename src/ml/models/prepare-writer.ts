import type { Clock } from '../../lib/clock.ts';
import { asError } from '../../lib/errors.ts';
import type { Logger } from '../../lib/log.ts';
import type { CompiledModel } from '../compile/compile.ts';
import type { ModelKernels } from '../contract.ts';
import { kvCacheBytes } from '../decoder/kv-cache.ts';
import type { KernelsPreference } from '../kernels/serving.ts';
import type { Device } from '../ort/session.ts';
import type { ModelEntry } from '../store/model-catalogue.ts';
import type { ModelStore } from '../store/model-store.ts';
import type { ModelText } from '../text/model-text.ts';
import type { MemoryBudget } from '../writer/memory-budget.ts';
import { Writer } from '../writer/writer.ts';
import { WriterThread } from '../writer/writer-thread.ts';
import { openFetched } from './compile-fetched.ts';

/** What the models of one engine share. */
export interface PreparationOptions {
  store: ModelStore;
  /** Where the graph runs. */
  device: Device;
  threads: number;
  slots: number;
  queue: number;
  /** Maximum number of tokens of a draft, prompt included; at most the model's own context. */
  capacity: number;
  memory: MemoryBudget;
  /** Memory for cached beginnings of prompts, in bytes. */
  prefixBytes: number;
  sleepAfterMs: number;
  checked: boolean;
  log: Pick<Logger, 'info' | 'warn'>;
  clock: Clock;
  signal: AbortSignal;
  /** Which products serve; `blocks` by default. */
  kernels?: KernelsPreference;
}

/**
 * Compiles a fetched model and opens it.
 * @throws ModelUnavailableError that says what is wrong with its files; DiskFullError; the signal's reason
 */
export async function prepareWriter(
  entry: ModelEntry,
  options: PreparationOptions,
  onProgress: (share: number) => void,
): Promise<Writer> {
  const { store, device, threads, kernels, signal, log } = options;
  const compile = ({ anew = false } = {}) =>
    openFetched(store, entry, {
      device: device.type,
      threads,
      ...(kernels && { kernels }),
      log,
      signal,
      onProgress,
      anew,
    });
  const { model, text } = await compile();
  signal.throwIfAborted();
  const writer = createWriter(entry, model, text, options);
  try {
    await wake(writer, signal);
    return writer;
  } catch (error) {
    // A compiled model that does not open was damaged or made by another version. It is compiled again, once.
    signal.throwIfAborted();
    log.warn(`${entry.name}: the compiled model cannot be opened (${asError(error).message}); compiling it again`);
    const again = createWriter(entry, (await compile({ anew: true })).model, text, options);
    await wake(again, signal);
    return again;
  }
}

/** Opens it. That may have to wait for memory while another model works, but not during shutdown. */
export async function wake(
  service: AsyncDisposable & { wake: () => Promise<void> },
  signal: AbortSignal,
): Promise<void> {
  const close = (): void => void service[Symbol.asyncDispose]();
  signal.addEventListener('abort', close, { once: true });
  try {
    await service.wake();
  } finally {
    signal.removeEventListener('abort', close);
  }
}

function createWriter(
  entry: ModelEntry,
  model: CompiledModel,
  { tokenizer, chat }: ModelText,
  options: PreparationOptions,
): Writer {
  const { device, threads, slots, queue, prefixBytes, memory, sleepAfterMs, checked, clock } = options;
  const { id, name } = entry;
  const capacity = Math.min(options.capacity, entry.context, model.shape.contextTokens);
  const { tokenBytes, ends, exempt } = tokenizer;
  const thread = { model, threads, device, capacity, prefixBytes, checked, tokenBytes, ends, exempt };
  return new Writer({
    ...{
      id,
      name,
      chat,
      tokens: tokenizer,
      kernels: kernelsOf(entry, model),
      capacity,
      queue,
      memory,
      sleepAfterMs,
      clock,
    },
    demand: {
      weightBytes: prefixBytes + model.weightBytes,
      slotBytes: kvCacheBytes(model.shape, 1, capacity),
      slots,
    },
    open: (granted, listener) => WriterThread.open({ ...thread, slots: granted }, listener),
  });
}

function kernelsOf({ weights }: ModelEntry, { shape }: CompiledModel): ModelKernels | null {
  if (shape.exported) return null;
  if (shape.integers) return 'INTEGERS';
  return weights === 'float' ? 'FLOATS' : 'BLOCKS';
}
