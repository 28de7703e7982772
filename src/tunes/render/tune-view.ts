import { exactBars } from '../abc/check-bars.ts';
import type { Mode } from '../abc/key.ts';
import { parseTune } from '../abc/parse-tune.ts';
import { pitchName } from '../abc/pitch.ts';
import type { TuneProblem } from '../abc/problems.ts';
import { fractionOf } from '../abc/ticks.ts';
import type { TuneBar } from '../abc/tune.ts';
import { perform, secondsOf } from './performance.ts';

/** A tune as clients read it. It may be unfinished. */
export interface TuneView {
  abc: string;
  title: string;
  key: string | null;
  mode: Mode;
  metre: string | null;
  form: string;
  tempo: number;
  duration: number;
  bars: readonly TuneBarView[];
  notes: readonly TuneNoteView[];
  problems: readonly TuneProblem[];
}

interface TuneBarView {
  number: number;
  abc: string;
  length: string;
  exact: boolean;
}

interface TuneNoteView {
  pitch: string;
  midi: number;
  start: number;
  duration: number;
}

/** At most 16,384 characters are read. */
export function readTuneView(abc: string): TuneView {
  const tune = parseTune(abc);
  const played = perform(tune);
  const exact = exactBars(tune.bars);
  const seconds = (ticks: number) => secondsOf(ticks, played.tempo);
  return {
    ...{ abc, title: tune.title, key: tune.key.tonic, mode: tune.key.mode, metre: tune.metre?.text ?? null },
    ...{ form: formOf(tune.bars, abc), tempo: played.tempo, duration: seconds(played.ticks) },
    bars: tune.bars.map(({ number, from, to, ticks }, i) => {
      return { number, abc: abc.slice(from, to), length: fractionOf(ticks), exact: exact[i] ?? false };
    }),
    notes: played.notes.map(({ pitch, start, ticks }) => {
      return { pitch: pitchName(pitch), midi: pitch, start: seconds(start), duration: seconds(ticks) };
    }),
    problems: tune.problems,
  };
}

/** Sections by letters: equal ones have equal bars, and a repeated one counts twice. */
function formOf(bars: readonly TuneBar[], abc: string): string {
  const letters = new Map<string, string>();
  return sectionsOf(bars)
    .map((section) => {
      const text = section.map(({ from, to }) => abc.slice(from, to)).join('|');
      const letter = letters.get(text) ?? String.fromCharCode(65 + Math.min(25, letters.size));
      letters.set(text, letter);
      return letter.repeat(section.some(({ closing }) => closing.ends) ? 2 : 1);
    })
    .join('');
}

function sectionsOf(bars: readonly TuneBar[]): TuneBar[][] {
  const sections: TuneBar[][] = [];
  let section: TuneBar[] = [];
  bars.forEach((bar, i) => {
    section.push(bar);
    const next = bars[i + 1];
    const isPickup = section.length === 1 && bar.ticks < (bar.metre?.bar ?? 0);
    if (next && (!bar.closing.section || isPickup || next.opening.endings.length > 0)) return;
    sections.push(section);
    section = [];
  });
  return sections;
}
