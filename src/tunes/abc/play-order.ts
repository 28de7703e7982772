import type { TuneBar } from './tune.ts';

/** A section is played at most this often, whatever its endings say. */
const MOST_PASSES = 4;

/**
 * The bars in the order in which they are played, as indices: repeated sections twice, or as often as they have
 * endings; of the endings the one of each pass. What words say (`D.C.`) is not followed.
 */
export function playOrder(bars: readonly TuneBar[]): number[] {
  const order: number[] = [];
  for (let start = 0; start < bars.length;) {
    const end = sectionEnd(bars, start);
    const section = Array.from({ length: end - start }, (_, i) => start + i);
    for (let pass = 1; pass <= passesOf(bars, section); pass++) order.push(...playedInPass(bars, section, pass));
    start = end;
  }
  return order;
}

/** The end of the section that begins at a bar: behind its repeat and endings, or before the next repeated section. */
function sectionEnd(bars: readonly TuneBar[], start: number): number {
  let repeated = false;
  for (let i = start; i < bars.length; i++) {
    const { opening, closing } = bars[i] ?? {};
    if (i > start && opening?.starts && !bars[i - 1]?.closing.ends) return i;
    repeated ||= closing?.ends ?? false;
    const goesOn = bars[i + 1]?.opening.endings.some((pass) => pass > 1) ?? false;
    if (repeated && closing?.section && !goesOn) return i + 1;
  }
  return bars.length;
}

function passesOf(bars: readonly TuneBar[], section: readonly number[]): number {
  const endings = section.flatMap((i) => bars[i]?.opening.endings ?? []);
  const repeated = section.some((i) => bars[i]?.closing.ends);
  return Math.min(MOST_PASSES, Math.max(repeated ? 2 : 1, ...endings));
}

function playedInPass(bars: readonly TuneBar[], section: readonly number[], pass: number): number[] {
  let endings: readonly number[] = [];
  return section.filter((i) => {
    const opened = bars[i]?.opening.endings ?? [];
    if (opened.length > 0) endings = opened;
    return endings.length === 0 || endings.includes(pass);
  });
}
