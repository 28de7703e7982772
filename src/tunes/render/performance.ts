import { playOrder } from '../abc/play-order.ts';
import { QUARTER_NOTE } from '../abc/ticks.ts';
import type { Tune, TuneNote } from '../abc/tune.ts';

/** A note as it is played. Times are in ticks from the start. */
interface PlayedNote {
  readonly pitch: number;
  readonly start: number;
  readonly ticks: number;
}

/** A tune as it is played: with its repeats, tied notes as one, grace notes before the note that they belong to. */
export interface Performance {
  readonly notes: readonly PlayedNote[];
  readonly ticks: number;
  /** Quarter notes per minute. */
  readonly tempo: number;
}

const USUAL_TEMPO = 120;
/** Length of a grace note. It is taken from the note that follows. */
const GRACE = QUARTER_NOTE / 8;
const MOST_NOTES = 20_000;

export function perform({ bars, tempo }: Pick<Tune, 'bars' | 'tempo'>): Performance {
  const notes: { pitch: number; start: number; ticks: number }[] = [];
  /** Notes that sound on into the next one, by pitch. */
  let tied = new Map<number, (typeof notes)[number]>();
  let at = 0;
  for (const index of playOrder(bars)) {
    for (const note of bars[index]?.notes ?? []) {
      if (notes.length >= MOST_NOTES) break;
      const sounding = soundedNotes(note, at);
      notes.push(...gracesOf(note, at));
      const next = new Map<number, (typeof notes)[number]>();
      for (const played of sounding) {
        const before = tied.get(played.pitch);
        if (before) before.ticks = at + note.ticks - before.start;
        else notes.push(played);
        if (note.tied) next.set(played.pitch, before ?? played);
      }
      tied = next;
      at += note.ticks;
    }
  }
  return { notes, ticks: at, tempo: tempo ?? USUAL_TEMPO };
}

const graceLength = ({ grace, ticks }: TuneNote): number =>
  grace.length === 0 ? 0 : Math.min(GRACE, Math.floor(ticks / (2 * grace.length)));

function gracesOf(note: TuneNote, at: number): PlayedNote[] {
  const ticks = graceLength(note);
  return note.grace.map((pitch, i) => ({ pitch, start: at + i * ticks, ticks }));
}

function soundedNotes(note: TuneNote, at: number) {
  const late = graceLength(note) * note.grace.length;
  return [...new Set(note.pitches)].map((pitch) => ({ pitch, start: at + late, ticks: note.ticks - late }));
}

export const secondsOf = (ticks: number, tempo: number): number => (ticks / QUARTER_NOTE) * (60 / tempo);
