import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { compileModel } from '../../../src/ml/compile/compile.ts';
import { trainTunes } from '../../../src/ml/train.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { randomTunes } from '../../support/tunes/random-tunes.ts';

const script = fileURLToPath(new URL('../../../src/cli/train.ts', import.meta.url));
const texts = [randomTunes(1, 60).join('\n')];
const small = { texts, width: 32, layers: 1, epochs: 2, seed: 1, threads: 1 };

async function command(...args: string[]) {
  const child = spawn(process.execPath, ['--import', 'tsx', script, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const texts = { output: '', errors: '' };
  child.stdout.on('data', (chunk: Buffer) => (texts.output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (texts.errors += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, ...texts };
}

describe('npm run train -- tunes', () => {
  it('[CORPUS5] writes a model that compiles, its vocabulary and its curve, and says what it read', async () => {
    const folder = await temporaryFolder();
    const corpus = join(folder, 'tunes.abc');
    await writeFile(corpus, texts.join(''));
    const out = join(folder, 'out');
    const sizes = ['--width', '32', '--layers', '1', '--epochs', '1', '--threads', '1'];
    const { code, output, errors } = await command('tunes', '--corpus', corpus, '--out', out, ...sizes);
    expect({ code, errors }).toEqual({ code: 0, errors: '' });
    expect(output).toContain('60 tunes read');
    const { symbols } = JSON.parse(await readFile(join(out, 'vocabulary.json'), 'utf8')) as { symbols: string[] };
    const source = { source: out, digest: 'e'.repeat(64), directory: join(folder, 'compiled') };
    const { shape } = await compileModel({ ...source, target: { device: 'cpu', weights: 'float' } });
    expect(shape).toMatchObject({ vocabulary: 258 + symbols.length, hidden: 32, layers: 1 });
    expect(await readFile(join(out, 'loss.svg'), 'utf8')).toMatch(/^<svg/);
  });

  it('[CORPUS5] ended and begun again, it writes the same model', async () => {
    const folder = await temporaryFolder();
    const modelIn = (name: string) => readFile(join(folder, name, 'model.safetensors'));
    await trainTunes({ ...small, folder: join(folder, 'whole') });
    const ending = new AbortController();
    const ended = trainTunes({
      ...{ ...small, folder: join(folder, 'ended'), signal: ending.signal },
      report: ({ step }) => (step === 4 ? ending.abort(new Error('ended')) : undefined),
    });
    await expect(ended).rejects.toThrow('ended');
    await trainTunes({ ...small, folder: join(folder, 'ended') });
    expect(await modelIn('ended')).toEqual(await modelIn('whole'));
  });

  it('refuses options that are none, a file that is not there, and a corpus without tunes', async () => {
    expect(await command('tunes')).toMatchObject({
      code: 2,
      errors: expect.stringContaining('--corpus is missing') as string,
    });
    const options = ['tunes', '--corpus', 'no-such-file.abc'];
    expect(await command(...options)).toMatchObject({
      code: 1,
      errors: expect.stringContaining('cannot be read') as string,
    });
    expect(await command(...options, '--width', '33')).toMatchObject({ code: 2 });
    const folder = await temporaryFolder();
    await expect(trainTunes({ ...small, texts: ['nothing'], folder })).rejects.toThrow('nothing to learn from');
  });
});
