import { spawnSync } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compileModel } from '../../src/ml/compile/compile.ts';
import { checkCuda } from '../../src/ml/ort/cuda.ts';
import { OrtError, packagedLibrary } from '../../src/ml/ort/library.ts';
import { writeTinyGguf } from '../support/tiny/tiny-gguf.ts';

const script = fileURLToPath(new URL('../support/models/ort-process.ts', import.meta.url));
/** A shared library that is there and has nothing to do with ONNX Runtime. */
const koffiBinary = '@koromix/koffi-linux-x64/linux_x64/koffi.node';
const hasCompiler = spawnSync('cc', ['--version']).status === 0;

interface Outcome {
  name: string | null;
  message: string;
  code: string | null;
}

/** In a process of its own: a crash must not end the others' tests, and must fail this one. */
function tryAll(kind: 'library' | 'graph', paths: readonly string[]): Outcome[] {
  const child = spawnSync(process.execPath, ['--import', 'tsx', script, kind, ...paths], { encoding: 'utf8' });
  expect({ status: child.status, signal: child.signal, stderr: child.stderr }).toMatchObject({
    status: 0,
    signal: null,
  });
  return child.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Outcome);
}

describe('[MODEL2] what cannot be run is a typed error and affects nothing else', () => {
  let folder: string;
  let graph: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cadenza-'));
    const source = join(folder, 'tiny.gguf');
    await writeTinyGguf(source);
    graph = (await compileModel({ source, digest: 'd'.repeat(64), directory: join(folder, 'compiled') })).graphPath;
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  /** A compiled model of which one file was changed. */
  async function broken(name: string, change: (graphPath: string, dataPath: string) => Promise<void>): Promise<string> {
    const copy = join(folder, name);
    await mkdir(copy);
    for (const file of await readdir(dirname(graph))) await copyFile(join(dirname(graph), file), join(copy, file));
    const path = join(copy, 'decoder.onnx');
    await change(path, `${path}.data`);
    return path;
  }

  const replaced = (from: string, to: string) => async (path: string) => {
    const bytes = await readFile(path, 'latin1');
    expect(bytes).toContain(from);
    await writeFile(path, bytes.replaceAll(from, to), 'latin1');
  };

  it('graphs', async () => {
    const { length } = await readFile(graph);
    const cases: [string, string | RegExp][] = [
      [join(folder, 'nowhere.onnx'), /NO_SUCHFILE.*nowhere\.onnx/],
      [await broken('half', (path) => truncate(path, length >> 1)), /INVALID_PROTOBUF|INVALID_GRAPH/],
      [await broken('empty', (path) => truncate(path, 0)), /INVALID|NO_MODEL|FAIL/],
      [await broken('noise', (path) => writeFile(path, Buffer.alloc(5000, 0xa5))), /INVALID_PROTOBUF/],
      [await broken('operator', replaced('GroupQueryAttention', 'GroupQueryAttentioX')), /GroupQueryAttentioX/],
      [await broken('types', replaced('seqlens_k', 'seqlens_q')), /OK/],
      [await broken('no-data', (_, data) => rm(data)), /decoder\.onnx\.data/],
      [await broken('half-data', (_, data) => truncate(data, 1000)), /FAIL|out of bounds|INVALID/],
    ];
    const outcomes = tryAll('graph', [...cases.map(([path]) => path), graph]);
    expect(outcomes.pop()).toEqual({ name: null });
    for (const [i, [path, expected]] of cases.entries()) {
      const { name, message, code } = outcomes[i]!;
      expect([path, name, `${code ?? 'OK'} ${message}`]).toEqual([
        path,
        expected === 'OK' ? null : name,
        expect.stringMatching(expected),
      ]);
      if (name !== null) expect([path, name]).toEqual([path, 'OrtError']);
    }
  });

  it.skipIf(process.platform !== 'linux' || process.arch !== 'x64')('libraries', async () => {
    const path = (name: string) => join(folder, name);
    await writeFile(path('text.so'), 'not a library');
    await copyFile(packagedLibrary(), path('cut.so'));
    await truncate(path('cut.so'), 4_000_000);
    const other = createRequire(createRequire(import.meta.url).resolve('koffi')).resolve(koffiBinary);
    const libraries = [...['nowhere.so', 'text.so', 'cut.so'].map(path), other];
    const outcomes = tryAll('library', [...libraries, packagedLibrary(), path('text.so')]);
    const reasons = [/no such file/i, /invalid ELF|too short|not a/i, /truncated/, /OrtGetApiBase/i];
    for (const [i, reason] of reasons.entries()) {
      expect(outcomes[i]).toMatchObject({ name: 'OrtError', message: expect.stringMatching(reason) as string });
      expect(outcomes[i]!.message).toContain(libraries[i]);
    }
    expect(outcomes[4]).toEqual({ name: null });
    expect(outcomes[5]).toMatchObject({ name: 'OrtError', message: expect.stringContaining('already') as string });
  });

  it.skipIf(!hasCompiler)('an ONNX Runtime that is too old', async () => {
    const source = join(folder, 'old.c');
    await writeFile(
      source,
      `static const void *get(unsigned version) { return 0; }
       static const char *version(void) { return "1.9.9"; }
       static const struct { const void *(*get)(unsigned); const char *(*version)(void); } base = { get, version };
       const void *OrtGetApiBase(void) { return &base; }`,
    );
    const library = join(folder, 'old.so');
    spawnSync('cc', ['-shared', '-fPIC', '-o', library, source]);
    const [outcome] = tryAll('library', [library]);
    expect(outcome).toMatchObject({
      name: 'OrtError',
      message: expect.stringContaining('1.9.9, but 1.22 or later') as string,
    });
  });

  it('names platforms without a library', () => {
    expect(packagedLibrary('linux', 'arm64')).toMatch(/linux.arm64.libonnxruntime\.so\.1$/);
    expect(packagedLibrary('darwin', 'arm64')).toMatch(/darwin.arm64.libonnxruntime\.1\.dylib$/);
    expect(packagedLibrary('win32', 'x64')).toMatch(/win32.x64.onnxruntime\.dll$/);
    expect(() => packagedLibrary('darwin', 'x64')).toThrow('darwin-x64');
    expect(() => packagedLibrary('aix', 'ppc64')).toThrow(OrtError);
  });

  it('a missing CUDA provider', () => {
    expect(() => checkCuda(packagedLibrary())).toThrow(/CUDA provider cannot be loaded: .*providers_shared/);
  });
});
