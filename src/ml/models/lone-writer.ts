import { systemClock } from '../../lib/clock.ts';
import { ServiceUnavailableError } from '../../lib/errors.ts';
import { silentLogger } from '../../lib/log.ts';
import type { Usage } from '../contract.ts';
import { defaultSampling } from '../sampling/sampling-limits.ts';
import type { ModelEntry } from '../store/model-catalogue.ts';
import type { ModelStore } from '../store/model-store.ts';
import { MemoryBudget } from '../writer/memory-budget.ts';
import { prepareWriter } from './prepare-writer.ts';

export interface FirstTextOptions {
  store: ModelStore;
  threads: number;
  prompt: string;
  maxTokens: number;
  /** The fraction that is compiled. Not called if nothing has to be compiled. */
  onProgress: (share: number) => void;
  /** Called with the text as it grows. */
  onText: (text: string) => void;
  signal: AbortSignal;
}

const CAPACITY = 1_024;

/**
 * Compiles a fetched model and lets it write a text, without the rest of an engine.
 * @throws ModelUnavailableError that says what is wrong with its files; DiskFullError; the signal's reason
 */
export async function writeFirstText(entry: ModelEntry, options: FirstTextOptions): Promise<Usage> {
  const { store, threads, prompt, maxTokens, onProgress, onText, signal } = options;
  const sizes = { threads, slots: 1, queue: 1, capacity: CAPACITY, prefixBytes: 0, sleepAfterMs: 2 ** 31 - 1 };
  const shared = { memory: new MemoryBudget(Infinity), checked: false, clock: systemClock, log: silentLogger, signal };
  const writer = await prepareWriter(entry, { store, device: { type: 'cpu' }, ...sizes, ...shared }, onProgress);
  await using _ = writer;
  const request = {
    messages: [{ role: 'user' as const, content: prompt }],
    sampling: { ...defaultSampling, maxTokens, seed: 1 },
  };
  using ticket = writer.admit(request);
  for await (const event of ticket.generate(request, signal)) {
    if (event.type === 'tokens') onText(event.text);
    if (event.type === 'finished') {
      signal.throwIfAborted();
      return event.usage;
    }
  }
  throw new ServiceUnavailableError(`${entry.name} ended before its first text did`);
}
