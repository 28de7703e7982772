import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  correlate,
  createLanguage,
  evaluateHead,
  headPath,
  readHead,
  readLabelledTexts,
  readRatedTexts,
  type TextHead,
  trainHead,
  writeHead,
} from '../../src/language/language.ts';
import { InvalidInputError, ModelUnavailableError, NotFoundError } from '../../src/lib/errors.ts';
import { createRemoteEngine, type LoneEncoder } from '../../src/ml/engine.ts';
import { temporaryFolder } from '../support/folder.ts';
import { openTinyEncoder, tinyRows } from '../support/tiny/tiny-language.ts';

const signal = new AbortController().signal;
let vectors: LoneEncoder;
let head: Omit<TextHead, 'format' | 'version'>;
beforeAll(async () => {
  vectors = await openTinyEncoder();
  head = await train();
});
afterAll(() => vectors[Symbol.asyncDispose]());

function train(changes: Partial<Parameters<typeof trainHead>[0]> = {}) {
  const settings = { seed: 1, epochs: 20, threads: 1, now: new Date(0), signal };
  const given = { name: 'tiny', vectors, encoder: vectors.model.digest, rows: tinyRows(400) };
  return trainHead({ ...given, ...settings, ...changes });
}

async function fileOf(content: string | Buffer, name = 'data.tsv'): Promise<string> {
  const path = join(await temporaryFolder(), name);
  await writeFile(path, content);
  return path;
}

const asTsv = (rows: readonly { text: string; labels: string[] }[], end = '\n') =>
  rows.map(({ text, labels }) => `${text}\t${labels.join()}`).join(end);

async function stored(): Promise<{ dataDir: string; path: string; written: TextHead }> {
  const dataDir = await temporaryFolder();
  const path = headPath(dataDir, 'tiny');
  return { dataDir, path, written: await writeHead(path, head) };
}

