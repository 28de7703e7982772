import { uniformAt } from '../../../src/lib/random.ts';

const SCALES = ['DEFGABcd', 'GABcdefg', 'ABcdefga'];
const KEYS = ['D', 'G', 'Am'];

/** Tunes of eight bars in 6/8, each in one of three keys, some with an accidental. */
export function randomTunes(seed: number, count: number): string[] {
  return Array.from({ length: count }, (_, tune) => {
    const draw = (at: number) => uniformAt(seed, tune * 1000 + at);
    const kind = Math.floor(draw(999) * KEYS.length);
    const note = (at: number) => SCALES[kind]!.charAt(Math.floor(draw(at) * 8));
    const group = (at: number) => {
      if (draw(at + 500) < 0.2) return `${note(at)}3`;
      return `${draw(at + 501) < 0.1 ? '^' : ''}${note(at)}${note(at + 1)}${note(at + 2)}`;
    };
    const bars = Array.from({ length: 8 }, (_, bar) => `${group(bar * 6)} ${group(bar * 6 + 3)}`);
    const half = (from: number) => bars.slice(from, from + 4).join('|');
    return `X:${tune}\nT:Random\nM:6/8\nL:1/8\nK:${KEYS[kind]!}\n${half(0)}:|\n${half(4)}:|\n`;
  });
}
