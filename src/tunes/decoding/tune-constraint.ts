import { WHOLE_NOTE } from '../abc/ticks.ts';
import type { BarPlan, TunePlan } from '../form/plan.ts';
import { BarWriter } from './bar-writer.ts';
import { ANY_COUNT, countsBetween, type NoteCounts } from './fill-table.ts';
import { type Scale, scaleOf } from './scale.ts';
import { type Symbols, symbolsOf, type TokenTable } from './symbols.ts';

/** A bar's tokens, and after which of them how much was left, where nothing was open. */
interface WrittenBar {
  readonly tokens: number[];
  count: number;
  readonly rests: { after: number; rest: number }[];
}

/**
 * Keeps a tune to its plan ([TUNE1]). Bar lines, given bars and returning bars are forced, token by token; in between the
 * model chooses among what can still become a bar of the right length, in the key and the range. What is allowed
 * depends only on the plan and the accepted tokens.
 */
export class TuneConstraint {
  readonly #plan: TunePlan;
  readonly #symbols: Symbols;
  readonly #scale: Scale;
  readonly #ends: ReadonlySet<number>;
  /** What must come next: bar lines and given bars, or (`inBar`) the beginning of a bar that the model goes on with. */
  readonly #forced: { token: number; inBar: boolean }[] = [];
  readonly #written: WrittenBar[] = [];
  /** Set while the model writes a bar. */
  #writer: BarWriter | null = null;
  #limited = false;
  /** Notes that are missing to the average that is asked for. */
  #missing = 0;
  #stage: 'bars' | 'ending' | 'ended' = 'bars';

  /** @throws Error if the model's tokens cannot write what the plan asks for */
  constructor(plan: TunePlan, table: TokenTable) {
    this.#plan = plan;
    this.#symbols = symbolsOf(table);
    this.#scale = scaleOf(plan, this.#symbols);
    this.#ends = table.ends;
    const stuck = plan.bars.find((bar) => bar.given === null && this.#scale.counts(bar.ticks, bar.closes) === 0);
    if (stuck) throw new Error(`the model has no notes in this key and range that fill a bar of ${stuck.ticks} ticks`);
    this.#advance();
    for (const token of this.#symbols.encode(plan.written)) this.accept(token);
  }

  /** Clears the bits of the tokens that must not come next. Token `id` is bit `id & 31` of word `id >> 5`. */
  mask(allowed: Uint32Array): void {
    const before = allowed.slice();
    allowed.fill(0);
    for (const token of this.#allowed()) {
      const word = token >> 5;
      allowed[word] = (allowed[word] ?? 0) | ((before[word] ?? 0) & (1 << (token & 31)));
    }
  }

  accept(token: number): void {
    const forced = this.#forced.shift();
    if (forced && forced.token !== token) throw new Error('the text departs from its plan');
    if (this.#writer && (forced?.inBar ?? true)) this.#record(this.#writer, token);
    this.#advance();
  }

  #allowed(): Iterable<number> {
    const [forced] = this.#forced;
    if (forced) return [forced.token];
    return this.#writer ? this.#allowedInBar(this.#writer) : this.#ends;
  }

  /** Without what would make the bar the same as an earlier one, if there is a choice: which bars return is planned. */
  #allowedInBar(writer: BarWriter): readonly number[] {
    const allowed = [...writer.allowed()];
    const own = this.#written.at(-1)?.tokens ?? [];
    const repeated = new Set(
      this.#written.slice(0, -1).flatMap(({ tokens }) => (isNext(tokens, own) ? (tokens.at(-1) ?? []) : [])),
    );
    const others = allowed.filter((token) => !repeated.has(token));
    return others.length > 0 ? others : allowed;
  }

  #record(writer: BarWriter, token: number): void {
    const bar = this.#written.at(-1);
    writer.accept(token);
    if (!bar) return;
    bar.tokens.push(token);
    bar.count = writer.count;
    if (writer.settled) bar.rests.push({ after: bar.tokens.length, rest: writer.rest });
  }

  /** Ends a bar that is complete, and begins what comes next, until something is forced or open to the model. */
  #advance(): void {
    while (this.#forced.length === 0 && this.#stage !== 'ended') {
      if (this.#writer && !this.#writer.complete) {
        this.#limit(this.#writer);
        return;
      }
      if (this.#writer) this.#missing -= this.#writer.count;
      this.#writer = null;
      const bar = this.#plan.bars[this.#written.length];
      if (bar) this.#begin(bar);
      else if (this.#stage === 'bars') this.#end();
      else this.#stage = 'ended';
    }
  }

  #end(): void {
    this.#stage = 'ending';
    this.#force(this.#symbols.encode(this.#plan.ending));
  }

  #begin(bar: BarPlan): void {
    this.#force(this.#symbols.encode(bar.before));
    const source = bar.returns ? this.#written[bar.returns.bar] : undefined;
    if (bar.given !== null) this.#beginGiven({ tokens: this.#symbols.encode(bar.given), count: 0, rests: [] });
    else if (source && this.#returnsWhole(bar)) this.#beginReturning(bar, source);
    else {
      this.#missing += this.#targetOf(bar);
      this.#limited = false;
      this.#writer = new BarWriter(this.#scale, this.#symbols, bar);
      this.#written.push({ tokens: [], count: 0, rests: [] });
      if (source && bar.returns) this.#force(this.#beginningOf(source, bar, bar.returns), true);
    }
  }

  #beginGiven(bar: WrittenBar): void {
    this.#force(bar.tokens);
    this.#written.push(bar);
  }

  #beginReturning(bar: BarPlan, source: WrittenBar): void {
    this.#missing += this.#targetOf(bar) - source.count;
    this.#beginGiven(source);
  }

  #returnsWhole({ ticks, returns }: BarPlan): boolean {
    return returns?.ticks === ticks && this.#plan.bars[returns.bar]?.ticks === ticks;
  }

  /** The longest beginning of an earlier bar after which this one can be completed. */
  #beginningOf({ tokens, rests }: WrittenBar, bar: BarPlan, returns: { bar: number; ticks: number }): number[] {
    const length = this.#plan.bars[returns.bar]?.ticks ?? 0;
    const cut = rests.findLast(({ rest }) => {
      const rests = bar.ticks - (length - rest);
      return length - rest <= returns.ticks && rests > 0 && this.#scale.counts(rests, bar.closes) !== 0;
    });
    return tokens.slice(0, cut?.after ?? 0);
  }

  #force(tokens: readonly number[], inBar = false): void {
    this.#forced.push(...tokens.map((token) => ({ token, inBar })));
  }

  /** Once for each bar, when it is known with what it begins. */
  #limit(writer: BarWriter): void {
    if (this.#limited) return;
    this.#limited = true;
    writer.limit(this.#counts());
  }

  #targetOf({ ticks }: BarPlan): number {
    return ((this.#plan.notesPerWhole ?? 0) * ticks) / WHOLE_NOTE;
  }

  /** Numbers of notes that bring the average near to what is asked for. */
  #counts(): NoteCounts {
    if (this.#plan.notesPerWhole === null) return ANY_COUNT;
    const slack = Math.max(0.5, this.#missing / 5);
    return countsBetween(Math.max(1, Math.floor(this.#missing - slack)), Math.max(1, Math.ceil(this.#missing + slack)));
  }
}

/** Whether a bar is `own` and one more token. */
const isNext = (bar: readonly number[], own: readonly number[]): boolean =>
  bar.length === own.length + 1 && own.every((token, i) => bar[i] === token);
