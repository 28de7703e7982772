import type { Tune, TuneBar, TuneNote } from '../abc/tune.ts';
import { positionInBar, strengthAt } from './beats.ts';

/** What one syllable is sung on: a note, and those that it is held over. */
export interface SungNote {
  /** Index of its bar. */
  bar: number;
  /** Positions in the text of its notes. */
  notes: number[];
  /** The highest pitch of each: of a chord the upper note is sung. */
  pitches: number[];
  /** Ticks from the tune's start, in the order written, and those that it sounds. */
  time: number;
  ticks: number;
  /** Its position in the bar. */
  position: number;
  /** How strong that is. Null in a free metre. */
  strength: number | null;
  /** Ticks of the rests behind it. */
  rest: number;
}

/** The notes of a tune as a voice sings them: ties and slurs hold a syllable, and rests and grace notes have none. */
export function readMelody({ bars }: Tune): SungNote[] {
  const sung: SungNote[] = [];
  let time = 0;
  let before: TuneNote | null = null;
  bars.forEach((bar, index) => {
    bar.notes.forEach((note, i) => {
      const at = bar.places[i] ?? bar.from;
      const last = sung.at(-1);
      if (note.pitches.length === 0) {
        if (last) last.rest += note.ticks;
      } else if (last && isHeld(note, before)) hold(last, note, at);
      else sung.push({ ...beginning(note, bar), bar: index, notes: [at], time: time + note.start });
      before = note;
    });
    time += bar.ticks;
  });
  return sung;
}

function beginning({ pitches, ticks, start }: TuneNote, bar: TuneBar): Omit<SungNote, 'bar' | 'notes' | 'time'> {
  const position = positionInBar(bar, start);
  const strength = bar.metre && strengthAt(position, bar.metre);
  return { pitches: [Math.max(...pitches)], ticks, position, strength, rest: 0 };
}

/** A slur holds over a rest no more than a voice does. */
function isHeld({ pitches, slurred }: TuneNote, before: TuneNote | null): boolean {
  if (!before || before.pitches.length === 0) return false;
  return slurred || (before.tied && pitches.some((pitch) => before.pitches.includes(pitch)));
}

function hold(sung: SungNote, note: TuneNote, at: number): void {
  sung.notes.push(at);
  sung.pitches.push(Math.max(...note.pitches));
  sung.ticks += note.ticks;
}
