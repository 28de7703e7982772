import { describe, expect, it } from 'vitest';
import { randomStream } from '../../../src/lib/random.ts';
import { type Shown, TextStream } from '../../../src/ml/text/text-stream.ts';
import { Utf8Stream } from '../../../src/ml/text/utf8-stream.ts';

const textOf = (shown: readonly Shown<number>[]): string => shown.map(({ text }) => text).join('');

/** Cuts bytes into pieces of 1 to 4, and now and then an empty one, as tokens do. */
function cut(bytes: Uint8Array, random: () => number): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let from = 0; from < bytes.length;) {
    const size = Math.floor(random() * 5);
    pieces.push(bytes.subarray(from, from + size));
    from += size;
  }
  return pieces;
}

describe('UTF-8 in pieces', () => {
  it('[GEN6] decodes characters when they are complete, however they are split', () => {
    const random = randomStream(1);
    const text = 'a é 夜 🎵 👩‍👩‍👧 \u{10FFFF} \uFEFF ß';
    for (let round = 0; round < 300; round++) {
      const stream = new Utf8Stream();
      const pieces = cut(new TextEncoder().encode(text), random).map((piece) => stream.push(piece));
      expect(pieces.join('')).toBe(text);
      expect(pieces.some((piece) => piece.includes('\uFFFD'))).toBe(false);
      expect(stream.flush()).toBe('');
    }
  });

  it('[GEN6] agrees with the WHATWG decoder on any bytes', () => {
    const random = randomStream(2);
    const leads = [0x41, 0x80, 0xa0, 0xbf, 0xc0, 0xc3, 0xe0, 0xe4, 0xed, 0xef, 0xf0, 0xf1, 0xf4, 0xf5, 0xff];
    for (let round = 0; round < 5000; round++) {
      const bytes = Uint8Array.from({ length: 12 }, () => leads[Math.floor(random() * leads.length)]!);
      const stream = new Utf8Stream();
      const reference = new TextDecoder('utf-8', { ignoreBOM: true });
      for (const piece of cut(bytes, random)) {
        const expected = reference.decode(piece, { stream: true });
        expect(stream.peek(piece)).toBe(expected);
        expect(stream.push(piece)).toBe(expected);
      }
      expect(stream.flush()).toBe(reference.decode());
    }
  });

  it('[GEN6] ends an incomplete character with one U+FFFD', () => {
    const stream = new Utf8Stream();
    expect(stream.push(Uint8Array.of(0x61, 0xf0, 0x9f, 0x8e))).toBe('a');
    expect(stream.pendingBytes).toBe(3);
    expect(stream.flush()).toBe('\uFFFD');
  });
});

it('[GEN6] shows U+0000 as U+FFFD, when peeking too', () => {
  const stream = new Utf8Stream();
  expect(stream.peek(Uint8Array.of(0x61, 0))).toBe('a\uFFFD');
  expect(stream.push(Uint8Array.of(0, 0x61, 0))).toBe('\uFFFDa\uFFFD');
});

describe('text stream', () => {
  const encode = (text: string) => new TextEncoder().encode(text);

  it('[GEN6] gives the text of a character to the token that completes it', () => {
    const stream = new TextStream<number>([]);
    const bytes = encode('é夜');
    expect(stream.push(0, bytes.subarray(0, 1))).toEqual([]);
    expect(stream.push(1, bytes.subarray(1, 3))).toEqual([{ item: 0, text: '' }]);
    expect(stream.push(2, bytes.subarray(3))).toEqual([
      { item: 1, text: 'é' },
      { item: 2, text: '夜' },
    ]);
  });

  it('[GEN7] holds back what could begin a stop string, and shows it if it does not', () => {
    const stream = new TextStream<number>(['###']);
    expect(stream.push(0, encode('a#'))).toEqual([]);
    expect(textOf(stream.push(1, encode('#b')))).toBe('a##b');
    expect(textOf(stream.push(2, encode('c##')))).toBe('');
    expect(textOf(stream.push(3, encode('#d')))).toBe('c');
    expect(stream.stopped).toBe(true);
    expect(stream.push(4, encode('more'))).toEqual([]);
    expect(stream.flush()).toEqual([]);
  });

  it('[GEN7] shows at the end what was held back', () => {
    const stream = new TextStream<number>(['###']);
    stream.push(0, encode('a##'));
    expect(stream.flush()).toEqual([{ item: 0, text: 'a##' }]);
  });

  it('[GEN7] never shows any of a stop string, and everything else exactly once', () => {
    const random = randomStream(4);
    const alphabet = ['a', 'b', 'é', '夜', '🎵'];
    const word = (longest: number) =>
      Array.from({ length: 1 + Math.floor(random() * longest) }, () => alphabet[Math.floor(random() * 5)]).join('');
    for (let round = 0; round < 2000; round++) {
      const stop = Array.from({ length: Math.floor(random() * 4) }, () => word(4));
      const pieces = cut(encode(word(30)), random);
      const expected = referenceText(pieces, stop);
      const stream = new TextStream<number>(stop);
      const shown: Shown<number>[] = [];
      for (const [i, piece] of pieces.entries()) {
        shown.push(...stream.push(i, piece));
        expect(expected.startsWith(textOf(shown))).toBe(true);
        if (stream.stopped) break;
      }
      shown.push(...stream.flush());
      expect(textOf(shown)).toBe(expected);
      expect(shown.map(({ item }) => item)).toEqual(shown.map((_, i) => i));
    }
  });

  it('[GEN9] continues after a replay as without an interruption, wherever that was', () => {
    const random = randomStream(6);
    const stop = ['bb夜', 'aé'];
    for (let round = 0; round < 200; round++) {
      const letters = Array.from({ length: 20 }, () => ['a', 'b', '夜', 'é'][Math.floor(random() * 4)]).join('');
      const pieces = cut(encode(letters), random);
      const whole = run(pieces, stop, 0);
      for (let done = 0; done <= whole.length; done++) {
        expect([...whole.slice(0, done), ...run(pieces, stop, done)]).toEqual(whole);
      }
    }
  });

  function run(pieces: readonly Uint8Array[], stop: readonly string[], replayed: number): Shown<number>[] {
    const stream = new TextStream<number>(stop);
    pieces.slice(0, replayed).forEach((piece, i) => stream.replay(i, piece));
    const shown = pieces.slice(replayed).flatMap((piece, i) => stream.push(replayed + i, piece));
    return [...shown, ...stream.flush()];
  }

  /** The text up to the first stop string that a piece completes. */
  function referenceText(pieces: readonly Uint8Array[], stop: readonly string[]): string {
    const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
    let text = '';
    for (const piece of pieces) {
      text += decoder.decode(piece, { stream: true });
      const places = stop.map((one) => text.indexOf(one)).filter((place) => place !== -1);
      if (places.length > 0) return text.slice(0, Math.min(...places));
    }
    return text + decoder.decode();
  }
});
