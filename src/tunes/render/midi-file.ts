import { QUARTER_NOTE } from '../abc/ticks.ts';
import type { Performance } from './performance.ts';

/** Ticks of a quarter note in the file, which divides like those of the score. */
const DIVISION = 10_080;
const VELOCITY = 90;
const NOTE_ON = 0x90;
const NOTE_OFF = 0x80;
const MICROSECONDS = 60_000_000;

interface MidiEvent {
  at: number;
  bytes: readonly number[];
}

/** A Standard MIDI File of format 0. @param program the instrument in General MIDI, from 0 */
export function midiFile({ notes, ticks, tempo }: Performance, title: string, program: number): Uint8Array {
  const name = [...new TextEncoder().encode(title)].slice(0, 1000);
  const quarter = Math.round(MICROSECONDS / tempo);
  const events: MidiEvent[] = [
    { at: 0, bytes: [0xff, 0x03, ...variableLength(name.length), ...name] },
    { at: 0, bytes: [0xff, 0x51, 3, (quarter >> 16) & 255, (quarter >> 8) & 255, quarter & 255] },
    { at: 0, bytes: [0xc0, program] },
  ];
  const scaled = (at: number) => Math.round((at * DIVISION) / QUARTER_NOTE);
  const played = notes.flatMap(({ pitch, start, ticks: length }): MidiEvent[] => [
    { at: scaled(start), bytes: [NOTE_ON, pitch, VELOCITY] },
    { at: scaled(start + length), bytes: [NOTE_OFF, pitch, 0] },
  ]);
  // A note that ends where another begins ends first.
  played.sort((a, b) => a.at - b.at || (a.bytes[0] ?? 0) - (b.bytes[0] ?? 0));
  return assemble([
    ...events,
    ...played,
    { at: Math.max(scaled(ticks), played.at(-1)?.at ?? 0), bytes: [0xff, 0x2f, 0] },
  ]);
}

function assemble(events: readonly MidiEvent[]): Uint8Array {
  const track: number[] = [];
  let before = 0;
  for (const { at, bytes } of events) {
    track.push(...variableLength(at - before), ...bytes);
    before = at;
  }
  const header = [...ascii('MThd'), ...int32(6), 0, 0, 0, 1, DIVISION >> 8, DIVISION & 255];
  return Uint8Array.from([...header, ...ascii('MTrk'), ...int32(track.length), ...track]);
}

/** Seven bits a byte, the highest first; all but the last have the eighth bit. */
function variableLength(value: number): number[] {
  const bytes = [value & 127];
  for (let rest = value >> 7; rest > 0; rest >>= 7) bytes.unshift((rest & 127) | 128);
  return bytes;
}

const int32 = (value: number): number[] => [24, 16, 8, 0].map((shift) => (value >> shift) & 255);
const ascii = (text: string): number[] => Array.from(text, (character) => character.charCodeAt(0));
