import { describe, expect, it } from 'vitest';
import { randomStream } from '../../src/lib/random.ts';
import { lexAbc } from '../../src/tunes/abc/lexer.ts';
import { countSymbols, createAbcTokenizer, tokenNames } from '../../src/tunes/abc/tokenizer.ts';
import { CAROUSEL, HARBOUR } from '../support/tunes/tunes.ts';

const kindsOf = (text: string) => Array.from(lexAbc(text), ({ kind, text: symbol }) => `${kind} ${symbol}`);

/** Texts of pieces that ABC knows, pieces that it does not know, and any characters at all. */
function* randomTexts(seed: number, count: number): Iterable<string> {
  const pieces = ['|:', ':|', '[1', '(3', '^c', "'", ',', '2', '/', '>', '{', '}', '"', '!', '[K:', 'M:', '\n', '\r'];
  const strange = [']', '%', '\\', '&', 'é', '夜', '🎵', '\0', '\u2028', '\ufeff', '\ufffd', ' ', 'd', 'G', '::', 'x'];
  const next = randomStream(seed);
  for (let n = 0; n < count; n++) {
    const length = Math.floor(60 * next());
    yield Array.from({ length }, () => [...pieces, ...strange][Math.floor(34 * next())]).join('');
  }
}

describe('the symbols of ABC', () => {
  it('[ABC1] are read without a rest: together they are the text', () => {
    for (const text of [CAROUSEL, HARBOUR, ...randomTexts(1, 2000)]) {
      let at = 0;
      for (const token of lexAbc(text)) {
        expect(token.at).toBe(at);
        expect(token.text).not.toBe('');
        at += token.text.length;
      }
      expect(Array.from(lexAbc(text), (token) => token.text).join('')).toBe(text);
    }
  });

  it('are told apart where they look alike', () => {
    expect(kindsOf("^c'3/2_B,//")).toEqual(["note ^c'3/2", 'note _B,//']);
    expect(kindsOf('|:A:|2B::[1c|]')).toEqual([
      'bar |:',
      'note A',
      'bar :|2',
      'note B',
      'bar ::[1',
      'note c',
      'bar |]',
    ]);
    expect(kindsOf('[CE]2[K:D](3(A')).toEqual([
      'chord-open [',
      'note C',
      'note E',
      'chord-close ]2',
      'inline-field [K:D]',
      'tuplet (3',
      'slur-open (',
      'note A',
    ]);
    expect(kindsOf('K:D\n"Am"!trill!~d>e')).toEqual([
      'field K:D',
      'newline \n',
      'text "Am"',
      'decoration !trill!',
      'decoration ~',
      'note d',
      'broken >',
      'note e',
    ]);
  });

  it('are found in hostile texts too, each only as long as a symbol may be', () => {
    for (const piece of ['[K:', '"', '!', '+a', '(3:', '[1,', '^', ',', 'z/', ':'])
      expect(Array.from(lexAbc(piece.repeat(20_000))).length).toBeGreaterThan(0);
    expect(Math.max(...Array.from(lexAbc('A'.repeat(9) + '9'.repeat(9)), ({ text }) => text.length))).toBe(5);
  });
});

describe('the tokenizer of ABC', () => {
  const symbols = countSymbols([CAROUSEL, HARBOUR], 1);
  const tokenizer = createAbcTokenizer(symbols);

  it('[ABC2] takes every text into tokens and back, with symbols that it knows or not', () => {
    for (const text of [CAROUSEL, HARBOUR, ...randomTexts(2, 2000)]) {
      const tokens = tokenizer.encode(text);
      expect(tokenizer.decode(tokens)).toBe(text);
      expect(tokens.every((token) => token > tokenizer.end && token < tokenizer.vocab)).toBe(true);
    }
  });

  it('has one token for each symbol that it knows, and bytes for others', () => {
    expect(tokenizer.encode('|:')).toEqual([tokenizer.tokenOf('|:')]);
    expect(tokenizer.tokenOf("^^c'9")).toBeNull();
    expect(tokenizer.encode("^^c'9")).toHaveLength(5);
    expect(tokenizer.encode(CAROUSEL).map((token) => tokenizer.symbolOf(token))).toEqual(
      Array.from(lexAbc(CAROUSEL), ({ text }) => text),
    );
  });

  it('names its tokens in the order of their ids', () => {
    const names = tokenNames(tokenizer);
    expect(names).toHaveLength(tokenizer.vocab);
    expect(names.slice(0, 3)).toEqual(['<start>', '<end>', '<0>']);
    expect(names.slice(258)).toEqual(symbols);
    expect(createAbcTokenizer(names.slice(258)).encode(HARBOUR)).toEqual(tokenizer.encode(HARBOUR));
  });

  it('counts symbols the most frequent first, in one order whatever the order of the tunes', () => {
    expect(countSymbols(['A B A B C', 'A'], 2)).toEqual([' ', 'A', 'B']);
    expect(countSymbols([HARBOUR, CAROUSEL], 1)).toEqual(symbols);
  });

  it('refuses a vocabulary with a symbol twice', () => {
    expect(() => createAbcTokenizer(['A', 'B', 'A'])).toThrow('twice');
  });
});
