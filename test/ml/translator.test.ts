import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ModelUnavailableError, NotFoundError } from '../../src/lib/errors.ts';
import { silentLogger } from '../../src/lib/log.ts';
import { createEngine } from '../../src/ml/engine.ts';
import { temporaryFolder } from '../support/folder.ts';
import { realTranslator } from '../support/models/real-model.ts';
import { fileEntryOf } from '../support/models/translation-entry.ts';
import { eventually } from '../support/time/eventually.ts';

const signal = new AbortController().signal;
const pair = { from: 'en', to: 'pt', glossary: [], signal };

async function open(fetch: 'auto' | 'off', catalogue: object) {
  const dataDir = await temporaryFolder();
  const catalogueFile = join(dataDir, 'models.json');
  await writeFile(catalogueFile, JSON.stringify({ models: [catalogue] }));
  const engine = createEngine({ dataDir, catalogueFile, threads: 1, fetch, log: silentLogger });
  onTestFinished(() => engine[Symbol.asyncDispose]());
  return engine;
}

const refusal = (answer: Promise<unknown>): Promise<unknown> => answer.catch((error: unknown) => error);

/** What a request is told once the engine has looked for the model's files. */
const told = (engine: Awaited<ReturnType<typeof open>>): Promise<unknown> =>
  eventually(async () => {
    const error = await refusal(engine.translate(['a'], pair));
    expect(error).toBeInstanceOf(ModelUnavailableError);
    expect(error).toMatchObject({ message: expect.not.stringMatching(/about to be|being/) as string });
    return error;
  });

describe('a translation model', () => {
  it('[LANGUAGE4] is fetched when it is first needed, and what is no model is told then', async () => {
    const entry = await fileEntryOf({ 'model.enpt.bin': 'no weights', 'lex.enpt.bin': 'x', 'vocab.enpt.spm': 'x' });
    const engine = await open('auto', entry);
    expect(await told(engine)).toMatchObject({
      code: 'MODEL_UNAVAILABLE',
      message: expect.stringMatching(/^Tiny (cannot be used|stopped)/) as string,
    });
    expect(engine.models().find(({ id }) => id === entry.id)?.status).toBe('READY');
    expect(await refusal(engine.translate(['a'], { ...pair, to: 'xx' }))).toBeInstanceOf(NotFoundError);
  });

  it('[LANGUAGE4] names the file that its folder lacks', async () => {
    const engine = await open('auto', await fileEntryOf({ 'model.enpt.bin': 'x', 'vocab.enpt.spm': 'x' }));
    expect(await told(engine)).toMatchObject({ message: expect.stringContaining('list of likely words') as string });
  });

  it('[LANGUAGE4] is not fetched where nothing may be fetched, and says what to do', async () => {
    const engine = await open('off', await fileEntryOf({ 'model.enpt.bin': 'x' }));
    for (let again = 0; again < 2; again++)
      expect(await told(engine)).toMatchObject({
        message: expect.stringContaining('npm run models -- pull tiny') as string,
      });
  });
});

describe.skipIf(realTranslator === null)('the built-in translator', () => {
  const open = async () => {
    const { folder, entry } = realTranslator ?? { folder: '', entry: null };
    const { Translator } = await import('../../src/ml/translator/translator.ts');
    const { MemoryBudget } = await import('../../src/ml/writer/memory-budget.ts');
    const { systemClock } = await import('../../src/lib/clock.ts');
    const translator = new Translator({
      ...{ id: 'x', name: entry?.name ?? '', memory: new MemoryBudget(Infinity), bytes: 1 },
      ...{ sleepAfterMs: 60_000, clock: systemClock, languages: { from: 'en', to: 'pt' }, thread: { folder } },
    });
    onTestFinished(() => translator[Symbol.asyncDispose]());
    return translator;
  };

  it('[LANGUAGE1] [LANGUAGE3] gives a text the same translation beside others, and keeps the glossary', async () => {
    const translator = await open();
    const texts = ['The rain falls on the old roof.', 'She plays the guitar.\n\n  And sings & sings.', '🙂 <b>'];
    const glossary = [{ source: 'guitar', target: 'viola' }];
    const together = await translator.translate(texts, { glossary }, signal);
    expect(together.map(({ text }) => text)).toEqual([
      'A chuva cai no telhado antigo.',
      expect.stringMatching(/^Ela toca .*viola\.\n\n {2}E canta/) as string,
      expect.any(String) as string,
    ]);
    for (const { confidence, missed } of together) {
      expect(confidence).toBeGreaterThan(0);
      expect(confidence).toBeLessThanOrEqual(1);
      expect(missed).toEqual([]);
    }
    for (const [i, text] of texts.entries())
      expect(await translator.translate([text], { glossary }, signal)).toEqual([together[i]]);
  });
});
