import { describe, expect, it } from 'vitest';
import { uniformAt } from '../../src/lib/random.ts';
import { parseTune } from '../../src/tunes/abc/parse-tune.ts';
import { CopyDetector, groupNearCopies, intervalsOf } from '../../src/tunes/corpus/near-copies.ts';
import { abcOf, melodyOf, normalise, type NormalTune } from '../../src/tunes/corpus/normalise.ts';
import { readCorpus } from '../../src/tunes/corpus/read-corpus.ts';
import { trainingSet } from '../../src/tunes/corpus/training-set.ts';
import { transpositions } from '../../src/tunes/corpus/transpose.ts';
import { transposedEpochs } from '../../src/tunes/corpus/transposed-epochs.ts';
import { randomTunes } from '../support/tunes/random-tunes.ts';
import { CAROUSEL, HARBOUR } from '../support/tunes/tunes.ts';

const normal = (abc: string): NormalTune => {
  const tune = normalise(abc);
  if (typeof tune === 'string') throw new Error(tune);
  return tune;
};
const intervals = (abc: string): string => intervalsOf(melodyOf(parseTune(abc)));

describe('the one form of a tune', () => {
  it('[CORPUS1] has four fields, and bars without what a melody does not need', () => {
    expect(abcOf(normal(HARBOUR))).toBe(
      'M:2/4\nL:1/16\nK:D\n|:d2f2 a2f2|g2e2 e4|c2e2 g2e2|f2d2 d4::\na3b a2f2|g2b2 e4|cdec A2c2|1d4 d4:|2d4 d2z2|]',
    );
    const messy = `M: 3/4\nL:1/8\nN:a remark\nK:E minor\n||: "Em"uE2  vG2 B2 |\n| y E6 :|| % end\n|:B2 A2 !f!G2 | E6 :|\n`;
    expect(abcOf(normal(messy))).toBe('M:3/4\nL:1/8\nK:Em\n|:E2 G2 B2|E6::\nB2 A2 G2|E6:|');
  });

  it('[CORPUS1] sounds as before, and is its own form', () => {
    for (const abc of [CAROUSEL, HARBOUR, ...randomTunes(1, 30)]) {
      const tune = abcOf(normal(abc));
      expect(melodyOf(parseTune(tune))).toEqual(melodyOf(parseTune(abc)));
      expect(abcOf(normal(tune))).toBe(tune);
    }
  });

  it.each([
    ['no metre', 'K:D\nDEFG ABcd|'],
    ['no key', 'M:4/4\nDEFG ABcd|'],
    ['a key that is none', 'M:4/4\nK:Hp\nDEFG ABcd|'],
    ['key or metre change', 'M:4/4\nK:D\nDEFG ABcd|[M:3/4]DEF GAB|'],
    ['several voices', 'M:4/4\nK:D\nDEFG ABcd & DEFG ABcd|'],
    ['symbols without meaning', 'M:4/4\nK:D\nDEFG ABcd|?|'],
    ['bars of a wrong length', 'M:4/4\nL:1/8\nK:D\nDEFG ABcd|DEFG ABcd e|DEFG ABcd|'],
    ['not playable as written', 'M:4/4\nL:1/8\nK:D\nDEFG AB[cd|DEFG ABcd|'],
    ['fewer than eight notes', 'M:4/4\nL:1/8\nK:D\nD8|'],
    ['fewer than eight notes', 'M:4/4\nK:D'],
  ])('[CORPUS1] without it: %s', (reason, abc) => {
    expect(normalise(abc)).toBe(reason);
  });
});

describe('transposition', () => {
  it('[CORPUS3] keeps all intervals and lengths, and comes back', () => {
    for (const abc of [CAROUSEL, HARBOUR, ...randomTunes(2, 20)]) {
      const tune = normal(abc);
      const [parsed, before] = [parseTune(abcOf(tune)), intervals(abcOf(tune))];
      for (const tonic of ['C', 'D', 'Eb', 'F#', 'G', 'A', 'Bb']) {
        for (const other of transpositions(tune, tonic)) {
          const text = abcOf(other);
          expect(intervals(text)).toBe(before);
          expect(parseTune(text).bars.map(({ ticks }) => ticks)).toEqual(parsed.bars.map(({ ticks }) => ticks));
          expect(transpositions(other, tune.key.tonic!).map(abcOf)).toContain(abcOf(tune));
        }
      }
    }
  });

  it('[CORPUS3] stays in range, and writes accidentals by their distance from the key', () => {
    const tune = normal('M:4/4\nL:1/8\nK:G\nG,ABc defg|=f^c_B=e DEFG|');
    expect(transpositions(tune, 'F').map(abcOf)).toEqual([]);
    expect(transpositions(tune, 'A').map(abcOf)).toEqual(['M:4/4\nL:1/8\nK:A\nA,Bcd efga|=g^d=c^f EFGA|']);
  });
});

