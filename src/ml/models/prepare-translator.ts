import { ModelUnavailableError } from '../../lib/errors.ts';
import { bytesOf, type ModelEntry } from '../store/model-catalogue.ts';
import { Translator } from '../translator/translator.ts';
import type { PreparationOptions } from './prepare-writer.ts';

type TranslatorPreparation = Pick<PreparationOptions, 'store' | 'memory' | 'sleepAfterMs' | 'clock'>;

/** The library with its working memory. */
const LIBRARY_BYTES = 250 * 2 ** 20;

/**
 * A translator of a fetched model. It is opened when the first text comes, because few nodes translate.
 * @throws ModelUnavailableError if its entry names no languages
 */
export function prepareTranslator(entry: ModelEntry, options: TranslatorPreparation): Translator {
  const { store, memory, sleepAfterMs, clock } = options;
  const { id, name, languages } = entry;
  if (!languages || !('files' in entry))
    throw new ModelUnavailableError(`${name} cannot be used: its entry needs "languages" and "files"`, id);
  return new Translator({
    ...{ id, name, languages, memory, sleepAfterMs, clock },
    // Its files, and what the library makes of them.
    bytes: LIBRARY_BYTES + 2 * bytesOf(entry),
    thread: { folder: store.path(entry) },
  });
}
