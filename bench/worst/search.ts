import { type GraphQLSchema, parse } from 'graphql';
import type { OperationCosts } from '../../src/transport/cost/operation-costs.ts';
import { MAX_ALIASES } from '../../src/transport/documents/shape.ts';
import { median } from '../support/statistics.ts';
import { type Kind, Operations, type Random, type Selection, type Shape, textOf } from './operations.ts';
import type { Taken, Target } from './target.ts';

/** What is kept to go on from. */
const BEST = 16;
/** Of each of the best, once the search is over; the figure is the median. */
const REPEATS = 5;
/** Refused operations that are kept. */
const REFUSALS = 200;
/** Below it what every request takes is more than its own cost. */
const LEAST_COST = 10_000;

export interface Found extends Taken {
  selections: Selection[];
  text: string;
  cost: number;
}

export interface SearchOptions {
  target: Target;
  schema: GraphQLSchema;
  costs: OperationCosts;
  random: Random;
  shape: Shape;
  kind: Kind;
  /** The largest budget. */
  most: number;
}

/**
 * Operations are drawn at random and changed where that made them more expensive, or more expensive for their price. What is
 * underpriced is also repeated until it fills the budget.
 */
export class Search {
  readonly refused: string[] = [];
  readonly #options: SearchOptions;
  readonly #operations: Operations;
  #best: Found[] = [];
  #underpriced: Found[] = [];

  constructor(options: SearchOptions) {
    const { schema, random, shape, kind } = options;
    this.#options = options;
    this.#operations = new Operations(schema, random, shape, kind);
  }

  /** @returns the most expensive operations, the most expensive first */
  async run(operations: number): Promise<Found[]> {
    const { target, kind, most } = this.#options;
    for (let tried = 0; tried < operations;) {
      const selections = this.#next();
      const text = `${kind} ${textOf(selections)}`;
      const cost = this.#costOf(text);
      if (cost > most) {
        if (this.refused.length < REFUSALS) this.refused.push(text);
        continue;
      }
      tried++;
      const taken = await target.take(text);
      if (taken) this.#keep({ selections, text, cost, ...taken });
    }
    return this.#best;
  }

  /** A figure of one run may be the compiler's or the garbage collector's. */
  async again(): Promise<Found[]> {
    const measured: Found[] = [];
    for (const one of this.#best) {
      const runs: Taken[] = [];
      for (let i = 0; i < REPEATS; i++) {
        const taken = await this.#options.target.take(one.text);
        if (taken) runs.push(taken);
      }
      const middle = (figure: keyof Taken) => median(runs.map((taken) => taken[figure]));
      measured.push({ ...one, cpuMs: middle('cpuMs'), databaseMs: middle('databaseMs'), bytes: middle('bytes') });
    }
    return measured.sort((a, b) => total(b) - total(a));
  }

  #next(): Selection[] {
    const { random, most } = this.#options;
    // What takes most, and what takes most for its price: the one is grown, the other found.
    const from = random() < 0.5 ? this.#best : this.#underpriced;
    const one = from[Math.floor(random() * from.length)];
    if (!one || random() < 0.25) return this.#operations.draw();
    if (random() < 0.15) {
      const times = Math.floor((most / one.cost) * one.selections.length);
      return this.#operations.repeated(one.selections, Math.max(1, Math.min(times, MAX_ALIASES + 1)));
    }
    let { selections } = one;
    for (let changes = 1 + Math.floor(random() * 4); changes > 0; changes--) {
      selections = this.#operations.changed(selections);
    }
    return selections;
  }

  #costOf(text: string): number {
    const { schema, costs } = this.#options;
    return costs.of({ schema, document: parse(text) });
  }

  #keep(found: Found): void {
    this.#best = [...this.#best, found].sort((a, b) => total(b) - total(a)).slice(0, BEST);
    if (found.cost < LEAST_COST) return;
    this.#underpriced = [...this.#underpriced, found]
      .sort((a, b) => total(b) / b.cost - total(a) / a.cost)
      .slice(0, BEST);
  }
}

/** Milliseconds of CPU, of the server and its database together. */
export const total = ({ cpuMs, databaseMs }: Taken): number => cpuMs + databaseMs;
