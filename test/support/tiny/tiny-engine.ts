import { createHash } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { silentLogger } from '../../../src/lib/log.ts';
import { createEngine, type Engine, type EngineOptions } from '../../../src/ml/engine.ts';
import { TINY_ENCODER, writeTinyEncoder } from './tiny-encoder.ts';
import { type TinyModel, tinyVocabulary, writeTinyGguf } from './tiny-gguf.ts';

export const TINY = 'tiny';

/** A catalogue entry for a file as it is. */
export async function entryFor(path: string, sources: object[] = [{ file: path }], id = TINY) {
  const bytes = await readFile(path);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return {
    ...{ id, name: 'Tiny', task: 'TEXT_GENERATION' as const, version: '1', context: 512 },
    file: { name: 'tiny.gguf', sha256, bytes: bytes.length },
    sources,
  };
}

/** A catalogue entry for a folder as it is. */
export async function folderEntryFor(folder: string, id = TINY) {
  const files = [];
  for (const name of (await readdir(folder)).sort()) {
    const bytes = await readFile(join(folder, name));
    files.push({ name, sha256: createHash('sha256').update(bytes).digest('hex'), bytes: bytes.length });
  }
  const described = { id, name: 'Tiny', task: 'TEXT_GENERATION' as const, version: '1', context: 512 };
  return { ...described, files, sources: [{ file: folder }] };
}

/** A catalogue entry for a tiny encoder, which is written into `folder`. */
export async function encoderEntryFor(folder: string) {
  const entry = await folderEntryFor(await writeTinyEncoder(join(folder, 'encoder')), TINY_ENCODER);
  return { ...entry, name: 'Tiny encoder', task: 'EMBEDDING' as const, context: 16 };
}

/** A catalogue entry of an encoder that is nowhere, so that the built-in one is not fetched. */
export const noEncoder = {
  ...{ id: 'no-encoder', name: 'No encoder', task: 'EMBEDDING', version: '1', context: 16 },
  file: { name: 'model.onnx', sha256: '0'.repeat(64), bytes: 1 },
  sources: [{ file: 'nowhere' }],
};

/** Writes a tiny model and a catalogue that offers it; its text is gibberish, and always the same. */
export async function writeTinyCatalogue(folder: string, model: TinyModel = {}, changes: object = {}): Promise<string> {
  const path = join(folder, 'source.gguf');
  await writeTinyGguf(path, model);
  const catalogue = join(folder, 'models.json');
  const models = [{ ...(await entryFor(path)), ...changes }, await encoderEntryFor(folder)];
  await writeFile(catalogue, JSON.stringify({ models }));
  return catalogue;
}

/** As `writeTinyCatalogue`, of a model that writes up to 4,096 tokens and never ends by itself: it has no end token. */
export function writeTirelessCatalogue(folder: string): Promise<string> {
  const metadata = {
    'llama.context_length': 4096,
    'tokenizer.ggml.tokens': tinyVocabulary.map((token) => token.replace(/^<\|(endoftext|im_end)\|>$/, '<|not_$1|>')),
    'tokenizer.ggml.eos_token_id': undefined,
    // No mark in it either: the one after an answer would end it.
    'tokenizer.chat_template':
      "{% for message in messages %}{{ message['role'] + ': ' + message['content'] + '\\n' }}{% endfor %}" +
      "{% if add_generation_prompt %}{{ 'assistant: ' }}{% endif %}",
  };
  return writeTinyCatalogue(folder, { metadata }, { context: 4096 });
}

/** An engine whose default writer is the tiny model, in `folder`. */
export async function tinyEngine(
  folder: string,
  { id = TINY, ...options }: Partial<EngineOptions> & { id?: string } = {},
): Promise<Engine> {
  const catalogueFile = options.catalogueFile ?? (await writeTinyCatalogue(folder));
  const engine = createEngine({
    dataDir: folder,
    threads: 1,
    checked: true,
    // KERNELS=integers runs all tests of the engine on products of integers.
    ...(process.env.KERNELS === 'integers' && { kernels: 'integers' }),
    log: silentLogger,
    ...options,
    catalogueFile,
  });
  await engine.whenReady(id);
  return engine;
}
