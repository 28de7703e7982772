import { WHOLE_NOTE } from './ticks.ts';

export interface Metre {
  /** For example `6/8`. */
  readonly text: string;
  readonly beats: number;
  /** The note that counts a beat: 8 for an eighth. */
  readonly unit: number;
  /** Length of a bar, in ticks. */
  readonly bar: number;
  /** Whether beats are counted in threes: 6/8, 9/8, 12/8. */
  readonly compound: boolean;
}

const MOST_BEATS = 64;
const UNITS = [1, 2, 4, 8, 16, 32, 64];

/**
 * Reads a field's value such as `6/8`, `C|` or `2+3/8`.
 * @returns null for a free metre (`none`, or nothing) and for what is none
 */
export function parseMetre(value: string): Metre | null {
  const text = value.trim();
  if (text === 'C') return { ...metreOf(4, 4), text };
  if (text === 'C|') return { ...metreOf(2, 2), text };
  const [, over = '', under = ''] = /^\(?(\d{1,2}(?:\s*\+\s*\d{1,2}){0,8})\)?\s*\/\s*(\d{1,2})$/.exec(text) ?? [];
  const beats = over.split('+').reduce((sum, part) => sum + Number(part), 0);
  if (beats < 1 || beats > MOST_BEATS || !UNITS.includes(Number(under))) return null;
  return { ...metreOf(beats, Number(under)), text };
}

export const isFreeMetre = (value: string): boolean => /^(none)?$/i.test(value.trim());

function metreOf(beats: number, unit: number): Omit<Metre, 'text'> {
  return { beats, unit, bar: (beats * WHOLE_NOTE) / unit, compound: beats % 3 === 0 && beats > 3 && unit >= 8 };
}

/** The unit note length where no field `L:` says it: 1/16 in metres below 3/4, otherwise 1/8. */
export const usualUnit = (metre: Metre | null): number =>
  WHOLE_NOTE / (metre && metre.bar < (3 * WHOLE_NOTE) / 4 ? 16 : 8);

/** Reads the value of a field `L:`. Null if it is no unit note length. */
export function parseUnit(value: string): number | null {
  const [, over, under] = /^\s*(\d{1,2})\s*(?:\/\s*(\d{1,3}))?\s*$/.exec(value) ?? [];
  const ticks = (Number(over ?? 0) * WHOLE_NOTE) / Number(under ?? 1);
  return ticks > 0 && Number.isSafeInteger(ticks) ? ticks : null;
}
