import { InvalidInputError } from '../../lib/errors.ts';
import { exactBars } from '../abc/check-bars.ts';
import { MOST_ABC, parseTune } from '../abc/parse-tune.ts';
import type { Tune, TuneBar } from '../abc/tune.ts';
import { planStream, promptOf, titleField, type TuneTask } from './compose.ts';
import { TUNE_KINDS, type TuneKind } from './kinds.ts';
import type { BarPlan, TunePlan } from './plan.ts';
import { planSections } from './sections.ts';
import { USUAL_RANGE } from './settings.ts';

interface Revision {
  seed: number;
  /** The dotted path of the argument with the tune. */
  field: string;
}

const EXTENSION = { form: 'AA', bars: 8 };
/** A variation writes so many of the bars anew that do not carry a phrase. */
const VARIED = 0.6;
const PHRASE = 4;
const MOST_BARS = 200;
/** Length of the music that a further section is written after, in UTF-16 code units. */
const MOST_CONTEXT = 600;

/**
 * Plans to write some bars of a tune anew: all other bytes stay ([TUNE9]).
 * @param bars numbers from 1, in the order written
 * @throws InvalidInputError
 */
export function planInfill(abc: string, bars: readonly number[], revision: Revision & { barsField: string }): TuneTask {
  const { barsField } = revision;
  const tune = readTune(abc, revision.field);
  if (bars.length === 0 || bars.length > MOST_BARS) refuse(barsField, `must name 1 to ${MOST_BARS} bars`);
  for (const number of bars) {
    if (!tune.bars[number - 1])
      refuse(barsField, `there is no bar ${number}: the tune has ${tune.bars.length} bars, pickups included`);
  }
  return planRewriting(abc, tune, new Map(bars.map((number) => [number - 1, null])), revision.field);
}

/**
 * Plans a variation: the first bar of each phrase and the end stay, and by the seed others become new; where the tune
 * repeats one of them, so does the variation.
 * @throws InvalidInputError
 */
export function planVariation(abc: string, title: string, revision: Revision): TuneTask {
  const tune = readTune(abc, revision.field);
  const draw = planStream(revision.seed);
  const textOf = (bar: TuneBar) => abc.slice(bar.from, bar.to);
  const kept = new Set(tune.bars.filter((_, i) => !mayVary(tune.bars, i)).map(textOf));
  const choices = new Map<string, number | null>();
  const varied = new Map<number, number | null>();
  tune.bars.forEach((bar, i) => {
    const text = textOf(bar);
    if (!choices.has(text)) choices.set(text, !kept.has(text) && draw() < VARIED ? i : null);
    const first = choices.get(text) ?? null;
    if (first !== null) varied.set(i, first === i ? null : first);
  });
  if (varied.size === 0) varied.set(Math.floor(tune.bars.length / 2), null);
  const task = planRewriting(abc, tune, varied, revision.field);
  return { ...task, header: task.header.replace(/^T:.*$/m, () => titleField(title)) };
}

function mayVary(bars: readonly TuneBar[], i: number): boolean {
  const bar = bars[i];
  const whole = bars.slice(0, i).filter(({ metre, ticks }) => ticks === metre?.bar).length;
  return i < bars.length - 1 && bar?.ticks === bar?.metre?.bar && whole % PHRASE !== 0;
}

/**
 * Plans a further section of eight bars behind a tune, in its key and metre and with its pickup.
 * @throws InvalidInputError
 */
