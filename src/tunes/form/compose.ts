import { InvalidInputError } from '../../lib/errors.ts';
import { randomStream } from '../../lib/random.ts';
import { keyText } from '../abc/key.ts';
import { parseTune } from '../abc/parse-tune.ts';
import { fractionOf, WHOLE_NOTE } from '../abc/ticks.ts';
import { sameMetre, TUNE_KINDS, usualPickups } from './kinds.ts';
import { choose } from './patterns.ts';
import type { BarPlan, TunePlan } from './plan.ts';
import { planSections } from './sections.ts';
import { notesPerWhole, resolveSettings, type TuneInput, type TuneSettings } from './settings.ts';

/** A tune to write: what comes before the model's text, what the model reads, and what it has to keep to. */
export interface TuneTask {
  /** The fields of the tune, as readers see them. */
  header: string;
  /** The text that leads the model: fields as it has learned them. */
  prompt: string;
  /** The music that the model's text follows, which is not part of the plan. */
  context: string;
  plan: TunePlan;
}

/** Plans draw from the seed's numbers behind those that sampling uses. */
const PLAN_DRAWS = 2 ** 31;
const START = 'input.tune.startWith';

/**
 * Plans a tune: the same input and seed give the same plan.
 * @throws InvalidInputError that says what would be right
 */
export function planTune(input: TuneInput, { seed, title }: { seed: number; title: string }): TuneTask {
  const draw = planStream(seed);
  const settings = resolveSettings(input, draw);
  const { key, metre, unit, low, high, form, bars } = settings;
  const start = input.startWith == null ? [] : readStart(input.startWith, settings);
  const usual = choose(usualPickups(metre.text), draw()) * WHOLE_NOTE;
  const pickup = start.length > 0 ? pickupOf(start, metre.bar) : usual;
  const sections = planSections({ form, bars, bar: metre.bar, pickup, draw });
  return {
    header: headerOf(settings, title),
    prompt: promptOf(settings),
    context: '',
    plan: {
      ...{ tonic: key.tonic, mode: key.mode, low, high, unit, notesPerWhole: notesPerWhole(settings) },
      ...{ ...sections, bars: withStart(sections.bars, start), written: '' },
    },
  };
}

/** Random numbers for what is decided before anything is sampled. */
export function planStream(seed: number): () => number {
  const next = randomStream(seed + PLAN_DRAWS);
  return () => next();
}

/** A percent sign would begin a comment. */
export const titleField = (title: string): string => `T:${title.replaceAll('%', '\\%')}`;

function headerOf({ key, metre, unit, kind, tempo }: TuneSettings, title: string): string {
  const rhythm = kind === null ? [] : [`R:${TUNE_KINDS[kind].name}`];
  const fields = [
    'X:1',
    titleField(title),
    ...rhythm,
    `M:${metre.text}`,
    `L:${fractionOf(unit)}`,
    tempoField(metre.text, tempo),
  ];
  return `${[...fields, `K:${keyText(key)}`].join('\n')}\n`;
}

/** Compound metres are counted in dotted quarter notes, where that is a whole number. */
function tempoField(metre: string, tempo: number): string {
  const isCompound = /^(6|9|12)\/8$/.test(metre);
  return isCompound && tempo % 3 === 0 ? `Q:3/8=${(tempo * 2) / 3}` : `Q:1/4=${tempo}`;
}

export function promptOf({ key, metre, unit, kind }: Pick<TuneSettings, 'key' | 'metre' | 'unit' | 'kind'>): string {
  const rhythm = kind === null ? [] : [`R:${TUNE_KINDS[kind].name.replace(' ', '')}`];
  return `${[...rhythm, `M:${sameMetre(metre.text)}`, `L:${fractionOf(unit)}`, `K:${keyText(key)}`].join('\n')}\n`;
}

interface StartBar {
  text: string;
  ticks: number;
}

/** The bars of `startWith`: the first may be a pickup, all others must be whole. */
function readStart(abc: string, { key, metre, unit, form, bars }: TuneSettings): StartBar[] {
  const refuse = (message: string): never => {
    throw new InvalidInputError(`${START} ${message}`, START);
  };
  if (abc.length > 2000) refuse(`may have at most 2000 characters, not ${abc.length}`);
  if (/^[A-Za-z]:|\[[A-Za-z]:/m.test(abc))
    refuse('must be bars without fields; what fields say is in the other settings');
  const text = `M:${metre.text}\nL:${fractionOf(unit)}\nK:${keyText(key)}\n${abc.trim()}`;
  const tune = parseTune(text);
  const error = tune.problems.find(({ message }) => !message.startsWith('the bar is'));
  if (error) refuse(`has a problem in bar ${error.bar ?? 1}: ${error.message}`);
  if (tune.bars.some(({ closing }, i) => closing.section && i < tune.bars.length - 1))
    refuse('must be bars with plain lines (|) between them; repeats and endings come from the form');
  const short = tune.bars.find(
    ({ ticks }, i) => ticks !== metre.bar && (i > 0 || ticks > metre.bar || tune.bars.length === 1),
  );
  if (short) {
    const gap = fractionOf(Math.abs(metre.bar - short.ticks));
    const remedy = short.ticks < metre.bar ? `add notes of ${gap}` : `take away notes of ${gap}`;
    refuse(
      `has ${fractionOf(short.ticks)} in bar ${short.number}, and a bar in ${metre.text} has ${fractionOf(metre.bar)}: ${remedy}`,
    );
  }
  const whole = tune.bars.filter(({ ticks }) => ticks === metre.bar).length;
  if (whole >= bars) refuse(`has ${whole} bars; a section of ${form} has ${bars}, so at most ${bars - 1} can be given`);
  return tune.bars.map(({ from, to, ticks }) => ({ text: text.slice(from, to).replace(/\s+/g, ' '), ticks }));
}

const pickupOf = ([first]: readonly StartBar[], bar: number): number => (first && first.ticks < bar ? first.ticks : 0);

function withStart(bars: readonly BarPlan[], start: readonly StartBar[]): BarPlan[] {
  return bars.map((bar, i) => {
    const given = start[i];
    return given ? { ...bar, given: given.text, returns: null, closes: false } : bar;
  });
}
