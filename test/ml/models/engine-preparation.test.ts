import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ModelUnavailableError, StartupError } from '../../../src/lib/errors.ts';
import { createEngine, defaultSampling, type Engine, type EngineOptions } from '../../../src/ml/engine.ts';
import { temporaryFolder } from '../../support/folder.ts';
import * as server from '../../support/network/file-server.ts';
import { eventually } from '../../support/time/eventually.ts';
import { families, writeGguf, writeSafetensors } from '../../support/tiny/tiny-checkpoint.ts';
import { encoderEntryFor, entryFor, folderEntryFor, TINY } from '../../support/tiny/tiny-engine.ts';
import { writeExport } from '../../support/tiny/tiny-export.ts';
import { type TinyModel, writeTinyGguf } from '../../support/tiny/tiny-gguf.ts';

class Lines {
  readonly lines: string[] = [];
  readonly info = (line: string): void => void this.lines.push(line);
  readonly warn = (line: string): void => void this.lines.push(`warn ${line}`);
}

interface Prepared {
  folder: string;
  gguf: string;
  bytes: Buffer;
}

async function prepare(model: TinyModel = {}): Promise<Prepared> {
  const folder = await temporaryFolder();
  const gguf = join(folder, 'source.gguf');
  await writeTinyGguf(gguf, model);
  return { folder, gguf, bytes: await readFile(gguf) };
}

async function writeCatalogue({ folder }: Prepared, ...models: object[]): Promise<string> {
  const catalogueFile = join(folder, 'models.json');
  // Otherwise the built-in encoder would be fetched.
  await writeFile(catalogueFile, JSON.stringify({ models: [...models, await encoderEntryFor(folder)] }));
  return catalogueFile;
}

function start(folder: string, options: Partial<EngineOptions> & { catalogueFile: string }) {
  const log = new Lines();
  const engine = createEngine({ dataDir: folder, threads: 1, log, ...options });
  onTestFinished(() => engine[Symbol.asyncDispose]());
  return { engine, log };
}

const statusOf = (engine: Engine, id = TINY) => engine.models().find((model) => model.id === id);
const refusal =
  (engine: Engine, id = TINY) =>
  () =>
    engine.admit(id);

async function write(engine: Engine, id: string): Promise<string> {
  const off = { ...defaultSampling, topK: 0, topP: 1, repetitionPenalty: 1 };
  const sampling = { ...off, temperature: 1, seed: 3, maxTokens: 24 };
  const messages = [{ role: 'user' as const, content: 'hello' }];
  using ticket = engine.admit(id);
  let text = '';
  for await (const event of ticket.generate({ messages, sampling }, new AbortController().signal)) {
    if (event.type === 'tokens') text += event.text;
  }
  return text;
}