export function planExtension(abc: string, revision: Revision): TuneTask {
  const tune = readTune(abc, revision.field);
  const { metre } = tune;
  if (!metre) return refuse(revision.field, 'a tune in a free metre cannot be extended');
  const first = tune.bars[0]?.ticks ?? metre.bar;
  const pickup = first < metre.bar ? first : 0;
  const { bars, ending } = planSections({ ...EXTENSION, bar: metre.bar, pickup, draw: planStream(revision.seed) });
  const [start, ...others] = bars;
  const music = abc.slice(tune.bars[0]?.from ?? 0).trimEnd();
  const context = music.slice(Math.max(0, music.indexOf('|', music.length - MOST_CONTEXT)));
  const plan = { ...settingOf(tune, revision.field), written: '', ending };
  return {
    header: '',
    prompt: promptFor(tune, revision.field),
    context: music.length > MOST_CONTEXT ? context : music,
    plan: { ...plan, bars: start ? [{ ...start, before: '\n' }, ...others] : others },
  };
}

function readTune(abc: string, field: string): Tune {
  if (abc.length > MOST_ABC) refuse(field, `the tune may have at most ${MOST_ABC} characters, not ${abc.length}`);
  const tune = parseTune(abc);
  if (tune.bars.length === 0) refuse(field, 'the tune has no bars');
  return tune;
}

/** @param rewritten the indices of bars to write, each with the index of the rewritten bar that it repeats */
function planRewriting(
  abc: string,
  tune: Tune,
  rewritten: ReadonlyMap<number, number | null>,
  field: string,
): TuneTask {
  const exact = exactBars(tune.bars);
  const setting = settingOf(tune, field);
  let at = tune.bars[0]?.from ?? 0;
  const header = abc.slice(0, at);
  const bars = tune.bars.map((bar, i): BarPlan => {
    const [before, text] = [abc.slice(at, bar.from), abc.slice(bar.from, bar.to)];
    at = bar.to;
    const source = rewritten.get(i);
    if (source === undefined) return { before, ticks: bar.ticks, given: text, returns: null, closes: false };
    const ticks = rewritable(bar, text, { tune, exact: exact[i] ?? false, field });
    const returns = source === null ? null : { bar: source, ticks };
    return { before, ticks, given: null, returns, closes: i === tune.bars.length - 1 };
  });
  return {
    header,
    prompt: promptFor(tune, field),
    context: '',
    plan: { ...setting, bars, ending: abc.slice(at), written: '' },
  };
}

/** The length of the bar that takes another's place. */
function rewritable(bar: TuneBar, text: string, { tune, exact, field }: { tune: Tune; exact: boolean; field: string }) {
  const { metre, number, ticks } = bar;
  if (!metre) return refuse(field, `bar ${number} is in a free metre, in which nothing says how long it is`);
  if (/\[[A-Za-z]:|^[A-Za-z]:/m.test(text))
    return refuse(field, `bar ${number} has a field within, which would be lost`);
  if (JSON.stringify(bar.key) !== JSON.stringify(tune.key))
    return refuse(field, `bar ${number} is not in the tune’s first key`);
  return exact ? ticks : metre.bar;
}

type Setting = Omit<TunePlan, 'bars' | 'ending' | 'written'>;

function settingOf({ key, unit, bars }: Tune, field: string): Setting {
  const pitches = bars.flatMap(({ notes }) => notes.flatMap((note) => note.pitches));
  const { tonic, mode } = key;
  if (tonic === null) return refuse(field, 'the tune has no key, and so no tonic');
  const [low, high] = [Math.min(USUAL_RANGE.low, ...pitches), Math.max(USUAL_RANGE.high, ...pitches)];
  return { tonic, mode, low, high, unit, notesPerWhole: null };
}

function promptFor({ key, metre, unit, rhythm }: Tune, field: string): string {
  const { tonic } = key;
  if (!metre || tonic === null) return refuse(field, 'the tune has no metre or no key');
  const kinds = Object.keys(TUNE_KINDS) as TuneKind[];
  const kind = kinds.find((name) => TUNE_KINDS[name].name === rhythm.toLowerCase()) ?? null;
  return promptOf({ key: { ...key, tonic }, metre, unit, kind });
}

function refuse(field: string, message: string): never {
  throw new InvalidInputError(`${field}: ${message}`, field);
}
