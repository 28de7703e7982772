import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../support/folder.ts';

const script = fileURLToPath(new URL('../../src/cli/evaluate.ts', import.meta.url));

async function run(...args: string[]): Promise<{ code: number | null; output: string; errors: string }> {
  const child = spawn(process.execPath, ['--import', 'tsx', script, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const texts = { output: '', errors: '' };
  child.stdout.on('data', (chunk: Buffer) => (texts.output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (texts.errors += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, ...texts };
}

async function file(name: string, content: string | Buffer): Promise<string> {
  const path = join(await temporaryFolder(), name);
  await writeFile(path, content);
  return path;
}

describe('npm run evaluate', () => {
  it('[REC9] ends with one line of JSON, for a gzipped file, too', async () => {
    // Everybody hears a, b, c, d in this order or begins elsewhere: what is missing is what the others had.
    const lines = Array.from({ length: 40 }, (_, u) => {
      const items = ['a', 'b', 'c', 'd', 'e', 'f'];
      return `u${u} ${items.map((_, i) => items[(i + u) % 6]).join(' ')}`;
    });
    const data = await file('sequences.txt.gz', gzipSync(lines.join('\n')));
    const { code, output } = await run(
      '--format',
      'sequences',
      '--data',
      data,
      '--protocol',
      'leave-one-out',
      '--json',
    );
    expect(code).toBe(0);
    const result = JSON.parse(output.trimEnd().split('\n').at(-1)!) as Record<string, number>;
    const names = ['HR@10', 'NDCG@10', 'Recall@20', 'NDCG@20', 'trainSeconds', 'peakRssMb'];
    expect(Object.keys(result)).toEqual(names);
    // Of six items one is neither known nor masked.
    expect([result['HR@10'], result['NDCG@10']]).toEqual([1, 1]);
  });

  it('[REC9] neither the last item nor the one before it is trained on', async () => {
    // y comes only just before the end, x only at the end: both are unknown to the weights, and x is never found.
    const lines = Array.from({ length: 20 }, (_, u) => `u${u} a b c y x`);
    const { output } = await run('--data', await file('sequences.txt', lines.join('\n')), '--json');
    expect(JSON.parse(output)).toMatchObject({ 'HR@10': 0, 'NDCG@10': 0, 'Recall@20': 0, 'NDCG@20': 0 });
  });

  it('says what is wrong with its arguments or its file, without a stack', async () => {
    const cases: [string[], number, RegExp][] = [
      [[], 2, /--data is missing/],
      [['--data', '/nowhere'], 1, /\/nowhere cannot be read: ENOENT/],
      [['--data', await file('broken.gz', 'not gzip')], 1, /cannot be read: incorrect header/],
      [['--data', await file('short.txt', 'u1 a b')], 1, /no listener with three items/],
      [['--data', 'x', '--format', 'csv'], 2, /--format csv is not known/],
      [['--data', 'x', '--protocol', 'half'], 2, /--protocol half is not known/],
      [['--data', 'x', '--protocol', 'split'], 2, /--train is missing/],
    ];
    const runs = await Promise.all(cases.map(([args]) => run(...args)));
    runs.forEach(({ code, errors }, i) => {
      expect(errors).toMatch(cases[i]![2]);
      expect(errors).not.toMatch(/^ +at /m);
      expect(code).toBe(cases[i]![1]);
    });
  });
});