describe('preparation', () => {
  it('[MODEL8] fetches the default model, compiles it and opens it', async () => {
    const prepared = await prepare();
    const catalogueFile = await writeCatalogue(prepared, await entryFor(prepared.gguf));
    const { engine, log } = start(prepared.folder, { catalogueFile });
    expect(statusOf(engine)).toMatchObject({ status: 'ABSENT', fetched: 0 });
    expect(refusal(engine)).toThrow(/Tiny is about to be prepared/);
    await engine.whenReady(TINY);
    expect(statusOf(engine)).toMatchObject({ status: 'READY', fetched: 1, failure: null });
    expect(log.lines[0]).toBe(`fetching Tiny from file ${prepared.gguf}`);
    expect(log.lines.at(-1)).toBe('Tiny is ready');
    const shares = log.lines.filter((line) => line.startsWith('Tiny: fetched'));
    expect(shares.length).toBeLessThanOrEqual(20);
  });

  it('[MODEL8] reports the progress of a fetch, and refuses work meanwhile', async () => {
    const prepared = await prepare();
    const half = Math.ceil(prepared.bytes.length / 2);
    const { url } = await server.serve(server.standStillAfter(prepared.bytes, half));
    const { engine } = start(prepared.folder, {
      catalogueFile: await writeCatalogue(prepared, await entryFor(prepared.gguf, [{ url }])),
    });
    await eventually(() => expect(statusOf(engine)?.fetched).toBeCloseTo(0.5, 4));
    expect(statusOf(engine)?.status).toBe('FETCHING');
    expect(refusal(engine)).toThrow(ModelUnavailableError);
    expect(refusal(engine)).toThrow('Tiny is being fetched (50 % so far)');
    await expect(engine.whenReady(TINY, AbortSignal.abort())).rejects.toThrow('aborted');
  });

  it('[MODEL8] a download that stalls keeps a model on this machine waiting no longer than itself', async () => {
    const prepared = await prepare();
    const { url } = await server.serve(server.standStillAfter(prepared.bytes, 1));
    const stalled = await entryFor(prepared.gguf, [{ url }], 'stalled');
    const local = { ...(await entryFor(prepared.gguf)), task: 'TUNE_GENERATION' };
    const { engine } = start(prepared.folder, { catalogueFile: await writeCatalogue(prepared, stalled, local) });
    await engine.whenReady(TINY);
    expect(statusOf(engine, 'stalled')?.status).not.toBe('READY');
  });

  it('[MODEL8] FAILED has the reason, and the fetch is retried until it succeeds', async () => {
    const prepared = await prepare();
    const { url } = await server.serve(server.refuse(503), server.refuse(503), server.whole(prepared.bytes));
    const { engine, log } = start(prepared.folder, {
      catalogueFile: await writeCatalogue(prepared, await entryFor(prepared.gguf, [{ url }])),
      fetchBackoff: { firstMs: 1, longestMs: 1 },
    });
    await expect(engine.whenReady(TINY)).rejects.toThrow(`Tiny is not usable: Tiny could not be fetched: url ${url}`);
    await eventually(() => expect(statusOf(engine)?.status).toBe('READY'));
    expect(log.lines.filter((line) => line.includes('trying again in 1 s'))).toHaveLength(2);
  });

  it('[MODEL8] a damaged file on disk is fetched again at the next start', async () => {
    const prepared = await prepare();
    const catalogueFile = await writeCatalogue(prepared, await entryFor(prepared.gguf));
    const first = start(prepared.folder, { catalogueFile });
    await first.engine.whenReady(TINY);
    await first.engine[Symbol.asyncDispose]();
    await writeFile(join(prepared.folder, 'models', TINY, 'tiny.gguf'), Buffer.alloc(prepared.bytes.length));
    const { engine, log } = start(prepared.folder, { catalogueFile });
    await engine.whenReady(TINY);
    expect(log.lines[0]).toContain('damaged');
  });

  it('does not report FETCHING if the files are there', async () => {
    const prepared = await prepare();
    const catalogueFile = await writeCatalogue(prepared, await entryFor(prepared.gguf));
    const first = start(prepared.folder, { catalogueFile });
    await first.engine.whenReady(TINY);
    await first.engine[Symbol.asyncDispose]();
    const { engine, log } = start(prepared.folder, { catalogueFile });
    const seen = new Set<string | undefined>();
    for (const status = () => statusOf(engine)?.status; status() !== 'READY';) {
      seen.add(status());
      await new Promise(setImmediate);
    }
    expect([...seen]).not.toContain('FETCHING');
    expect(log.lines).toEqual(['Tiny is ready']);
  });

  it('fetches nothing if fetching is disabled, and uses what is there', async () => {
    const prepared = await prepare();
    const catalogueFile = await writeCatalogue(prepared, await entryFor(prepared.gguf));
    const off = start(prepared.folder, { catalogueFile, fetch: 'off' });
    await expect(off.engine.whenReady(TINY)).rejects.toThrow('npm run models -- pull tiny');
    expect(statusOf(off.engine)).toMatchObject({ status: 'ABSENT', failure: null });
    const auto = start(prepared.folder, { catalogueFile });
    await auto.engine.whenReady(TINY);
    await rm(prepared.gguf);
    const again = start(prepared.folder, { catalogueFile, fetch: 'off' });
    await again.engine.whenReady(TINY);
  });

  it('does not fetch models that are not a task’s default, and uses those on disk', async () => {
    const prepared = await prepare();
    const [first, second] = [await entryFor(prepared.gguf), await entryFor(prepared.gguf, undefined, 'second')];
    const both = await writeCatalogue(prepared, first, second);
    const { engine } = start(prepared.folder, { catalogueFile: both });
    await engine.whenReady(TINY);
    await expect(engine.whenReady('second')).rejects.toThrow('npm run models -- pull second');
    await engine[Symbol.asyncDispose]();
    const secondFirst = await writeCatalogue(prepared, second, first);
    const other = start(prepared.folder, { catalogueFile: secondFirst });
    await other.engine.whenReady('second');
    await other.engine.whenReady(TINY);
    expect(other.engine.defaultModel('TEXT_GENERATION')?.id).toBe('second');
  });

  it('a model of an unknown kind is FAILED with the reason, and is not retried', async () => {
    const prepared = await prepare({ metadata: { 'tokenizer.ggml.pre': 'mystery' } });
    const catalogueFile = await writeCatalogue(prepared, await entryFor(prepared.gguf));
    const { engine } = start(prepared.folder, { catalogueFile, fetchBackoff: { firstMs: 1, longestMs: 1 } });
    await expect(engine.whenReady(TINY)).rejects.toThrow('pre-tokenizer "mystery" is not supported');
    expect(statusOf(engine)).toMatchObject({ status: 'FAILED', fetched: 1 });
  });

  it('[MODEL1] compiles once for any number of starts, and removes leftovers of a killed process or an earlier compiler', async () => {
    const prepared = await prepare();
    const catalogueFile = await writeCatalogue(prepared, await entryFor(prepared.gguf));
    const compiled = join(prepared.folder, 'models', TINY, 'compiled');
    for (const name of ['half-done.tmp', 'abc-cpu8-v2']) await mkdir(join(compiled, name), { recursive: true });
    const starts = [1, 2, 3].map(() => start(prepared.folder, { catalogueFile }));
    await Promise.all(starts.map(({ engine }) => engine.whenReady(TINY)));
    expect(await readdir(compiled)).toHaveLength(1);
    const finished = starts.map(({ log }) => log.lines.includes('Tiny: compiled 100 %'));
    expect(finished.filter(Boolean)).toHaveLength(1);
  });

  it('[MODEL2] a complete file that cannot be compiled is FAILED with the reason', async () => {
    const prepared = await prepare({ metadata: { 'general.architecture': 'mamba' } });
    const { engine } = start(prepared.folder, {
      catalogueFile: await writeCatalogue(prepared, await entryFor(prepared.gguf)),
    });
    await expect(engine.whenReady(TINY)).rejects.toThrow('Tiny cannot be compiled: general.architecture is');
    expect(statusOf(engine)).toMatchObject({ status: 'FAILED', fetched: 1 });
  });

  it('[MODEL9] [MODEL10] a folder of safetensors writes what the same weights in a GGUF file write', async () => {
    const prepared = await prepare();
    const { config } = families.qwen2!;
    const hub = await writeSafetensors(join(prepared.folder, 'hub'), config, { shards: 2 });
    const gguf = await writeGguf(join(prepared.folder, 'qwen.gguf'), config);
    const entries = [await entryFor(gguf), await folderEntryFor(hub, 'folder')];
    const catalogueFile = await writeCatalogue(prepared, ...entries);
    await mkdir(join(prepared.folder, 'models', 'folder', 'files'), { recursive: true });
    await cp(hub, join(prepared.folder, 'models', 'folder', 'files'), { recursive: true });
    const { engine } = start(prepared.folder, { catalogueFile });
    const texts = [];
    for (const { id } of entries) {
      await engine.whenReady(id);
      texts.push(await write(engine, id));
    }
    expect(texts[0]).toMatch(/./);
    expect(texts[1]).toBe(texts[0]);
  });

  it('[MODEL11] an ONNX export writes, and the same again after a restart', async () => {
    const prepared = await prepare();
    const folder = await writeExport(join(prepared.folder, 'export'), families.llama!.config, {
      ...{ file: 'model.onnx', positionIds: true, external: true },
    });
    const catalogueFile = await writeCatalogue(prepared, await folderEntryFor(folder));
    const texts = [];
    for (const dataDir of [prepared.folder, prepared.folder]) {
      const { engine } = start(dataDir, { catalogueFile });
      await engine.whenReady(TINY);
      texts.push(await write(engine, TINY));
      await engine[Symbol.asyncDispose]();
    }
    expect(texts[0]).toMatch(/./);
    expect(texts[1]).toBe(texts[0]);
  });

  it('can be disposed during a fetch', async () => {
    const prepared = await prepare();
    const { url } = await server.serve(server.silence);
    const { engine } = start(prepared.folder, {
      catalogueFile: await writeCatalogue(prepared, await entryFor(prepared.gguf, [{ url }])),
    });
    await eventually(() => expect(statusOf(engine)?.status).toBe('FETCHING'));
    await engine[Symbol.asyncDispose]();
    expect(refusal(engine)).toThrow(ModelUnavailableError);
  });

  it('does not start with an invalid catalogue', async () => {
    const prepared = await prepare();
    const catalogueFile = await writeCatalogue(prepared, { id: 'x' });
    const create = () => createEngine({ dataDir: prepared.folder, threads: 1, log: new Lines(), catalogueFile });
    expect(create).toThrow(StartupError);
  });
});
