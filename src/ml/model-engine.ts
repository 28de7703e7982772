import { totalmem } from 'node:os';
import { systemClock, type Clock } from '../lib/clock.ts';
import { NotFoundError } from '../lib/errors.ts';
import type { Logger } from '../lib/log.ts';
import type { Engine, ModelTask } from './engine.ts';
import { chooseDevice, type DeviceChoice } from './device.ts';
import { ModelMemory } from './model-memory.ts';
import { Preparation } from './preparation.ts';
import { loadModelCatalogue } from './store/model-catalogue.ts';
import { modelsFolder, openModelStore } from './store/model-store.ts';

export interface EngineOptions {
  /** Models lie in its folder `models`. */
  dataDir: string;
  /** The operator's own catalogue. */
  catalogueFile?: string | null;
  /** Threads of one inference step. */
  threads: number;
  /** Where models run; `cpu` unless told. `auto`: on the GPU where there is one and all that it needs. */
  device?: DeviceChoice;
  /** Drafts that may wait for a model besides those it is writing; 16 unless told. */
  queue?: number;
  /** Drafts a model writes at a time, memory permitting; 16 unless told. */
  slots?: number;
  /** Tokens a draft may reach, prompt included; 8192 unless told, and never more than the model's context. */
  capacity?: number;
  /** What models in memory may take together, in bytes; half of the machine's unless told. */
  memoryBytes?: number;
  /** What a model keeps of prompts that others may begin with, in bytes; 64 MiB unless told. */
  prefixBytes?: number;
  /** A model that nobody has needed for so long gives its memory back until it is; half an hour unless told. */
  sleepAfterMs?: number;
  /** Checks the schedulers' invariants at every step: for tests. */
  checked?: boolean;
  /** `auto`: each task's default model is fetched when it is missing; `off`: only what is on disk is used. */
  fetch?: 'auto' | 'off';
  /** Waits between failed fetches. */
  retryDelaysMs?: readonly number[];
  log: Pick<Logger, 'info' | 'warn'>;
  clock?: Clock;
}

const MINUTE = 60_000;
const RETRY_DELAYS_MS = [MINUTE / 2, MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE];

/**
 * Starts preparing models in the background and returns at once: each task's default model, then the others that lie
 * on disk, one after the other.
 *
 * @throws StartupError when a catalogue is not valid, and when the device cannot be had
 */
export function createEngine(options: EngineOptions): Engine {
  const closing = new AbortController();
  const preparations = prepareAll(options, closing.signal);
  const defaultOf = (task: ModelTask) => preparations.find(({ entry }) => entry.task === task) ?? null;
  const find = (id: string): Preparation => {
    const found = preparations.find(({ entry }) => entry.id === id);
    if (!found) throw new NotFoundError(`there is no model ${id}`, id);
    return found;
  };
  const work = (async () => {
    const isDefault = (one: Preparation) => defaultOf(one.entry.task) === one;
    const inOrder = [...preparations.filter(isDefault), ...preparations.filter((one) => !isDefault(one))];
    for (const one of inOrder) await one.run({ fetch: options.fetch !== 'off' && isDefault(one) });
  })();
  return {
    models: () => preparations.map(({ model }) => model),
    load: () => preparations.flatMap(({ load }) => load ?? []),
    defaultModel: (task) => defaultOf(task)?.model ?? null,
    admit: (id) => find(id).writer().admit(),
    whenReady: async (id, signal) => find(id).whenReady(signal),
    checkFits: (id, request) => find(id).writer().checkFits(request),
    async [Symbol.asyncDispose]() {
      closing.abort();
      await work;
      for (const one of preparations) await one[Symbol.asyncDispose]();
    },
  };
}

function prepareAll(options: EngineOptions, signal: AbortSignal): Preparation[] {
  const { dataDir, catalogueFile, memoryBytes = totalmem() / 2, ...rest } = options;
  const store = openModelStore(modelsFolder(dataDir));
  const device = chooseDevice({ choice: options.device ?? 'cpu', dataDir, log: options.log });
  const memory = new ModelMemory(memoryBytes);
  const defaults = { queue: 16, slots: 16, capacity: 8192, prefixBytes: 64 * 2 ** 20, sleepAfterMs: 30 * MINUTE };
  const rest2 = { checked: false, retryDelaysMs: RETRY_DELAYS_MS, clock: systemClock };
  const shared = { ...defaults, ...rest2, ...rest, device, store, memory, signal };
  return loadModelCatalogue(catalogueFile).map((entry) => new Preparation(entry, shared));
}
