import { describe, expect, it } from 'vitest';
import { exactBars } from '../../src/tunes/abc/check-bars.ts';
import { parseTune } from '../../src/tunes/abc/parse-tune.ts';
import { createAbcTokenizer } from '../../src/tunes/abc/tokenizer.ts';
import type { TuneBar } from '../../src/tunes/abc/tune.ts';
import { FillTable } from '../../src/tunes/decoding/fill-table.ts';
import { TuneConstraint } from '../../src/tunes/decoding/tune-constraint.ts';
import { planTune } from '../../src/tunes/form/compose.ts';
import type { TuneInput } from '../../src/tunes/form/settings.ts';
import { allowedBy, table, tokenizer, writeAtRandom, writeStubbornly } from '../support/tunes/tune-writing.ts';

const TUNES = 200;
const asked: readonly TuneInput[] = [
  {},
  { type: 'JIG', key: 'G', mode: 'MAJOR' },
  { metre: '5/4', density: 1.5 },
  { metre: '9/8', mode: 'DORIAN', form: 'AABA' },
  { metre: '2/4', density: 0.6, range: { lowest: 'D4', highest: 'D5' } },
  { form: 'ABAC', bars: 4, mode: 'MINOR', key: 'F#' },
  { type: 'REEL', bars: 16, key: 'D', mode: 'MIXOLYDIAN' },
  { mood: { words: 'sad and wistful' } },
  { metre: '7/8', form: 'AABBCC', bars: 5 },
  { key: 'Eb', mode: 'MAJOR', metre: '3/4', density: 2 },
];
const written = Array.from({ length: TUNES }, (_, seed) => {
  const input = asked[seed % asked.length] ?? {};
  const task = planTune(input, { seed, title: `Number ${seed}` });
  const { abc, tokens } = writeAtRandom(task, seed);
  return { input, task, abc, tokens, tune: parseTune(abc) };
});

const soundOf = ({ notes }: TuneBar) => JSON.stringify(notes);
const sounding = ({ bars }: { bars: readonly TuneBar[] }) => bars.flatMap((bar) => bar.notes.flatMap((n) => n.pitches));

describe('a tune that is kept to its plan, by a model that knows nothing', () => {
  it('[TUNE1] has every bar exact, in 200 of 200', () => {
    for (const { tune, abc } of written) {
      expect(tune.problems, abc).toEqual([]);
      expect(exactBars(tune.bars), abc).toEqual(tune.bars.map(() => true));
    }
  });

  it('[TUNE1] has the key, the metre and the range that are asked for', () => {
    for (const { tune, task, input, abc } of written) {
      if (input.key != null) expect(tune.key.tonic, abc).toBe(input.key);
      if (input.mode != null) expect(tune.key.mode, abc).toBe(input.mode);
      if (input.metre != null) expect(tune.metre?.text, abc).toBe(input.metre);
      expect(Math.min(...sounding(tune)), abc).toBeGreaterThanOrEqual(task.plan.low);
      expect(Math.max(...sounding(tune)), abc).toBeLessThanOrEqual(task.plan.high);
    }
  });

  it('[TUNE2] has the bars of its form, and those that return are copies', () => {
    for (const { tune, task, abc } of written) {
      expect(tune.bars, abc).toHaveLength(task.plan.bars.length);
      task.plan.bars.forEach(({ returns, ticks }, i) => {
        const source = returns && tune.bars[returns.bar];
        const same = source && tune.bars[i] && soundOf(tune.bars[i]) === soundOf(source);
        if (source?.ticks === ticks && returns?.ticks === ticks) expect(same, `${i} of ${abc}`).toBe(true);
      });
    }
    const bars = written.flatMap(({ tune }) => [...tune.bars]);
    const distinct = written.reduce((sum, { tune }) => sum + new Set(tune.bars.map(soundOf)).size, 0);
    expect(distinct / bars.length).toBeGreaterThan(0.68);
    expect(distinct / bars.length).toBeLessThan(0.8);
  });

  it('[TUNE2] has new bars where none returns, even if the model would write the same bar again', () => {
    for (let seed = 0; seed < 10; seed++) {
      const task = planTune({ type: 'JIG' }, { seed, title: 'Stubborn' });
      const { bars } = parseTune(writeStubbornly(task).abc);
      const fresh = bars.filter((bar, i) => task.plan.bars[i]?.returns === null && bar.ticks === bar.metre?.bar);
      expect(new Set(fresh.map(soundOf)).size).toBe(fresh.length);
    }
  });

  it('[TUNE3] ends on the tonic', () => {
    for (const { tune, abc, input } of written) {
      const last = tune.bars.at(-1)?.notes.findLast(({ pitches }) => pitches.length > 0)?.pitches[0] ?? -1;
      const tonic = parseTune(`K:${tune.key.tonic}\n${tune.key.tonic?.slice(0, 1)}|`).bars[0]?.notes[0]?.pitches[0];
      if (!input.startWith) expect(last % 12, abc).toBe((tonic ?? 0) % 12);
    }
  });

  it('[TUNE4] has the average of notes that is asked for, within a tenth', () => {
    const dense = written.filter(({ task }) => task.plan.notesPerWhole !== null);
    expect(dense.length).toBeGreaterThan(20);
    for (const { tune, task, abc } of dense) {
      const notes = tune.bars.flatMap((bar) => bar.notes).filter(({ pitches }) => pitches.length > 0).length;
      const wholes = tune.bars.reduce((sum, { ticks }) => sum + ticks, 0) / 967_680;
      const share = notes / wholes / (task.plan.notesPerWhole ?? 1);
      expect(Math.abs(share - 1), abc).toBeLessThan(0.1);
    }
  });

  it('[TUNE5] is the same for the same seed, and goes on in the same way from any place', () => {
    for (const seed of [0, 7, 13]) {
      const task = planTune({}, { seed, title: 'Again' });
      expect(planTune({}, { seed, title: 'Again' })).toEqual(task);
      const { tokens } = writeAtRandom(task, seed);
      const first = new TuneConstraint(task.plan, table);
      tokens.forEach((token, i) => {
        if (i % 9 === 0) {
          const resumed = new TuneConstraint({ ...task.plan, written: tokenizer.decode(tokens.slice(0, i)) }, table);
          expect(allowedBy(resumed)).toEqual(allowedBy(first));
        }
        expect(allowedBy(first)).toContain(token);
        first.accept(token);
      });
      expect(allowedBy(first)).toEqual([tokenizer.end]);
    }
  });

  it('refuses a model that has no notes for the plan', () => {
    const { plan } = planTune({ range: { lowest: 'C2', highest: 'C3' } }, { seed: 1, title: 'Low' });
    expect(() => new TuneConstraint(plan, table)).toThrow('no notes in this key and range');
    const few = createAbcTokenizer(['A', '|']);
    const bytesOnly = { ...few, ends: new Set([few.end]) };
    expect(() => new TuneConstraint({ ...plan, low: 57, high: 83, tonic: 'D', unit: 1 }, bytesOnly)).toThrow(
      'no notes',
    );
  });
});

describe('the table of what fills a bar', () => {
  it('has the numbers of notes that together are a length, and whose last one is allowed', () => {
    const fill = new FillTable([1, 2, 3], [2], 6);
    const numbers = (ticks: number) =>
      Array.from({ length: 8 }, (_, n) => n).filter((n) => (fill.counts(ticks) >> n) & 1);
    expect([numbers(0), numbers(1), numbers(2), numbers(3), numbers(6)]).toEqual([[0], [], [1], [2], [3, 4, 5]]);
  });
});
