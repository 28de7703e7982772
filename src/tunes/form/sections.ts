import { returningBars, sharedEnd } from './patterns.ts';
import type { BarPlan, TunePlan } from './plan.ts';

export interface SectionsToPlan {
  /** Letters, for example `AABB`. */
  form: string;
  /** Bars in each section, its pickup left out. */
  bars: number;
  /** Length of a bar, in ticks. */
  bar: number;
  /** Length of the pickup, in ticks; 0 for none. */
  pickup: number;
  /** Random numbers in [0, 1). */
  draw: () => number;
}

/** A section that is written once: two equal letters in a row are one with a repeat. */
interface Run {
  letter: string;
  repeated: boolean;
  /** No other section has its letter. */
  only: boolean;
}

const LINE_BARS = 4;
/** Of the sections that are repeated, so many have endings in the tunes that `patterns.ts` counts. */
const WITH_ENDINGS = 0.1;
/** So many sections but the last end on the tonic; with the last one, people's tunes do so in 81 of 100. */
const CLOSING = 0.7;
const SAME_PICKUP = 0.5;

/** The bars of a tune in a form: what returns, what ends on the tonic, and all bar lines. */
export function planSections(wanted: SectionsToPlan): Pick<TunePlan, 'bars' | 'ending'> {
  const builder = new SectionBuilder(wanted);
  const runs = runsOf(wanted.form);
  runs.forEach((run, i) => builder.add(run, i === runs.length - 1));
  return builder.plan();
}

/** The number of bars that are written for a form, pickups and second endings left out. */
export const writtenBars = (form: string, bars: number): number => runsOf(form).length * bars;

function runsOf(form: string): Run[] {
  const pairs = form.match(/(.)\1|./g) ?? [];
  return pairs.map((pair) => {
    const letter = pair.slice(0, 1);
    const only = pairs.filter((other) => other.startsWith(letter)).length === 1;
    return { letter, repeated: pair.length === 2, only };
  });
}

class SectionBuilder {
  readonly #wanted: SectionsToPlan;
  readonly #bars: BarPlan[] = [];
  /** The first bar of each letter's section, its pickup included. */
  readonly #starts = new Map<string, number>();
  /** The bar line that ends the section before; empty before the first one, which is repeated from the tune's start. */
  #closing = '';

  constructor(wanted: SectionsToPlan) {
    this.#wanted = wanted;
  }

  add(run: Run, last: boolean): void {
    const before = this.#lineBefore(run);
    const earlier = this.#starts.get(run.letter);
    const from = this.#bars.length;
    if (earlier === undefined) this.#addNew(before, last);
    else this.#addAgain(before, earlier, last);
    this.#starts.set(run.letter, earlier ?? from);
    const endings = earlier === undefined && run.repeated && run.only && this.#wanted.draw() < WITH_ENDINGS;
    if (endings) this.#addEndings(from);
    this.#closing = run.repeated && !endings ? ':|' : last ? '|]' : '||';
  }

  /** As players write it: a repeat leads back to the one before it, so only what follows a plain line says where. */
  #lineBefore({ repeated }: Run): string {
    if (this.#closing === '') return '';
    return repeated && this.#closing === '||' ? '|:\n' : `${this.#closing}\n`;
  }

  plan(): Pick<TunePlan, 'bars' | 'ending'> {
    return { bars: withClosingSources(this.#bars), ending: this.#closing };
  }

  /** The number of bars of a section, its pickup included. */
  get #length(): number {
    return this.#wanted.bars + this.#pickups;
  }

  get #pickups(): number {
    return this.#wanted.pickup > 0 ? 1 : 0;
  }

  #addNew(before: string, last: boolean): void {
    const { bars, pickup, bar, draw } = this.#wanted;
    const first = this.#bars.length === 0;
    const start = this.#bars.length + this.#pickups;
    if (pickup > 0) this.#addPickup(before);
    const shared = first ? 0 : Math.min(sharedEnd(draw), bars - 1);
    const closes = last || draw() < CLOSING;
    returningBars(bars, draw).forEach((earlier, i) => {
      const isLast = i === bars - 1;
      const ticks = isLast ? bar - pickup : bar;
      const source = i >= bars - shared ? this.#pickups + i : earlier === null ? null : start + earlier;
      const lines = i === 0 ? (pickup > 0 ? '|' : before) : i % LINE_BARS === 0 ? '|\n' : '|';
      const returns = source === null ? null : { bar: source, ticks };
      this.#bars.push({ before: lines, ticks, given: null, returns, closes: isLast && closes });
    });
  }

  #addPickup(before: string): void {
    const { pickup: ticks, draw } = this.#wanted;
    const returns = this.#bars.length > 0 && draw() < SAME_PICKUP ? { bar: 0, ticks } : null;
    this.#bars.push({ before, ticks, given: null, returns, closes: false });
  }

  #addAgain(before: string, earlier: number, last: boolean): void {
    const source = this.#bars.slice(earlier, earlier + this.#length);
    source.forEach((bar, i) => {
      const returns = { bar: earlier + i, ticks: bar.ticks };
      const closes = bar.closes || (last && i === source.length - 1);
      this.#bars.push({ ...bar, before: i === 0 ? before : bar.before, returns, closes });
    });
  }

  /** The last bar becomes the first ending; the second one begins as it does, and ends on the tonic. */
  /** @param start the section's first bar. Players of ABC follow endings only behind a line that begins the repeat. */
  #addEndings(start: number): void {
    const last = this.#bars.pop();
    const opening = this.#bars[start];
    if (!last || !opening) return;
    this.#bars[start] = { ...opening, before: opening.before.replace(/^:\|(?=\n)/, '::') };
    const from = this.#bars.length;
    this.#bars.push({ ...last, before: '|1', closes: false });
    const returns = { bar: from, ticks: Math.floor(last.ticks / 2) };
    this.#bars.push({ ...last, before: ':|2', returns, closes: true });
  }
}

/** A bar that ends on the tonic and repeats an earlier one: that one must end so too. */
function withClosingSources(bars: readonly BarPlan[]): BarPlan[] {
  const plans = bars.map((bar) => ({ ...bar }));
  for (const bar of plans.toReversed()) {
    const source = bar.returns && plans[bar.returns.bar];
    if (bar.closes && source && source.ticks === bar.returns?.ticks) source.closes = true;
  }
  return plans;
}
