import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../support/folder.ts';

const script = fileURLToPath(new URL('../../../src/cli/evaluate.ts', import.meta.url));

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
    expect(Object.keys(result).slice(0, names.length)).toEqual(names);
    // Each of the six is somebody's only one left.
    expect(result['Coverage@20']).toBe(1);
    // Of six items one is neither known nor masked.
    expect([result['HR@10'], result['NDCG@10']]).toEqual([1, 1]);
  });

  it('[REC9] neither the last item nor the one before it is trained on', async () => {
    // y comes only just before the end, x only at the end: both are unknown to the weights, and x is never found.
    const lines = Array.from({ length: 20 }, (_, u) => `u${u} a b c y x`);
    const { output } = await run('--data', await file('sequences.txt', lines.join('\n')), '--json');
    expect(JSON.parse(output)).toMatchObject({ 'HR@10': 0, 'NDCG@10': 0, 'Recall@20': 0, 'NDCG@20': 0 });
  });

  it('[EVAL1] takes tabs, CRLF, empty lines, lines of one item, a line for each event, and users without training', async () => {
    const words = Array.from({ length: 30 }, (_, u) => [
      `u${u}`,
      ...Array.from({ length: 5 }, (_, i) => `i${(u + i) % 7}`),
    ]);
    const plain = words.map((line) => line.join(' ')).join('\n');
    const odd = `\r\n${words.map(([id, ...items]) => items.map((item) => `${id}\t${item} `).join('\r\n')).join('\r\n\r\n')}\r\nlone\r\n`;
    const test = await file(
      'test.txt',
      words.map(([id, first]) => `${id} i${(Number(first!.slice(1)) + 5) % 7}`).join('\n') + '\nnew i3\nnone\n',
    );
    const runs = await Promise.all([
      run('--data', await file('plain.txt', plain)),
      run('--data', await file('odd.txt', gzipSync(odd))),
      run('--protocol', 'split', '--train', await file('train.txt', plain), '--test', test),
      run('--protocol', 'split', '--train', await file('odd-train.txt', odd), '--test', test),
    ]);
    const [one, same, apart, alike] = runs.map(({ output }) => {
      const {
        trainSeconds: _,
        peakRssMb: __,
        // Of the weights themselves, for whose scale who has no items counts as well.
        'Diversity@20': ___,
        ...metrics
      } = JSON.parse(output.trimEnd().split('\n').at(-1)!) as Record<string, number>;
      return metrics;
    });
    expect(same).toEqual(one);
    expect(alike).toEqual(apart);
    // Of seven items nothing is beyond the tenth position, for whoever is new either.
    expect([one!['HR@10'], apart!['HR@10']]).toEqual([1, 1]);
  });

  it('[EVAL1] [EVAL3] next finds recurring items, and does not count a beginning of the next line twice', async () => {
    const lines = Array.from({ length: 40 }, (_, u) => Array.from({ length: 6 }, (_, i) => `i${(u + i) % 12}`));
    const histories = lines.flatMap((items) => [items.slice(0, 4), items.slice(0, 5), [...items, items[5]!]]);
    const targets = lines.flatMap((items) => [items[4], items[5], items[5]]);
    const { code, output } = await run(
      ...['--protocol', 'next', '--json'],
      ...['--history', await file('history', histories.map((items) => items.join(' ')).join('\n') + '\n\n')],
      ...['--target', await file('target', targets.join('\n'))],
    );
    expect(code).toBe(0);
    expect(JSON.parse(output)).toMatchObject({ 'HR@10': 1 });
  });

  it('reports problems of its arguments or files without a stack', async () => {
    const cases: [string[], number, RegExp][] = [
      [[], 2, /--data is missing/],
      [['--data', '/nowhere'], 1, /\/nowhere cannot be read: ENOENT/],
      [['--data', await file('broken.gz', 'not gzip')], 1, /has no listener/],
      [['--data', await file('short.txt', 'u1 a b')], 1, /no listener with at least three items/],
      [['--data', await file('empty.txt', '\n \n')], 1, /empty.txt has no lines/],
      [
        ['--protocol', 'next', '--history', await file('h', 'a b\nc\n'), '--target', await file('t', 'a\n')],
        1,
        /\/h has 2 lines and .*\/t 1/,
      ],
      [['--data', 'x', '--format', 'csv'], 2, /--format csv is unknown/],
      [['--data', 'x', '--protocol', 'half'], 2, /--protocol half is unknown/],
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
