import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../support/folder.ts';
import { fileEntryOf } from '../../support/models/translation-entry.ts';
import * as server from '../../support/network/file-server.ts';
import { eventually } from '../../support/time/eventually.ts';
import { entryFor } from '../../support/tiny/tiny-engine.ts';
import { type TinyModel, writeTinyGguf } from '../../support/tiny/tiny-gguf.ts';

const script = fileURLToPath(new URL('../../../src/cli/models.ts', import.meta.url));

interface Run {
  code: number | null;
  output: string;
  errors: string;
}

/** A data folder with a catalogue of one tiny model, and the command at work on it. */
async function setUp(sources?: (bytes: Buffer) => Promise<object[]>, model: TinyModel = {}) {
  const folder = await temporaryFolder();
  const gguf = join(folder, 'source.gguf');
  await writeTinyGguf(gguf, model);
  const entry = await entryFor(gguf, await sources?.(await readFile(gguf)));
  const catalogue = join(folder, 'models.json');
  await writeFile(catalogue, JSON.stringify({ models: [entry] }));
  const env = { ...process.env, CADENZA_MODELS: catalogue, CADENZA_DATA_DIR: folder };
  const start = (...args: string[]) =>
    spawn(process.execPath, ['--import', 'tsx', script, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const run = async (...args: string[]): Promise<Run> => finish(start(...args));
  return { folder, file: join(folder, 'models', 'tiny', 'tiny.gguf'), start, run };
}

async function finish(child: ReturnType<typeof spawn>): Promise<Run> {
  const texts = { output: '', errors: '' };
  child.stdout?.on('data', (chunk: Buffer) => (texts.output += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (texts.errors += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, ...texts };
}

describe('npm run models', () => {
  it('lists, pulls, verifies and removes', async () => {
    const { run, file } = await setUp();
    expect((await run('list')).output).toMatch(/^tiny {2,}Tiny {2,}TEXT_GENERATION {2,}[\d.]+ MB {2,}unknown {2,}no$/m);
    expect(await run('verify', 'tiny')).toMatchObject({ code: 1, output: 'tiny: not on disk\n' });
    const pulled = await run('pull');
    expect(pulled).toMatchObject({ code: 0, errors: '' });
    expect(pulled.output).toMatch(
      /^fetching Tiny from file .*\n(\d+ % \(.* of .*\n)+(\d+ % \(compiled\)\n)+tiny is complete: .*tiny\.gguf\n$/,
    );
    expect((await run('pull', 'tiny')).output).toContain('is there already');
    expect((await run('list')).output).toMatch(/yes$/m);
    expect(await run('verify')).toMatchObject({ code: 0, output: 'tiny: whole\n' });
    await writeFile(file, 'damaged');
    expect((await run('list')).output).toMatch(/damaged$/m);
    expect(await run('verify')).toMatchObject({ code: 1, output: 'tiny: damaged: pull it again\n' });
    expect(await run('remove', 'tiny')).toMatchObject({ code: 0, output: 'tiny was removed\n' });
    expect((await run('remove', 'tiny')).output).toBe('tiny was not on disk\n');
    expect((await run('verify')).output).toBe('no model is on disk\n');
  });

  it('pulls a translator, of which nothing is compiled', async () => {
    const { run, folder } = await setUp();
    const entry = await fileEntryOf({ 'model.enpt.bin': 'weights', 'lex.enpt.bin': 'x', 'vocab.enpt.spm': 'x' });
    await writeFile(join(folder, 'models.json'), JSON.stringify({ models: [entry] }));
    const { code, output, errors } = await run('pull', 'tiny');
    expect({ code, errors }).toEqual({ code: 0, errors: '' });
    expect(output).toMatch(/tiny is complete: /);
    expect(output).not.toContain('compiled');
  });

  it('uses the folder of --data-dir', async () => {
    const { run, file } = await setUp();
    const elsewhere = await temporaryFolder();
    await run('pull', '--data-dir', elsewhere);
    await expect(readFile(file)).rejects.toThrow('ENOENT');
    expect((await run('verify', '--data-dir', elsewhere)).output).toBe('tiny: whole\n');
  });

  it('says of each source why a pull failed, with exit code 1', async () => {
    const { run } = await setUp(async () => [{ url: (await server.serve(server.refuse(404))).url }, { file: 'none' }]);
    const { code, errors } = await run('pull');
    expect(code).toBe(1);
    expect(errors).toMatch(/^Tiny could not be fetched: url .* answered 404; file .*none: there is no such file\n$/);
  });

  it.each([
    ['tokenizer.chat_template', undefined, 'there is no chat template'],
    ['tokenizer.ggml.pre', undefined, 'use a newer file'],
    ['tokenizer.ggml.model', 'bert', 'supported are byte-level BPE'],
    ['split.count', 2, 'llama-gguf-split --merge'],
    ['llama.expert_count', 8, 'a mixture of experts'],
  ])(
    '[MODEL2] a model that cannot be written with is told before it is compiled: %s is %j',
    async (key, value, reason) => {
      const { run, folder } = await setUp(undefined, { metadata: { [key]: value } });
      const { code, output, errors } = await run('pull');
      expect(code).toBe(1);
      expect(errors).toContain(reason);
      expect(output).not.toMatch(/compiled|complete/);
      const made = await readdir(join(folder, 'models', 'tiny', 'compiled')).catch(() => []);
      expect(made).toEqual([]);
    },
  );

  it('keeps what it has when interrupted, and resumes from there', async () => {
    const ranges: (string | null)[][] = [];
    const { start, run } = await setUp(async (bytes) => {
      const one = await server.serve(server.standStillAfter(bytes, 100_000), server.whole(bytes));
      ranges.push(one.ranges);
      return [{ url: one.url }];
    });
    const child = start('pull');
    const ended = finish(child);
    await eventually(async () => expect((await run('list')).output).toMatch(/\d+ %$/m));
    // Twice, as from a terminal: npm’s own runner passes on what the whole group has got already.
    child.kill('SIGINT');
    child.kill('SIGINT');
    expect(await ended).toMatchObject({ code: 130, errors: expect.stringContaining('interrupted') as string });
    expect((await run('pull')).code).toBe(0);
    expect(ranges[0]).toEqual([null, 'bytes=100000-']);
  });

  it.each([
    [[], 2, 'a command is missing'],
    [['fly'], 2, 'there is no command fly'],
    [['pull', '--fast'], 2, '--fast'],
    [['pull', 'tiny', 'more'], 2, 'more is an unexpected argument'],
    [['remove'], 2, 'remove needs the ID'],
    [['pull', 'nobody'], 1, 'there is no model nobody in the catalogue; there are tiny'],
  ])('refuses %j with exit code %i', async (args, code, reason) => {
    const { run } = await setUp();
    const result = await run(...args);
    expect(result.code).toBe(code);
    expect(result.errors).toContain(reason);
    expect(result.errors.includes('Usage:')).toBe(code === 2);
  });

  it('explains itself', async () => {
    const { run } = await setUp();
    expect(await run('--help')).toMatchObject({ code: 0, output: expect.stringContaining('pull [ID]') as string });
  });
});
