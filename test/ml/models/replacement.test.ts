import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { defaultSampling, type Engine, type GenerationRequest } from '../../../src/ml/engine.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { eventually } from '../../support/time/eventually.ts';
import { entryFor, noEncoder, TINY, tinyEngine } from '../../support/tiny/tiny-engine.ts';
import { writeTinyGguf } from '../../support/tiny/tiny-gguf.ts';

const ask = (maxTokens: number): GenerationRequest => ({
  messages: [{ role: 'user', content: 'Write.' }],
  sampling: { ...defaultSampling, temperature: 1, seed: 5, maxTokens },
});

async function write(engine: Engine, maxTokens: number): Promise<string> {
  let text = '';
  for await (const event of engine.admit(TINY).generate(ask(maxTokens), new AbortController().signal)) {
    if (event.type === 'tokens') text += event.text;
  }
  return text;
}

async function setUp() {
  const folder = await temporaryFolder();
  const catalogueFile = join(folder, 'models.json');
  const offer = async (version: string, seed: number): Promise<void> => {
    const path = join(folder, `source-${version}.gguf`);
    await writeTinyGguf(path, { seed });
    const file = { ...(await entryFor(path)).file, name: `tiny-${version}.gguf` };
    const entry = { ...(await entryFor(path)), version, file };
    await writeFile(`${catalogueFile}.new`, JSON.stringify({ models: [entry, noEncoder] }));
    await rename(`${catalogueFile}.new`, catalogueFile);
  };
  await offer('1', 1);
  const warnings: string[] = [];
  const log = { info: () => undefined, warn: (line: string) => void warnings.push(line) };
  const engine = await tinyEngine(folder, { catalogueFile, log });
  onTestFinished(() => engine[Symbol.asyncDispose]());
  const version = () => engine.models().find(({ id }) => id === TINY)?.version;
  return { engine, catalogueFile, offer, version, warnings };
}

it('[MODEL12] a model is replaced while it writes: the old one finishes its drafts, the new one writes later ones', async () => {
  const { engine, offer, version } = await setUp();
  const first = await write(engine, 30);
  await offer('2', 2);
  // Drafts of the old model are under way until the new one has taken over, and beyond.
  const begun: Promise<string>[] = [];
  while (version() === '1') {
    begun.push(write(engine, 30));
    await begun.at(-2);
  }
  for (const text of await Promise.all(begun)) expect(text).toBe(first);
  await eventually(() => expect(version()).toBe('2'));
  expect(await write(engine, 30)).not.toBe(first);
});

it('[MODEL12] an invalid catalogue changes no models, and the next one counts', async () => {
  const { engine, catalogueFile, offer, version, warnings } = await setUp();
  const first = await write(engine, 20);
  await writeFile(catalogueFile, '{ "models": [');
  await eventually(() => expect(warnings.join()).toContain('the models are unchanged'));
  expect(version()).toBe('1');
  expect(await write(engine, 20)).toBe(first);
  await offer('3', 3);
  await eventually(() => expect(version()).toBe('3'));
  expect(await write(engine, 20)).not.toBe(first);
});
