import { describe, expect, it } from 'vitest';
import { intervalsOf } from '../../src/tunes/corpus/near-copies.ts';
import { measureTune, obeysHeader } from '../../src/tunes/evaluate/measure-tune.ts';
import { divergence, summariseTunes } from '../../src/tunes/evaluate/summary.ts';
import { randomTunes } from '../support/tunes/random-tunes.ts';
import { CAROUSEL, HARBOUR } from '../support/tunes/tunes.ts';

describe('what is measured of tunes', () => {
  it('[TUNES1] bars that are exact, bars that are distinct, and the last note', () => {
    expect(measureTune(HARBOUR)).toMatchObject({ bars: 9, exactBars: 9, distinctBars: 9, endsOnTonic: true });
    const repeated = 'M:2/4\nL:1/8\nK:Am\nABcd|ABc d|ABcd e|e2d2|]';
    expect(measureTune(repeated)).toMatchObject({ bars: 4, exactBars: 3, distinctBars: 3, endsOnTonic: false });
    expect(measureTune('M:2/4\nL:1/8\nK:Bb\nB2d2|F2B2|]').degrees).toEqual([0, 4, 7, 0]);
  });

  it('[TUNES1] whether key, mode and metre are those asked for, in the fields and in the notes', () => {
    const asked = { key: 'G', mode: 'MAJOR' as const, metre: '6/8' };
    expect(obeysHeader(CAROUSEL, asked)).toBe(true);
    expect(obeysHeader(CAROUSEL, { ...asked, key: 'D' })).toBe(false);
    expect(obeysHeader(CAROUSEL, { ...asked, mode: 'DORIAN' })).toBe(false);
    expect(obeysHeader(CAROUSEL, { ...asked, metre: '9/8' })).toBe(false);
    expect(obeysHeader('M:6/8\nL:1/8\nK:G\n^G^A^c ^d=f^G|^A3 ^c3|]', asked)).toBe(false);
  });

  it('[TUNES1] copies of 32 notes from tunes that may not be copied, and the longest', () => {
    const [known = '', other = ''] = randomTunes(9, 2);
    const found = summariseTunes([known, other], [intervalsOf(measureTune(known).melody)], [known, other]);
    expect(found).toMatchObject({ tunes: 2, copiedOver32: 1, longestCopy: measureTune(known).melody.length });
    expect(found.degreeDivergence).toBeCloseTo(0, 10);
  });

  it('[TUNES1] a divergence is 0 for one distribution and 1 for two that share nothing', () => {
    expect(divergence([1, 2, 2], [2, 1, 2, 2, 2, 1])).toBeCloseTo(0, 10);
    expect(divergence([1, 2], [3, 4])).toBeCloseTo(1, 10);
    expect(divergence([0, 0], [0, 1])).toBeCloseTo(0.3113, 4);
  });
});
