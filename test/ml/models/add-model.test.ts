import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { CadenzaError } from '../../../src/lib/errors.ts';
import { silentLogger } from '../../../src/lib/log.ts';
import {
  addedModelsFile,
  createEngine,
  examineModel,
  fetchOffer,
  forgetModel,
  loadModelCatalogue,
  modelsFolder,
  openModelStore,
  preferModel,
  recordModel,
} from '../../../src/ml/engine.ts';
import { directNetwork, type Network } from '../../../src/ml/store/network.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { COMMIT, type HubOptions, openHub } from '../../support/models/model-hub.ts';
import * as server from '../../support/network/file-server.ts';
import { canMount, smallDisk } from '../../support/postgres/small-disk.ts';
import { families, writeSafetensors } from '../../support/tiny/tiny-checkpoint.ts';
import { noEncoder } from '../../support/tiny/tiny-engine.ts';
import { type TinyModel, writeTinyGguf } from '../../support/tiny/tiny-gguf.ts';

const script = fileURLToPath(new URL('../../../src/cli/models.ts', import.meta.url));

interface Run {
  code: number | null;
  output: string;
  errors: string;
}

/** The command at work with a data folder of its own. */
async function setUp(env: Record<string, string> = {}, dataDir?: string) {
  const folder = dataDir ?? (await temporaryFolder());
  const all = { ...process.env, CADENZA_DATA_DIR: folder, CADENZA_THREADS: '1', ...env };
  const run = async (
    args: string[],
    onOutput: (text: string, stop: () => void) => void = () => undefined,
  ): Promise<Run> => {
    const child = spawn(process.execPath, ['--import', 'tsx', script, ...args], {
      env: all,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const told = { output: '', errors: '' };
    child.stdout.on('data', (chunk: Buffer) => {
      told.output += chunk.toString();
      onOutput(told.output, () => child.kill('SIGINT'));
    });
    child.stderr.on('data', (chunk: Buffer) => (told.errors += chunk.toString()));
    const [code] = (await once(child, 'close')) as [number | null];
    return { code, ...told };
  };
  const entries = () => loadModelCatalogue({ added: addedModelsFile(folder) });
  const added = async () => (await readdir(folder)).includes('added-models.json');
  return { folder, run, entries, added };
}

async function tinyGguf(model: TinyModel = {}): Promise<Buffer> {
  const path = join(await temporaryFolder(), 'tiny.gguf');
  await writeTinyGguf(path, model);
  return readFile(path);
}

/** What the command does until a model is recorded, in this process. */
async function add(
  source: string,
  { network = directNetwork, folder = '', id = null as string | null, taken = [] as string[] },
) {
  const dataDir = folder === '' ? await temporaryFolder() : folder;
  const store = openModelStore(modelsFolder(dataDir), { network });
  const steps: string[] = [];
  const signal = new AbortController().signal;
  const examination = { folder: join(dataDir, 'look'), network, id, weights: 'int8' as const, signal };
  const addition = await examineModel(source, { ...examination, isTaken: (one) => taken.includes(one) });
  const onStep = (step: string) => steps.push(step);
  const entry = await fetchOffer(addition, store, { signal, isAdded: false, onStep, onProgress: () => undefined });
  return { entry, addition, steps, dataDir, state: await store.verify(entry) };
}

const at = (hubEndpoint: string, hubToken: string | null = null): Network => ({ hubToken, hubEndpoint, proxies: null });

const failure = (work: Promise<unknown>) =>
  work.then(
    () => 'nothing',
    (error: unknown) => (error instanceof CadenzaError ? error.message : `untyped: ${String(error)}`),
  );

async function hubOf(options: Partial<HubOptions> & { model?: TinyModel } = {}) {
  const bytes = await tinyGguf(options.model);
  const hub = await openHub({ files: { 'tiny-Q8_0.gguf': bytes, 'README.md': Buffer.from('Tiny') }, ...options });
  return { bytes, hub, command: await setUp({ HF_ENDPOINT: hub.endpoint }) };
}

describe('[MODEL16] npm run models -- add', () => {
  it('looks, tells, fetches, compiles, writes and records a model of a hub, and a server takes it up', async () => {
    const { bytes, command } = await hubOf({ license: 'apache-2.0' });
    const catalogueFile = join(command.folder, 'models.json');
    await writeFile(catalogueFile, JSON.stringify({ models: [noEncoder] }));
    const running = { dataDir: command.folder, catalogueFile, threads: 1, fetch: 'off' as const, log: silentLogger };
    await using engine = createEngine(running);
    const { code, output, errors } = await command.run(['add', 'hf:owner/tiny', '--yes']);
    expect({ code, errors }).toEqual({ code: 0, errors: '' });
    expect(output).toMatch(/^Model {4}tiny Q8_0 \(c0ffee0+\)$/m);
    expect(output).toMatch(/^Family {3}llama$/m);
    expect(output).toMatch(/^Size {5}0\.1 million parameters, \d\.\d MB to fetch$/m);
    expect(output).toMatch(/^Licence {2}apache-2\.0$/m);
    expect(output).toMatch(/^Context {2}512 tokens$/m);
    expect(output).toMatch(/^Memory {3}\d\.\d MB with weights in int8, and \d\.\d MB for each draft of 512 tokens$/m);
    expect(output).toMatch(
      /compiled\)\nfirst text \([\d.]+ tokens\/s\): .+\ntiny-q8_0 is added; drafts are written with it/,
    );
    const [entry] = command.entries();
    expect(entry).toMatchObject({
      ...{ id: 'tiny-q8_0', version: COMMIT, license: 'apache-2.0', context: 512 },
      file: { name: 'tiny-Q8_0.gguf', bytes: bytes.length },
      sources: [{ hub: { repo: 'owner/tiny', revision: COMMIT, file: 'tiny-Q8_0.gguf' } }],
    });
    await expect.poll(() => engine.defaultModel('TEXT_GENERATION')?.id, { timeout: 20_000 }).toBe('tiny-q8_0');
    await engine.whenReady('tiny-q8_0');
  });

  it('goes on where it was interrupted, twice', async () => {
    const bytes = await tinyGguf();
    const stops = [40_000, 30_000].map((count) => server.standStillAfter(bytes, count));
    // The first request for bytes is of the look.
    const answers = {
      'tiny-Q8_0.gguf': [server.whole(bytes), stops[0]!, server.whole(bytes), stops[1]!, server.whole(bytes)],
    };
    const { hub, command } = await hubOf({ answers });
    const interrupt = async (wanted: RegExp) =>
      command.run(['add', 'hf:owner/tiny', '--yes'], (text, stop) => wanted.test(text) && stop());
    for (const wanted of [/^\d+ % \(0\.0 MB of/m, /^\d+ % \(0\.1 MB of/m]) {
      expect(await interrupt(wanted)).toMatchObject({
        code: 130,
        errors: expect.stringContaining('same command resumes') as string,
      });
      expect(await command.added()).toBe(false);
    }
    expect(await command.run(['add', 'hf:owner/tiny', '--yes'])).toMatchObject({ code: 0, errors: '' });
    expect(hub.ranges.filter((range) => range !== '')).toEqual([
      expect.stringMatching(/^bytes=40000-/),
      expect.stringMatching(/^bytes=70000-/),
    ]);
  });

  it.each<[string, Partial<HubOptions>, RegExp]>([
    ['another content than it lists', { lies: { 'tiny-Q8_0.gguf': { sha256: 'a'.repeat(64) } } }, /SHA-256 differs/],
    [
      'more bytes than it lists',
      { lies: { 'tiny-Q8_0.gguf': { size: 90_000 } } },
      /truncated|more than the 90000 bytes/,
    ],
    ['fewer', { lies: { 'tiny-Q8_0.gguf': { size: 9_000_000 } } }, /ended after \d+ of 9000000 bytes/],
    ['nothing without a token', { token: 'hf_right' }, /gated or private.*set HF_TOKEN/],
    [
      'only part of a split model',
      { files: { 'tiny-00001-of-00003.gguf': Buffer.alloc(9) } },
      /split into 3 files, but 1 are there/,
    ],
    ['only pickles', { files: { 'pytorch_model.bin': Buffer.alloc(9) } }, /pickles.*safetensors or GGUF/],
    ['no model', { files: { 'README.md': Buffer.alloc(9) } }, /has no model that can be used/],
  ])('a hub that has %s: says so', async (_, options, reason) => {
    const bytes = await tinyGguf();
    const hub = await openHub({ files: { 'tiny-Q8_0.gguf': bytes }, ...options });
    expect(await failure(add('hf:owner/tiny', { network: at(hub.endpoint) }))).toMatch(reason);
  });

  it('says what to do where no hub is reached', async () => {
    const nowhere = add('hf:owner/tiny', { network: at('http://127.0.0.1:2') });
    expect(await failure(nowhere)).toMatch(/cannot be reached \(.*\): set HTTPS_PROXY, or HF_ENDPOINT to a mirror/);
  });

  it('says once that a file is fetched of which nobody told the SHA-256', async () => {
    const { url } = await server.serve(server.whole(await tinyGguf()));
    const { run } = await setUp();
    const { code, output } = await run(['add', `${url}/tiny.gguf`, '--yes']);
    expect(code).toBe(0);
    expect(output.match(/^fetching .*$/gm)).toHaveLength(1);
  });

  it('sends HF_TOKEN, and says when it is not enough', async () => {
    const files = { 'tiny-Q8_0.gguf': await tinyGguf() };
    const hub = await openHub({ files, token: 'hf_right' });
    const { state } = await add('hf:owner/tiny', { network: at(hub.endpoint, 'hf_right') });
    expect(state).toBe('whole');
    const wrong = add('hf:owner/tiny', { network: at(hub.endpoint, 'hf_wrong') });
    expect(await failure(wrong)).toMatch(/HF_TOKEN may not read it.*ask for access/);
  });

  it.each<[string, TinyModel, RegExp]>([
    [
      'its family',
      { metadata: { 'general.architecture': 'mamba' } },
      /general.architecture is "mamba", which is not supported/,
    ],
    ['its tokenizer', { metadata: { 'tokenizer.ggml.pre': 'mystery' } }, /pre-tokenizer "mystery"/],
    [
      'its template',
      { metadata: { 'tokenizer.chat_template': '{{ raise_exception("no") }}' } },
      /chat template cannot be used/,
    ],
    ['its experts', { metadata: { 'llama.expert_count': 8 } }, /expert_count is 8/],
  ])('refuses a model before it is fetched: %s', async (_, model, reason) => {
    const hub = await openHub({ files: { 'tiny-Q8_0.gguf': await tinyGguf(model) } });
    expect(await failure(add('hf:owner/tiny', { network: at(hub.endpoint) }))).toMatch(reason);
    // The look's.
    expect(hub.ranges).toHaveLength(1);
  });

  it('takes what people mean by a file, a quantisation, a commit, a page, a URL and a folder', async () => {
    const bytes = await tinyGguf();
    const hub = await openHub({
      files: { 'a/tiny-Q4_0.gguf': bytes, 'tiny-Q8_0.gguf': bytes, 'tiny-f16.gguf': bytes },
    });
    const options = { network: at(hub.endpoint) };
    const { url } = await server.serve(server.whole(bytes));
    const folder = await writeSafetensors(join(await temporaryFolder(), 'Three (3)'), families.llama!.config);
    const file = join(await temporaryFolder(), 'a model.gguf');
    await writeFile(file, bytes);
    const idOf = async (source: string) => (await add(source, options)).entry.id;
    expect(await idOf('hf:owner/tiny')).toBe('tiny-q8_0');
    expect(await idOf('hf:owner/tiny:q4_0')).toBe('tiny-q4_0');
    expect(await idOf(`hf:owner/tiny:tiny-f16.gguf@${COMMIT}`)).toBe('tiny-f16');
    expect(await idOf(url)).toBe('model');
    expect(await idOf(file)).toBe('a-model');
    const { entry, state } = await add(folder, options);
    expect(entry).toMatchObject({ id: 'three-3', files: { length: 5 } });
    expect(state).toBe('whole');
    expect(await failure(idOf('hf:owner/tiny:q5_k_m'))).toMatch(/no "q5_k_m" in tiny, but: .*tiny-Q8_0/);
    expect(await failure(idOf('hf:owner/tiny:tiny'))).toMatch(/"tiny" is several of the files: .*tiny-Q8_0/);
    expect(await failure(add(file, { taken: ['a-model'] }))).toMatch(/there is a model a-model already: name this one/);
    expect(await failure(add(file, { id: 'No!' }))).toMatch(/the id No! must be/);
  });

  it('names no model twice, and takes no other files for one that was added', async () => {
    const [one, other] = [await tinyGguf(), await tinyGguf({ seed: 2 })];
    const [first, second] = await Promise.all([one, other].map((bytes) => server.serve(server.whole(bytes))));
    const { entry, dataDir } = await add(first!.url, { id: 'mine' });
    const signal = new AbortController().signal;
    await recordModel(dataDir, entry, signal);
    await recordModel(dataDir, { ...entry, id: 'another' }, signal);
    const ids = () =>
      loadModelCatalogue({ added: addedModelsFile(dataDir) })
        .map(({ id }) => id)
        .slice(0, 3);
    expect(ids()).toEqual(['mine', 'another', 'smollm2-135m-instruct']);
    await preferModel(dataDir, 'smollm2-135m-instruct', signal);
    expect(ids()).toEqual(['smollm2-135m-instruct', 'mine', 'another']);
    await forgetModel(dataDir, 'mine', signal);
    expect(ids()).toEqual(['smollm2-135m-instruct', 'another', 'tunes']);
    const store = openModelStore(modelsFolder(dataDir));
    const examination = { folder: join(dataDir, 'look'), network: directNetwork, weights: 'int8' as const, signal };
    const addition = await examineModel(second!.url, { ...examination, id: 'mine', isTaken: () => false });
    const again = fetchOffer(addition, store, { signal, isAdded: true, onStep: () => 0, onProgress: () => 0 });
    expect(await failure(again)).toMatch(/mine already, of other files: remove it first/);
    expect(await store.verify(entry)).toBe('whole');
  });

  it.skipIf(!canMount)('says that the disk is full', async () => {
    const { url } = await server.serve(server.whole(await tinyGguf()));
    const told = await failure(add(url, { folder: smallDisk(100) }));
    expect(told).toMatch(/there is no room for .* free some disk space/);
  });

  it.each([
    ['hf:owner', /is not hf:owner\/name/],
    ['pip:', /is not pip:package/],
    ['/nowhere/model.gguf', /no such file or folder/],
    ['http://127.0.0.1:2/model.gguf', /cannot be reached/],
  ])('refuses %s', async (source, reason) => {
    expect(await failure(add(source, {}))).toMatch(reason);
  });

  it('suggests models with their licences and memory, and names the command for each', async () => {
    const { run } = await setUp();
    expect(await run(['add', 'hf:owner/tiny', '--weights', 'int2'])).toMatchObject({
      code: 2,
      errors: expect.stringContaining('none of int8, int4, float') as string,
    });
    const { code, output } = await run(['suggest']);
    expect(code).toBe(0);
    expect(output).toMatch(
      /from 3 GB: Qwen3 0\.6B, 0\.6 billion parameters, Apache-2\.0\n.*\n {4}npm run models -- add hf:Qwen/,
    );
    expect((await run(['list'])).output).toMatch(/is a demonstration: "npm run models -- suggest" lists better ones/);
  });
});
