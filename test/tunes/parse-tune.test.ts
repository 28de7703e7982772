import { describe, expect, it } from 'vitest';
import { randomStream } from '../../src/lib/random.ts';
import { exactBars } from '../../src/tunes/abc/check-bars.ts';
import { keyText, modalKey, parseKey, sharpsOf } from '../../src/tunes/abc/key.ts';
import { parseMetre } from '../../src/tunes/abc/metre.ts';
import { parseTune } from '../../src/tunes/abc/parse-tune.ts';
import { parsePitchName, pitchName } from '../../src/tunes/abc/pitch.ts';
import { playOrder } from '../../src/tunes/abc/play-order.ts';
import { fractionOf, WHOLE_NOTE } from '../../src/tunes/abc/ticks.ts';
import { checkTune } from '../../src/tunes/tunes.ts';
import { CAROUSEL, HARBOUR } from '../support/tunes/tunes.ts';

const inFour = (music: string) => `X:1\nM:4/4\nL:1/4\nK:C\n${music}\n`;
const said = (music: string) => checkTune(inFour(music)).map(({ severity, bar, message }) => [severity, bar, message]);
const lengths = (music: string) =>
  parseTune(inFour(music)).bars.map((bar) => bar.notes.map((n) => fractionOf(n.ticks)));
const pitches = (abc: string) => parseTune(abc).bars.flatMap((bar) => bar.notes.flatMap((note) => note.pitches));
const order = (music: string) => playOrder(parseTune(inFour(music)).bars).map((i) => i + 1);

describe('a tune', () => {
  it('is read with its fields, bars and notes', () => {
    const tune = parseTune(CAROUSEL);
    expect(tune).toMatchObject({ title: 'The Carousel at Dusk', rhythm: 'jig', tempo: null, problems: [] });
    expect([tune.key.tonic, tune.metre?.text, fractionOf(tune.unit)]).toEqual(['G', '6/8', '1/8']);
    expect(tune.bars).toHaveLength(18);
    expect(CAROUSEL.slice(tune.bars[2]?.from, tune.bars[2]?.to)).toBe('c>de dBG');
    expect(tune.bars[2]?.notes.map(({ ticks }) => fractionOf(ticks)).slice(0, 2)).toEqual(['3/16', '1/16']);
  });

  it('has its durations exactly', () => {
    expect(lengths('A B/ c// d3/2 e7/4|')).toEqual([['1/4', '1/8', '1/16', '3/8', '7/16']]);
    expect(lengths('(3ABc (3:2:2 A2B A>>B A<B|')[0]).toEqual([
      ...['1/6', '1/6', '1/6', '1/3', '1/6'],
      ...['7/16', '1/16', '1/8', '3/8'],
    ]);
    expect(lengths('[CEG]2 {fg}z [CE]|')[0]).toEqual(['1/2', '1/4', '1/4']);
    expect(lengths('(5ABcde Z|')[0]?.slice(4)).toEqual(['1/10', '1/1']);
  });

  it('sounds in its key, with accidentals that hold to the end of the bar in every octave', () => {
    expect(pitches('K:D\nFcf|^Gg=g|G')).toEqual([66, 73, 78, 68, 80, 79, 67]);
    expect(pitches("K:Eb\nB,EAc'")).toEqual([58, 63, 68, 84]);
    expect(pitches('K:D\nF[K:C]F')).toEqual([66, 65]);
  });

  it('is played in the order that repeats and endings ask for', () => {
    expect(order('A4|B4|')).toEqual([1, 2]);
    expect(order('|:A4|B4:|c4|d4|]')).toEqual([1, 2, 1, 2, 3, 4]);
    expect(order('A4:|:B4:|')).toEqual([1, 1, 2, 2]);
    expect(order('|:A4|1B4:|2c4||d4|')).toEqual([1, 2, 1, 3, 4]);
    expect(order('|:A4|[1,3B4:|[2c4:|[4d4|]')).toEqual([1, 2, 1, 3, 1, 2, 1, 4]);
    expect(order('|:A4|1-9B4:|')).toEqual([1, 2, 1, 2, 1, 2, 1, 2]);
    expect(order('A4|B4|:c4:|')).toEqual([1, 2, 3, 3]);
  });
});