describe('a classifier', () => {
  it('[CLASSIFY2] learns labels, several of one text too, and is measured on other texts', async () => {
    expect(head.labels).toEqual(['joy', 'sadness']);
    expect(head.dev.macroF1).toBeGreaterThan(0.95);
    expect(head.dev.rows).toBeGreaterThan(20);
    const { written } = await stored();
    const found = await evaluateHead(written, tinyRows(50, 1), { vectors, signal });
    expect(found).toMatchObject({ rows: 50, leftOut: 0 });
    expect(found.macroF1).toBeGreaterThan(0.95);
    expect(found.accuracy).toBeGreaterThan(0.95);
  });

  it('[CLASSIFY2] one seed gives one classifier, and a file keeps it', async () => {
    expect(await train()).toEqual(head);
    expect((await train({ seed: 2 })).weight).not.toEqual(head.weight);
    const { path, written } = await stored();
    expect(await readHead(path)).toEqual(written);
  });

  it('[CLASSIFY2] names of labels that are numbers are those of a list', async () => {
    const numbered = tinyRows(200).map(({ text, labels }) => ({
      text,
      labels: labels.map((label) => (label === 'joy' ? '0' : '1')),
    }));
    expect((await train({ rows: numbered, names: ['happy', 'sad'] })).labels).toEqual(['happy', 'sad']);
  });

  it('[CLASSIFY1] explains each score as a sum over words', async () => {
    const { dataDir } = await stored();
    await using language = createLanguage({
      vectors,
      translation: createRemoteEngine(() => []),
      encoder: () => vectors.model,
      dataDir,
    });
    const text = '雨 😀 I LOVE the sad rain!';
    const [found] = await language.classify([text, 'the song'], 'tiny', signal);
    const words = await language.explain(text, 'tiny', signal);
    found?.labels.forEach(({ score, bias, probability }, at) => {
      const parts = words[at] ?? [];
      expect(parts.reduce((sum, { contribution }) => sum + contribution, bias)).toBeCloseTo(score, 9);
      expect(probability).toBeCloseTo(1 / (1 + Math.exp(-score)), 12);
      const points = Array.from(text);
      for (const part of parts) expect(points.slice(part.from, part.to).join('')).toBe(part.text);
      expect(parts.map((part) => part.text)).toEqual(['雨', '😀', 'I', 'LOVE', 'the', 'sad', 'rain', '!']);
    });
    expect(
      (await evaluateHead({ ...head, format: 1, version: '' }, tinyRows(50), { vectors, signal })).additivityError,
    ).toBeLessThan(1e-5);
  });

  it('[CLASSIFY1] says the same of a text beside any others', async () => {
    const { dataDir } = await stored();
    await using language = createLanguage({
      vectors,
      translation: createRemoteEngine(() => []),
      encoder: () => vectors.model,
      dataDir,
    });
    const texts = tinyRows(20).map(({ text }) => text);
    const together = await language.classify(texts, 'tiny', signal);
    const alone = await Promise.all(texts.map(async (text) => (await language.classify([text], 'tiny', signal))[0]));
    expect(alone).toEqual(together);
  });

  it.each([
    [
      'labels of one class',
      { rows: tinyRows(100).map((row) => ({ ...row, labels: ['joy'] })) },
      /nothing to tell apart/,
    ],
    ['too few rows', { rows: tinyRows(10) }, /20 to 100000 rows are needed, not 10/],
    ['one text only', { rows: tinyRows(100).map((row) => ({ ...row, text: 'a' })) }, /too few different texts/],
  ])('[CLASSIFY3] refuses %s', async (_, changes, message) => {
    const refused = train(changes);
    await expect(refused).rejects.toThrow(message);
    await expect(refused).rejects.toBeInstanceOf(InvalidInputError);
  });

  it('[CLASSIFY3] refuses a damaged file, a foreign encoder and a name that nobody has', async () => {
    const { dataDir, path } = await stored();
    const whole = await readFile(path, 'utf8');
    await using language = createLanguage({
      vectors,
      translation: createRemoteEngine(() => []),
      encoder: () => vectors.model,
      dataDir,
    });
    for (const damaged of [
      '',
      '{}',
      whole.slice(0, 500),
      whole.replace('"joy"', '"fun"'),
      whole.replace(/"bias": "..../, '"bias": "AAAA'),
    ]) {
      await writeFile(path, damaged);
      await expect(language.classify(['a'], 'tiny', signal), damaged.slice(0, 20)).rejects.toBeInstanceOf(
        ModelUnavailableError,
      );
    }
    await writeFile(path, whole);
    expect(await language.classify(['a'], 'tiny', signal)).toHaveLength(1);
    await using other = createLanguage({
      vectors,
      translation: createRemoteEngine(() => []),
      encoder: () => ({ ...vectors.model, digest: 'x' }),
      dataDir,
    });
    await expect(other.classify(['a'], 'tiny', signal)).rejects.toThrow(/another model/);
    await expect(language.classify(['a'], 'nobody', signal)).rejects.toBeInstanceOf(NotFoundError);
    await expect(language.classify(['a'], '../tiny', signal)).rejects.toMatchObject({ field: 'classifier' });
  });
});

describe('files of texts', () => {
  it('[CLASSIFY4] are read with any line ends, empty lines, a byte order mark, further columns, or gzipped', async () => {
    const rows = [
      { text: 'the rain', labels: ['a', 'b'] },
      { text: '{ a song', labels: ['a'] },
    ];
    const tsv = '\uFEFFthe rain\ta, b,a\tid1\r\n\r\n{ a song\ta\tid2\r\n \r\nno label\t\r\n\ta\r\n';
    for (const path of [
      await fileOf(tsv),
      await fileOf(gzipSync(tsv), 'data.tsv.gz'),
      await fileOf(tsv.replaceAll('\r\n', '\r')),
    ])
      expect(await readLabelledTexts(path, 'data')).toEqual(rows);
    const jsonl = '{"text": "the rain", "labels": ["a", "b"]}\n{"text": "{ a song", "label": "a"}\n';
    expect(await readLabelledTexts(await fileOf(jsonl), 'data')).toEqual(rows);
    expect(await readLabelledTexts(await fileOf('{"text": "x", "label": 3}'), 'data')).toEqual([
      { text: 'x', labels: ['3'] },
    ]);
  });

  it.each([
    ['an empty file', '', /no row with a text and a label/],
    ['a line without a label', 'a\tx\nb', /line 2 has no tab/],
    ['JSON of another form', '{"words": 1}', /line 1 must be JSON with text/],
    ['1 MB of text', `${'word '.repeat(200_000)}\tx`, /line 1 has 1000000 characters/],
    ['half a gzip', gzipSync('a\tx'.repeat(1000)).subarray(0, 20), /cannot be unzipped/],
  ])('[CLASSIFY3] %s is refused', async (_, content, message) => {
    const reading = readLabelledTexts(await fileOf(content), 'data');
    await expect(reading).rejects.toThrow(message);
    await expect(reading).rejects.toMatchObject({ code: 'INVALID_INPUT', field: 'data' });
  });

  it('[CLASSIFY4] labels are names in any case or numbers, and unknown ones are left out', async () => {
    const { written } = await stored();
    const rows = [
      { text: 'i love the happy song', labels: ['JOY', 'boredom'] },
      { text: 'the sad rain', labels: ['1'] },
      { text: 'the rain', labels: ['boredom', '7'] },
    ];
    expect(await evaluateHead(written, rows, { vectors, signal })).toMatchObject({ rows: 2, leftOut: 1, accuracy: 1 });
    await expect(evaluateHead(written, rows.slice(2), { vectors, signal })).rejects.toThrow(/joy, sadness/);
  });

  it('[CLASSIFY4] ratings on any scale correlate alike', async () => {
    const lines = ['id\trating\ttext', '1\t5\tgood\tthings', '2\t1\tbad', '', '3\t2.5\tso so', '4\tNaN\tx'];
    const rows = await readRatedTexts(await fileOf(lines.join('\r\n')), 'data');
    expect(rows).toEqual([
      { rating: 5, text: 'good things' },
      { rating: 1, text: 'bad' },
      { rating: 2.5, text: 'so so' },
    ]);
    const score = (texts: readonly string[]) => Promise.resolve(texts.map((text) => (text.startsWith('good') ? 1 : 0)));
    const found = await correlate(rows, score);
    const scaled = rows.map(({ rating, text }) => ({ rating: 100 * rating - 300, text }));
    expect(await correlate(scaled, score)).toBeCloseTo(found, 12);
    await expect(
      correlate(
        rows.map((row) => ({ ...row, rating: 1 })),
        score,
      ),
    ).rejects.toThrow(/all ratings are equal/);
    await expect(readRatedTexts(await fileOf('1\t2'), 'data')).rejects.toThrow(/two or more/);
  });

  it('reads back what training was given', async () => {
    expect(await readLabelledTexts(await fileOf(asTsv(tinyRows(5))), 'data')).toEqual(tinyRows(5));
  });
});
