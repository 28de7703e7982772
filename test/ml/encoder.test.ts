import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { InvalidInputError, ModelUnavailableError } from '../../src/lib/errors.ts';
import { silentLogger } from '../../src/lib/log.ts';
import { WordPieces } from '../../src/ml/encoder/word-pieces.ts';
import { createEngine } from '../../src/ml/engine.ts';
import wordPieces from '../oracles/word-pieces.json' with { type: 'json' };
import { temporaryFolder } from '../support/folder.ts';
import { TINY_ENCODER, TINY_WIDTH } from '../support/tiny/tiny-encoder.ts';
import { encoderEntryFor } from '../support/tiny/tiny-engine.ts';

const signal = new AbortController().signal;
const texts = [
  'the sad rain',
  'i love the song, you hate the song!',
  'happy '.repeat(40),
  'a',
  '',
  '雨天 [SEP] the rain',
  'zyx'.repeat(30),
  'the sad rain.',
];

async function open(changes: object = {}, folder?: string) {
  const dataDir = folder ?? (await temporaryFolder());
  const catalogueFile = join(dataDir, 'models.json');
  await writeFile(catalogueFile, JSON.stringify({ models: [{ ...(await encoderEntryFor(dataDir)), ...changes }] }));
  const engine = createEngine({ dataDir, catalogueFile, threads: 2, fetch: 'auto', log: silentLogger });
  onTestFinished(() => engine[Symbol.asyncDispose]());
  return engine;
}

describe('an encoder', () => {
  it('[EMBED1] gives a text the same vectors alone, beside others, in any order and again', async () => {
    const engine = await open();
    await engine.whenReady(TINY_ENCODER);
    const together = await engine.encode(texts, { signal });
    for (const [i, text] of texts.entries()) {
      const fresh = await open();
      await fresh.whenReady(TINY_ENCODER);
      expect((await fresh.encode([text], { signal }))[0]).toEqual(together[i]);
    }
    const fresh = await open();
    await fresh.whenReady(TINY_ENCODER);
    expect([...(await fresh.encode([...texts].reverse(), { signal }))].reverse()).toEqual(together);
    expect(await engine.encode(texts, { signal })).toEqual(together);
  });

  it('[EMBED1] has vectors of length 1, and words whose shares add up to the states', async () => {
    const engine = await open();
    await engine.whenReady(TINY_ENCODER);
    const plain = await engine.encode(texts, { signal });
    const encoded = await engine.encode(texts, { signal, words: true });
    for (const [i, { embedding, states, words, tokens }] of encoded.entries()) {
      expect(embedding).toHaveLength(TINY_WIDTH);
      expect(Math.hypot(...embedding)).toBeCloseTo(1, 5);
      expect(states).toHaveLength(2 * TINY_WIDTH);
      const sums = states.map((_, at) => (words ?? []).reduce((sum, { share }) => sum + (share[at] ?? 0), 0));
      states.forEach((state, at) => expect(sums[at]).toBeCloseTo(state, 12));
      expect({ ...encoded[i], words: null }).toEqual(plain[i]);
      expect(tokens).toBeGreaterThanOrEqual(2);
    }
    const marked = (encoded[1]?.words ?? []).map(({ from, to }) => texts[1]?.slice(from, to));
    expect(marked).toEqual(['i', 'love', 'the', 'song', ',', 'you', 'hate', 'the', 'song', '!']);
  });

  it('reads a text longer than its context in windows', async () => {
    const engine = await open();
    await engine.whenReady(TINY_ENCODER);
    const [long] = await engine.encode(['happy '.repeat(40)], { signal });
    // Windows of 14 tokens and two marks.
    expect(long?.tokens).toBe(40 + 3 * 2);
  });

  it('[EMBED2] a request that is cancelled ends at once and leaves the others alone', async () => {
    const engine = await open();
    await engine.whenReady(TINY_ENCODER);
    const leaving = new AbortController();
    const many = Array.from({ length: 2000 }, (_, i) => `song ${i}`);
    const cancelled = engine.encode(many, { signal: leaving.signal });
    const other = engine.encode(['the rain'], { signal });
    leaving.abort(new Error('left'));
    await expect(cancelled).rejects.toThrow('left');
    expect(await other).toHaveLength(1);
    await expect(engine.encode(['a'], { signal: AbortSignal.abort(new Error('gone')) })).rejects.toThrow('gone');
  });

  it('[EMBED2] is refused by name while it is absent, and for work of another kind', async () => {
    const engine = await open({ sources: [{ file: '/nowhere' }] });
    await expect(engine.encode(['a'], { signal })).rejects.toBeInstanceOf(ModelUnavailableError);
    const ready = await open();
    await ready.whenReady(TINY_ENCODER);
    expect(() => ready.admit(TINY_ENCODER)).toThrow(InvalidInputError);
  });

  it.each([
    ['model.onnx', 'no graph', /is not usable: .*cannot be used/],
    ['tokenizer.json', '{"model": {"type": "BPE"}}', /only WordPiece is supported/],
    ['tokenizer.json', '{', /not JSON/],
  ])('[EMBED2] a damaged %s is named', async (name, content, message) => {
    const dataDir = await temporaryFolder();
    const entry = await encoderEntryFor(dataDir);
    await writeFile(join(dataDir, 'encoder', name), content);
    const sha256 = createHash('sha256').update(content).digest('hex');
    const files = entry.files.map((file) => (file.name === name ? { name, sha256, bytes: content.length } : file));
    const catalogueFile = join(dataDir, 'models.json');
    await writeFile(catalogueFile, JSON.stringify({ models: [{ ...entry, files }] }));
    const engine = createEngine({ dataDir, catalogueFile, threads: 1, log: silentLogger });
    onTestFinished(() => engine[Symbol.asyncDispose]());
    await expect(engine.whenReady(TINY_ENCODER)).rejects.toThrow(message);
  });

  it('opens again after its memory was needed by others', async () => {
    const dataDir = await temporaryFolder();
    const catalogueFile = join(dataDir, 'models.json');
    await writeFile(catalogueFile, JSON.stringify({ models: [await encoderEntryFor(dataDir)] }));
    const engine = createEngine({ dataDir, catalogueFile, threads: 1, sleepAfterMs: 1, log: silentLogger });
    onTestFinished(() => engine[Symbol.asyncDispose]());
    await engine.whenReady(TINY_ENCODER);
    const [before] = await engine.encode(['the rain'], { signal });
    await expect.poll(() => engine.load().find(({ modelId }) => modelId === TINY_ENCODER)).toBeUndefined();
    const [, after] = await engine.encode(['a song', 'the rain'], { signal });
    expect(after).toEqual(before);
  });
});

describe('word pieces', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cadenza-'));
    await writeFile(join(folder, 'tokenizer.json'), JSON.stringify(wordPieces.tokenizer));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('[EMBED1] are those of the tokenizers library', async () => {
    const pieces = await WordPieces.read(folder);
    for (const { text, ids } of wordPieces.cases)
      expect([text, pieces.begin, ...pieces.split(text).flatMap((word) => word.ids), pieces.end]).toEqual([
        text,
        ...ids,
      ]);
  });

  it('are text where a person has typed marks', async () => {
    const pieces = await WordPieces.read(folder);
    const ids = pieces.split('[SEP] [CLS]').flatMap((word) => word.ids);
    expect(ids).not.toContain(pieces.end);
    expect(ids).not.toContain(pieces.begin);
  });
});
