import { systemClock } from '../../lib/clock.ts';
import { NotFoundError } from '../../lib/errors.ts';
import type { LanguagePair, Translation } from '../contract.ts';
import { addedModelsFile, loadModelCatalogue } from '../store/model-catalogue.ts';
import { modelsFolder, openModelStore } from '../store/model-store.ts';
import type { Translator } from '../translator/translator.ts';
import { MemoryBudget } from '../writer/memory-budget.ts';
import type { LoneEncoderOptions } from './lone-encoder.ts';
import { prepareTranslator } from './prepare-translator.ts';

/** Models for TRANSLATION without the rest of an engine, for commands. */
export interface LoneTranslation extends Translation, AsyncDisposable {}

/** Each model is fetched, if it is missing, when its pair is first asked for. */
export function openTranslation(options: Omit<LoneEncoderOptions, 'threads'>): LoneTranslation {
  const { dataDir, catalogueFile, network, log, signal } = options;
  const entries = loadModelCatalogue({ own: catalogueFile, added: addedModelsFile(dataDir) }).filter(
    ({ languages }) => languages !== undefined,
  );
  const store = openModelStore(modelsFolder(dataDir), { network });
  const memory = new MemoryBudget(Infinity);
  const opened = new Map<string, Promise<Translator>>();
  const open = async ({ from, to }: LanguagePair): Promise<Translator> => {
    const entry = entries.find(({ languages }) => languages?.from === from && languages.to === to);
    if (!entry) throw new NotFoundError(`no model translates from ${from} to ${to}`, `${from}-${to}`);
    await store.fetch(entry, { signal, onStep: (step) => log.info(step) });
    return prepareTranslator(entry, { store, memory, sleepAfterMs: 2 ** 31 - 1, clock: systemClock });
  };
  return {
    pairs: () => entries.flatMap(({ languages }) => languages ?? []),
    async translate(texts, { glossary, ...asked }) {
      const key = `${asked.from} ${asked.to}`;
      const opening = opened.get(key) ?? open(asked);
      opened.set(key, opening);
      return (await opening).translate(texts, { glossary }, asked.signal);
    },
    async [Symbol.asyncDispose]() {
      for (const opening of opened.values()) await (await opening.catch(() => null))?.[Symbol.asyncDispose]();
    },
  };
}
