import { playOrder } from './play-order.ts';
import type { ProblemList } from './problems.ts';
import { fractionOf } from './ticks.ts';
import type { TuneBar } from './tune.ts';

/**
 * Which bars are as long as the metre says. A bar may be in two parts around the line where a section begins or ends, as
 * it is with a pickup: then the parts that are played one after the other must be a bar together. Before the first bar
 * anything may be missing, and behind the last one what the pickup has.
 */
export function exactBars(bars: readonly TuneBar[]): boolean[] {
  const whole = bars.map(({ metre, ticks }) => metre === null || ticks === metre.bar);
  const fits = bars.map((bar, i) => !whole[i] && isPart(bar) && isAtSection(bar));
  const order = playOrder(bars);
  order.forEach((before, i) => {
    const after = order[i + 1] ?? order[0] ?? 0;
    const [left, right] = [bars[before], bars[after]];
    if (!left?.metre || !right) return;
    if (partOf(left) + partOf(right) === left.metre.bar) return;
    if (isPart(left) && !isPickup(left)) fits[before] = false;
    if (isPart(right) && isPickup(right) && i + 1 < order.length) fits[after] = false;
  });
  return bars.map((_, i) => (whole[i] ?? false) || (fits[i] ?? false));
}

const isPart = ({ metre, ticks }: TuneBar): boolean => metre !== null && ticks < metre.bar;
/** A bar between two such lines is one too, unless an ending begins there. */
const isPickup = ({ opening }: TuneBar): boolean => opening.section && opening.endings.length === 0;
const partOf = (bar: TuneBar): number => (isPart(bar) ? bar.ticks : 0);

const isAtSection = ({ opening, closing }: TuneBar): boolean => opening.section || closing.section;

/** Says which bars are too long or too short. */
export function checkBars(bars: readonly TuneBar[], problems: ProblemList): void {
  const exact = exactBars(bars);
  bars.forEach((bar, i) => {
    const { metre, ticks, number, from } = bar;
    if (exact[i] || !metre) return;
    const [is, should] = [fractionOf(ticks), fractionOf(metre.bar)];
    const message = `the bar is ${is} long, but the metre ${metre.text} asks for ${should}`;
    if (ticks > metre.bar || !isAtSection(bar)) problems.add('ERROR', message, from, number);
    else problems.add('WARNING', `${message}, and what is played next does not complete it`, from, number);
  });
}
