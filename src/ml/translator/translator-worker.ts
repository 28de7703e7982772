import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { asError } from '../../lib/errors.ts';
import type { ModelTranslation } from '../contract.ts';
import { serveTexts } from '../threads/serve-texts.ts';
import { BergamotModel } from './bergamot.ts';
import { translateLines } from './translate-lines.ts';
import type { TranslationOptions, TranslatorThreadOptions } from './translation-options.ts';

/** A translation model's own thread, which it blocks while it translates. */
function main(port: MessagePort, { folder }: TranslatorThreadOptions): Promise<void> {
  return serveTexts<TranslationOptions, ModelTranslation>(port, 1, async () => {
    const model = await openFolder(folder);
    return {
      answer: (_, text, { glossary }, signal) =>
        translateLines(text, glossary, signal, (html) => attempt(() => model.translate(html))),
      [Symbol.dispose]: () => model[Symbol.dispose](),
    };
  });
}

/** @throws Error that names the kind of file that is missing */
async function openFolder(folder: string): Promise<BergamotModel> {
  const names = (await readdir(folder)).sort();
  const named = (pattern: RegExp, what: string) => {
    const found = names.filter((name) => pattern.test(name));
    if (found.length > 0) return found;
    throw new Error(`it has no ${what}: a file whose name matches ${pattern.source}`);
  };
  const [weights = ''] = named(/^model\..*\.bin$/, 'weights');
  const [list = ''] = named(/^lex\..*\.bin$/, 'list of likely words');
  // The source's before the target's: `srcvocab`, `trgvocab`, or one `vocab` for both.
  const vocabularies = named(/vocab.*\.spm$/, 'vocabulary');
  const read = (name: string) => readFile(join(folder, name));
  return BergamotModel.open({
    model: await read(weights),
    shortlist: await read(list),
    vocabularies: await Promise.all(vocabularies.map(read)),
    precision: weights.includes('alphas') ? 'int8shiftAlphaAll' : 'int8shiftAll',
  });
}

/** A library that has failed in the middle of its work cannot go on: its thread ends, and the next text starts another. */
function attempt(work: () => string): string {
  try {
    return work();
  } catch (error) {
    setImmediate(() => {
      throw asError(error);
    });
    throw error;
  }
}

if (parentPort) await main(parentPort, workerData as TranslatorThreadOptions);