describe('near-copies', () => {
  const melody = (seed: number, length: number) =>
    Array.from({ length }, (_, i) => 60 + Math.floor(17 * uniformAt(seed, i)));

  it('[CORPUS2] are tunes that share 32 notes in any key, also over another tune', () => {
    const [a, b] = [melody(3, 80), melody(5, 80)];
    const shared = (count: number) => [...melody(count, 20), ...a.slice(10, 10 + count).map((pitch) => pitch + 5)];
    const both = [...a.slice(0, 40), ...b.slice(0, 40)];
    const groups = groupNearCopies([a, b, shared(32), shared(31), melody(13, 60), both].map(intervalsOf));
    expect(groups[2]).toBe(groups[0]);
    expect(groups[1]).toBe(groups[0]);
    expect(groups[5]).toBe(groups[0]);
    expect(new Set(groups).size).toBe(3);
  });

  it('the longest shared run is counted in notes', () => {
    const detector = new CopyDetector([melody(3, 80), melody(5, 80)].map(intervalsOf));
    const copied = [...melody(11, 20), ...melody(5, 80).slice(20, 53), ...melody(14, 20)];
    expect(detector.longest(intervalsOf(copied))).toBe(33);
    expect(detector.longest(intervalsOf(melody(19, 60)))).toBeLessThan(20);
  });
});

describe('a corpus', () => {
  const tunes = [...randomTunes(3, 120), CAROUSEL, HARBOUR];
  const copy = `M:2/4\nL:1/16\nK:G\n${abcOf(normal(HARBOUR)).split('\n').slice(3).join('\n')}`;
  const broken = 'M:4/4\nK:D\nDEFG A|DEFG ABcd|DE|DEFG ABcd|';

  it('[CORPUS1] counts what it leaves out by reason', () => {
    const { read, rejected, parts } = readCorpus([[...tunes, HARBOUR, broken].join('\n\n')]);
    expect(read).toBe(124);
    expect(Object.fromEntries(rejected)).toEqual({ duplicate: 1, 'bars of a wrong length': 1 });
    expect(Object.values(parts).flat()).toHaveLength(122);
  });

  it('[CORPUS2] no two parts share 32 notes, and a tune’s part does not depend on the order', () => {
    const { parts } = readCorpus([[...tunes, copy].join('\n\n')]);
    const others = new CopyDetector([...parts.validation, ...parts.test].map((tune) => tune.intervals));
    for (const tune of parts.train) expect(others.longest(tune.intervals)).toBeLessThan(32);
    expect(readCorpus([[...tunes, copy].reverse().join('\n\n')]).parts).toEqual(parts);
    expect(parts.test.length).toBeGreaterThan(0);
  });

  it('[CORPUS4] an epoch has every tune once, some in a key that the data has, and is a function of its number', () => {
    const { train } = readCorpus([tunes.join('\n\n')]).parts;
    const epoch = transposedEpochs(train, { transposed: 0.5, seed: 1 });
    const texts = epoch(2);
    expect(texts).toEqual(transposedEpochs(train, { transposed: 0.5, seed: 1 })(2));
    expect(texts.map(intervals)).toEqual(train.map((tune) => tune.intervals));
    const keys = new Set(train.map(({ abc }) => /^K:.*/m.exec(abc)![0]));
    for (const text of texts) expect(keys).toContain(/^K:.*/m.exec(text)![0]);
    const changed = texts.filter((text, i) => text !== train[i]!.abc).length;
    expect(changed).toBeGreaterThan(0.2 * train.length);
    expect(changed).toBeLessThan(0.7 * train.length);
  });

  it('[CORPUS4] its tokens decode to its texts, between the marks for start and end', () => {
    const corpus = readCorpus([tunes.join('\n\n')]);
    const { tokenizer, symbols, validation, test, epoch } = trainingSet(corpus, { transposed: 0.5, seed: 1 });
    for (const [part, sequences] of [
      ['validation', validation],
      ['test', test],
    ] as const) {
      expect(sequences.map((tokens) => tokenizer.decode(tokens))).toEqual(corpus.parts[part].map(({ abc }) => abc));
    }
    for (const tokens of epoch(0)) {
      expect(tokens[0]).toBe(tokenizer.start);
      expect(tokens.at(-1)).toBe(tokenizer.end);
    }
    expect(symbols).toContain('|');
  });
});