describe('the check of a tune', () => {
  it('[ABC3] finds nothing in a tune whose bars are exact, pickups and endings included', () => {
    for (const tune of [CAROUSEL, HARBOUR]) expect(checkTune(tune)).toEqual([]);
    expect(said('A|B4|c3:|')).toEqual([]);
    expect(said('A|B4|c3:|d|e4|f3:|')).toEqual([]);
    expect(said('A|B4|1c3:|2c4|]')).toEqual([]);
    expect(said('A4|B2\nB2|')).toEqual([]);
  });

  it('[ABC3] names each problem by line, column, bar and severity', () => {
    expect(checkTune('M:6/8\nL:1/8\nK:D\nABc def|AB\n|ABc d4|]')).toEqual([
      {
        ...{ severity: 'ERROR', line: 4, column: 9, bar: 2 },
        message: 'the bar is 1/4 long, but the metre 6/8 asks for 3/4',
      },
      {
        ...{ severity: 'ERROR', line: 5, column: 2, bar: 3 },
        message: 'the bar is 7/8 long, but the metre 6/8 asks for 3/4',
      },
    ]);
    expect(said('A4|B3||c4|')[0]?.slice(0, 2)).toEqual(['WARNING', 2]);
    expect(said('A|B4|c4:|')[0]?.slice(0, 2)).toEqual(['WARNING', 1]);
  });

  it('[ABC3] says what a symbol lacks', () => {
    const cases: [string, string][] = [
      ['A3 [CE|A4|', 'this chord is not closed'],
      ['A3 (3AB|', 'lacks one note at'],
      ['A3 >|', 'needs a note behind it'],
      ['>A4|', 'needs a note before it'],
      ['A4-|- B4|', 'a tie needs a note'],
      ['(A4|', 'slur is not closed'],
      ['A4)|', 'no slur is open'],
      ['A4 = |', '"=" has no meaning'],
      ['[]A4|', 'this chord has no notes'],
      ['A4/7919|', 'cannot be written as a note'],
      ["c'''''''A3|", '"\'" has no meaning'],
      ['A4|\n\nX:2\nK:D\nA4|', 'an empty line ends the tune'],
      ['V:1\nA4|\nV:2\nB4|', 'only the first voice'],
    ];
    for (const [music, message] of cases) {
      expect(
        said(music).map((problem) => problem[2]),
        music,
      ).toContainEqual(expect.stringContaining(message));
    }
    const fields = ['M:7/0', 'M:7/3', 'L:0/8', 'Q:soon', 'K:H', 'K:G# maj'];
    for (const field of fields) expect(checkTune(`${field}\nK:C\nA8|`)[0]?.message, field).toContain('for example');
    expect(checkTune('ABc')[0]?.message).toContain('has no key');
    expect(checkTune('K:D\n')[0]?.message).toContain('no notes');
  });

  it('[ABC4] ends with any text, and says at most 200 things about it', () => {
    const pieces = [
      '|:A:|2B|1',
      '(',
      '[K:',
      '(3',
      '{',
      '"',
      ':|[1A',
      '[',
      ']',
      'V:2\n',
      '\n',
      '&',
      '🎵',
      '\0',
      '>',
      '-',
    ];
    const next = randomStream(3);
    const random = () => Array.from({ length: 2000 }, () => pieces[Math.floor(pieces.length * next())]).join('');
    for (const text of [...pieces.map((piece) => piece.repeat(1000)), ...Array.from({ length: 20 }, random)]) {
      const { problems, bars } = parseTune(`M:6/8\nK:D\n${text}`);
      expect(problems.length).toBeLessThanOrEqual(200);
      expect(exactBars(bars)).toHaveLength(bars.length);
      expect(playOrder(bars).length).toBeLessThanOrEqual(4 * bars.length);
    }
    expect(() => checkTune('A'.repeat(16_385))).toThrow('at most 16384 characters, not 16385');
  });
});

describe('keys, metres and pitches', () => {
  it('are read as people write them', () => {
    const keys = ['D', 'Am', 'E Minor', 'A Dorian', 'Bb', 'F#m', 'Dmix', 'G lyd', 'Bphr', 'C clef=bass', 'F# loc'];
    const found = keys.map((text) => parseKey(text));
    expect(found.map((key) => key && `${key.tonic} ${key.mode} ${sharpsOf(key.tonic ?? '', key.mode)}`)).toEqual([
      ...['D MAJOR 2', 'A MINOR 0', 'E MINOR 1', 'A DORIAN 1', 'Bb MAJOR -2', 'F# MINOR 3', 'D MIXOLYDIAN 1'],
      ...['G LYDIAN 2', 'B PHRYGIAN 1', 'C MAJOR 0', 'F# LOCRIAN 1'],
    ]);
    expect(parseKey('Hp')?.alterations).toEqual({ F: 1, C: 1 });
    expect(parseKey('D exp _b ^f')?.alterations).toEqual({ F: 1, C: 1, B: -1 });
    expect([parseKey('H'), parseKey('D foo'), parseKey('G# maj'), modalKey('Fb', 'MINOR')]).toEqual([
      null,
      null,
      null,
      null,
    ]);
    for (const key of found) expect(key && parseKey(keyText(key))).toEqual(key);
    expect(['6/8', 'C|', '2+3/8', 'C'].map((text) => (parseMetre(text)?.bar ?? 0) / WHOLE_NOTE)).toEqual([
      ...[0.75, 1, 0.625, 1],
    ]);
    expect(['7/0', '7/3', '99/8', '-1/8', '6:8', ''].map(parseMetre)).toEqual(Array(6).fill(null));
    expect([parsePitchName('C4'), parsePitchName('Bb3'), parsePitchName('H3'), pitchName(60)]).toEqual([
      60,
      58,
      null,
      'C4',
    ]);
  });
});
