import { describe, expect, it } from 'vitest';
import { InvalidInputError } from '../../src/lib/errors.ts';
import { parseTune } from '../../src/tunes/abc/parse-tune.ts';
import { planTune } from '../../src/tunes/form/compose.ts';
import type { TuneInput } from '../../src/tunes/form/settings.ts';
import { writeAtRandom } from '../support/tunes/tune-writing.ts';

const plan = (input: TuneInput, seed = 1) => planTune(input, { seed, title: 'A Title' });
const linesOf = (input: TuneInput) => plan(input).header.trimEnd().split('\n');

function refusalOf(input: TuneInput): string {
  try {
    plan(input);
  } catch (error) {
    if (error instanceof InvalidInputError) return `${error.field}: ${error.message}`;
    throw error;
  }
  return 'accepted';
}

describe('what is asked of a tune', () => {
  it('[TUNE6] is in its header', () => {
    const asked = { key: 'Bb', mode: 'DORIAN', type: 'HORNPIPE', tempo: 96, metre: '2/4' } as const;
    expect(linesOf(asked)).toEqual([...['X:1', 'T:A Title', 'R:hornpipe', 'M:2/4', 'L:1/16', 'Q:1/4=96', 'K:Bbdor']]);
  });

  it('[TUNE6] that cannot be is refused, with what would be right', () => {
    const cases: [TuneInput, string][] = [
      [{ metre: '7/0' }, 'input.tune.metre: input.tune.metre must be a metre such as 6/8'],
      [{ metre: '32/8' }, 'input.tune.metre: input.tune.metre must have bars of 1/4 to 3/2'],
      [{ metre: '4/4', type: 'JIG' }, 'of a jig is 6/8, not 4/4'],
      [{ key: 'H' }, 'must be a tonic such as D'],
      [{ key: 'G#', mode: 'MAJOR' }, 'more than seven sharps'],
      [{ form: 'ACCB' }, 'each new one the next'],
      [{ bars: 3 }, 'input.tune.bars: input.tune.bars must be 4 to 32, not 3'],
      [{ bars: 32, form: 'AABBCC' }, 'at most 21 fit into 64'],
      [{ tempo: 300 }, 'must be 40 to 240, not 300'],
      [{ density: 3 }, 'must be 0.5 to 2, not 3'],
      [{ range: { lowest: 'C4', highest: 'A4' } }, 'must span at least 11 semitones'],
      [{ range: { lowest: 'middle', highest: 'A4' } }, 'input.tune.range.lowest'],
      [{ mood: { valence: 2 } }, 'must be -1 to 1, not 2'],
      [{ mood: { words: 'purple' } }, 'must have one of these words: angry'],
      [{ startWith: 'ABc', metre: '6/8', key: 'D' }, 'has 3/8 in bar 1, and a bar in 6/8 has 3/4: add notes of 3/8'],
      [
        { startWith: 'd|ABc d4|', metre: '6/8', key: 'D' },
        'has 7/8 in bar 2, and a bar in 6/8 has 3/4: take away notes of 1/8',
      ],
      [{ startWith: 'K:D\nABc def|', metre: '6/8' }, 'must be bars without fields'],
      [{ startWith: '[ABc def|', metre: '6/8', key: 'D' }, 'has a problem in bar 1'],
      [{ startWith: 'ABc def:|ABc def|', metre: '6/8', key: 'D' }, 'plain lines'],
      [{ startWith: 'ABc def|'.repeat(8), metre: '6/8', key: 'D' }, 'at most 7 can be given'],
    ];
    for (const [input, message] of cases) expect(refusalOf(input), JSON.stringify(input)).toContain(message);
  });

  it('[TUNE7] a mood becomes mode, tempo, density and range, unless they are asked for', () => {
    const sad = plan({ type: 'JIG', mood: { words: 'sad' } });
    const wild = plan({ type: 'JIG', mood: { valence: 0.9, arousal: 0.9 } });
    expect([sad.plan.mode, wild.plan.mode]).toEqual(['MINOR', 'MAJOR']);
    expect(sad.header).toContain('Q:1/4=115\n');
    expect(wild.header).toContain('Q:3/8=132\n');
    expect(sad.plan.notesPerWhole).toBeLessThan(wild.plan.notesPerWhole ?? 0);
    expect(sad.plan.high).toBeLessThan(wild.plan.high);
    const own = plan({ type: 'JIG', mood: { words: 'sad' }, mode: 'LYDIAN', tempo: 100, density: 2 });
    expect([own.plan.mode, own.header.includes('Q:1/4=100')]).toEqual(['LYDIAN', true]);
  });

  it('[TUNE8] the first bars are those that are given, their pickup included', () => {
    const task = plan({ startWith: 'D | GBd gdB |\nc>de dBG|', type: 'JIG', key: 'G', mode: 'MAJOR' });
    const { abc } = writeAtRandom(task, 5);
    expect(abc.slice(task.header.length)).toMatch(/^D\|GBd gdB\|c>de dBG\|/);
    expect(parseTune(abc).problems).toEqual([]);
  });
});
