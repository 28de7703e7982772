import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { GgufMetadata, type MetadataValue } from '../../../src/ml/compile/checkpoint/gguf/gguf.ts';
import { TextStream } from '../../../src/ml/text/text-stream.ts';
import { readGgufTokenizer } from '../../../src/ml/text/tokenizer/gguf-tokenizer.ts';
import { readFolderTokenizer } from '../../../src/ml/text/tokenizer/hugging-face-tokenizer.ts';
import { bytesOfTokens, createTokenizer } from '../../../src/ml/text/tokenizer/tokenizer.ts';
import { temporaryFolder } from '../../support/folder.ts';

interface Oracle {
  pieces: [string, number, number][];
  sentencepiece: number[][];
  tokenizer: object;
  tokenizers: number[][];
}

/** See test/oracles/sentence-piece.py. */
const { texts, ...oracles } = JSON.parse(
  readFileSync(new URL('../../oracles/sentence-piece.json', import.meta.url), 'utf8'),
) as { texts: string[]; bpe: Oracle; unigram: Oracle };

/** The header that llama.cpp's converter writes of a vocabulary. */
function headerOf(kind: 'bpe' | 'unigram', changes: Record<string, MetadataValue> = {}): GgufMetadata {
  const { pieces } = oracles[kind];
  const values: Record<string, MetadataValue> = {
    model: kind === 'bpe' ? 'llama' : 't5',
    tokens: pieces.map(([text]) => text),
    scores: pieces.map(([, score]) => score),
    token_type: pieces.map(([, , type]) => type),
    ...{ unknown_token_id: 0, bos_token_id: 1, eos_token_id: 2 },
    ...changes,
  };
  return new GgufMetadata(new Map(Object.entries(values).map(([key, value]) => [`tokenizer.ggml.${key}`, value])));
}

/** Without the marks, which a text that is not trusted never gets to spell: sentencepiece itself knows none in a text. */
const plain = texts.map((text, i) => ({ text, i })).filter(({ text }) => text !== '' && !/<s>|<\/s>|<unk>/.test(text));

it('[MODEL17] runs of spaces that are literal tokens, as Gemma has them, are spaces in a text', () => {
  const { pieces } = oracles.bpe;
  const [run, first] = ['\u2581\u2581\u2581', pieces.length];
  const header = headerOf('bpe', {
    tokens: [...pieces.map(([text]) => text), run],
    scores: [...pieces.map(([, score]) => score), 0],
    token_type: [...pieces.map(([, , type]) => type), 4],
    add_space_prefix: false,
  });
  const tokenizer = createTokenizer(readGgufTokenizer(header));
  const ids = tokenizer.encode('a   b');
  expect(ids).toContain(first);
  expect(Buffer.from(bytesOfTokens(tokenizer, ids)).toString()).toBe('a   b');
});

describe.each(['bpe', 'unigram'] as const)('[MODEL17] SentencePiece’s %s', (kind) => {
  it('from GGUF divides hostile texts as sentencepiece does', () => {
    const tokenizer = createTokenizer(readGgufTokenizer(headerOf(kind)));
    expect(plain.length).toBeGreaterThan(300);
    for (const { text, i } of plain)
      expect([text, tokenizer.encode(text)]).toEqual([text, oracles[kind].sentencepiece[i]]);
  });

  it('from tokenizer.json divides them as the tokenizers library does', async () => {
    const folder = join(await temporaryFolder(), 'model');
    await mkdir(folder);
    await writeFile(join(folder, 'tokenizer.json'), JSON.stringify(oracles[kind].tokenizer));
    const tokenizer = createTokenizer(await readFolderTokenizer(folder));
    const { tokenizers } = oracles[kind];
    const sumOf = (ids: readonly number[] = []) => ids.reduce((sum, id) => sum + oracles[kind].pieces[id]![1], 0);
    // The library takes a byte's name for the byte in a Unigram; sentencepiece does not, and neither do we. Of divisions that
    // are as likely it takes another.
    for (const { text, i } of plain.filter((one) => !one.text.includes('<0x'))) {
      const [found, expected] = [tokenizer.encode(text), tokenizers[i]!];
      const isAsLikely = kind === 'unigram' && Math.abs(sumOf(found) - sumOf(expected)) < 1e-3;
      if (!isAsLikely) expect([text, found]).toEqual([text, expected]);
    }
  });

  it('gives every text back, whole characters at a time', () => {
    const tokenizer = createTokenizer(readGgufTokenizer(headerOf(kind)));
    for (const { text } of plain) {
      const ids = tokenizer.encode(text);
      const spaced = ` ${text.replaceAll('\u2581', ' ')}`;
      expect(Buffer.from(bytesOfTokens(tokenizer, ids)).toString()).toBe(spaced);
      const stream = new TextStream<number>([]);
      const shown = ids.flatMap((id) => stream.push(id, tokenizer.bytesOf(id)));
      expect(shown.every(({ text: part }) => !part.includes('\uFFFD') || text.includes('\uFFFD'))).toBe(true);
      expect([...shown, ...stream.flush()].map(({ text: part }) => part).join('')).toBe(spaced);
    }
  });

  it('knows its marks, which have no bytes, and adds a space only if the file says so', () => {
    const tokenizer = createTokenizer(readGgufTokenizer(headerOf(kind)));
    expect(tokenizer.encode('</s>')).toEqual([2]);
    expect(tokenizer.bytesOf(2)).toHaveLength(0);
    expect(tokenizer.bytesOf(0)).toHaveLength(0);
    expect(tokenizer.leadsWithSpace).toBe(true);
    const bare = createTokenizer(readGgufTokenizer(headerOf(kind, { add_space_prefix: false })));
    expect(Buffer.from(bytesOfTokens(bare, bare.encode('the sea'))).toString()).toBe('the sea');
  });
});

describe('[MODEL2] a SentencePiece vocabulary that would be silently wrong is refused', () => {
  it.each<[string, Record<string, MetadataValue>, string]>([
    ['without a score for each token', { scores: [1, 2] }, '2 scores for'],
    ['with a score that is no number', { scores: oracles.bpe.pieces.map(() => NaN) }, 'not a number'],
    ['of another kind', { model: 'bert' }, 'supported are byte-level BPE'],
  ])('%s', (_, changes, reason) => {
    expect(() => createTokenizer(readGgufTokenizer(headerOf('bpe', changes)))).toThrow(reason);
  });
});
