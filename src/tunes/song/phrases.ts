import type { Tune, TuneBar } from '../abc/tune.ts';
import type { SungNote } from './melody.ts';

/** Notes of a phrase: those that are sung in one breath, as one line of words. */
export type Phrase = readonly SungNote[];

/** Syllables of a line: at most, and what is usual; a phrase is as long as one, two or four bars. */
const MOST = 16;
const [USUAL, SPREAD] = [8, 4];
const FEWEST = 3;
const USUAL_BARS = [1, 2, 4];
/** What speaks for a breath: a rest, a long note, the end of a line as the tune is written, the same place in the bar. */
const WEIGHTS = { rest: 3, length: 1.5, line: 1, place: 1.5, few: 4, bars: 1.5 };

/**
 * The sections of a tune, and their phrases. Breaths are where they cost least in sum: behind long notes and rests, at the
 * same place of the bar as the section's beginning, and so that lines are as long as lines of songs.
 */
export function phrasesOf(tune: Tune, melody: readonly SungNote[], text: string): Phrase[][] {
  return sectionsOf(tune.bars, melody).map((pieces) => pieces.flatMap((piece) => breathe(piece, tune.bars, text)));
}

/** The notes of each section, in the pieces that a breath must divide: another ending is not sung on from the one before. */
function sectionsOf(bars: readonly TuneBar[], melody: readonly SungNote[]): SungNote[][][] {
  const sections: SungNote[][][] = [];
  let pieces: SungNote[][] = [];
  let piece: SungNote[] = [];
  melody.forEach((note, i) => {
    piece.push(note);
    const next = melody[i + 1];
    const bound = next ? boundBetween(bars, note.bar, next.bar, piece.length + pieces.length) : 'SECTION';
    if (bound === null) return;
    pieces.push(piece);
    piece = [];
    if (bound === 'ENDING') return;
    sections.push(pieces);
    pieces = [];
  });
  return sections;
}

function boundBetween(
  bars: readonly TuneBar[],
  from: number,
  to: number,
  sungBefore: number,
): 'SECTION' | 'ENDING' | null {
  for (let i = from; i < to; i++) {
    const { closing, opening, ticks, metre } = bars[i] ?? {};
    const endings = bars[i + 1]?.opening.endings ?? [];
    if (endings.some((pass) => pass > 1)) return 'ENDING';
    const isPickup = opening?.section && metre && (ticks ?? 0) < metre.bar && sungBefore <= 2;
    if (closing?.section && endings.length === 0 && !isPickup) return 'SECTION';
  }
  return null;
}

/** Divides a piece so that the sum of its phrases' costs is least. */
function breathe(piece: readonly SungNote[], bars: readonly TuneBar[], text: string): Phrase[] {
  const usual = median(piece.map(({ ticks }) => ticks));
  const best: { cost: number; from: number }[] = [{ cost: 0, from: 0 }];
  for (let end = 1; end <= piece.length; end++) {
    let found = { cost: Infinity, from: 0 };
    for (let from = Math.max(0, end - MOST); from < end; from++) {
      const cost = (best[from]?.cost ?? 0) + phraseCost(piece.slice(from, end), bars) - reward(end);
      if (cost < found.cost) found = { cost, from };
    }
    best.push(found);
  }
  const phrases: Phrase[] = [];
  for (let end = piece.length; end > 0; end = best[end]?.from ?? 0) phrases.unshift(piece.slice(best[end]?.from, end));
  return phrases;

  function reward(end: number): number {
    const [last, next, first] = [piece[end - 1], piece[end], piece[0]];
    if (!last || !next || !first) return 0;
    const long = Math.max(-1, Math.min(2, Math.log2((last.ticks + last.rest) / usual)));
    const newLine = text.slice(last.notes.at(-1), next.notes[0]).includes('\n');
    return (
      (last.rest > 0 ? WEIGHTS.rest : 0) +
      WEIGHTS.length * long +
      (newLine ? WEIGHTS.line : 0) +
      (next.position === first.position ? WEIGHTS.place : 0)
    );
  }
}

function phraseCost(phrase: Phrase, bars: readonly TuneBar[]): number {
  const [first, last] = [phrase[0], phrase.at(-1)];
  const bar = bars[first?.bar ?? 0]?.metre?.bar;
  const length = bar && first && last ? (last.time + last.ticks + last.rest - first.time) / bar : null;
  const fromUsual = length === null ? 0 : Math.min(...USUAL_BARS.map((count) => Math.abs(length - count)));
  return (
    ((phrase.length - USUAL) / SPREAD) ** 2 +
    (phrase.length < FEWEST ? WEIGHTS.few : 0) +
    WEIGHTS.bars * Math.min(2, fromUsual)
  );
}

const median = (numbers: readonly number[]): number => numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? 1;
