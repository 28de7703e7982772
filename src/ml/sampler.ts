import { uniformAt } from '../lib/random.ts';
import type { Sampling } from './engine.ts';
import { Ranking, rankTop } from './ranking.ts';

/** A token id with its log-probability in the model's own distribution. */
interface Scored {
  id: number;
  logprob: number;
}

export interface Sample extends Scored {
  /** The likeliest tokens that were not chosen, best first. */
  alternatives: readonly Scored[];
}

export interface SampleContext {
  /** Ids that the repetition penalty looks back on: the prompt and what followed it. */
  history: readonly number[];
  /** How many tokens were generated before this one: the counter of the seed's random numbers. */
  position: number;
}

const ALTERNATIVES = 5;
/** How far the repetition penalty looks back. A longer window makes long texts avoid "the" and full stops. */
export const PENALTY_WINDOW = 64;

/**
 * Draws tokens from logits. In order: repetition penalty (Keskar et al. 2019, CTRL), temperature, top-k, top-p
 * (Holtzman et al. 2020), min-p (Nguyen et al. 2024), each on what the one before left; then the inverse of the
 * cumulative distribution at `uniformAt(seed, position)` (SPEC [GEN3], [GEN4]). Equal scores rank by the lower id.
 *
 * A call leaves nothing behind but its buffers, so one sampler serves any number of drafts in turn.
 */
export class Sampler {
  /** Ids that the penalty passes over: the marks of a chat template must stay as likely as the model has them. */
  readonly #exempt: ReadonlySet<number>;
  readonly #scores: Float32Array; // [vocab], after the penalty
  readonly #kept: Int32Array; // [vocab], the candidates' ids
  readonly #weights: Float64Array; // [vocab], unnormalised probabilities of the candidates
  readonly #ranking: Ranking;
  readonly #best: Int32Array; // [alternatives + 1]

  constructor(vocab: number, exempt: ReadonlySet<number> = new Set()) {
    this.#exempt = exempt;
    this.#scores = new Float32Array(vocab);
    this.#kept = new Int32Array(vocab);
    this.#weights = new Float64Array(vocab);
    this.#ranking = new Ranking(vocab);
    this.#best = new Int32Array(Math.min(ALTERNATIVES + 1, vocab));
  }

  /** @param logits [vocab], left as they are. @throws Error when they are not finite */
  sample(logits: Float32Array, sampling: Sampling, context: SampleContext): Sample {
    rankTop(logits, this.#best);
    const normaliser = logSumExp(logits, at(logits, at(this.#best, 0)));
    if (!Number.isFinite(normaliser)) throw new Error('the model put out numbers that are not finite');
    const scored = (id: number): Scored => ({ id, logprob: at(logits, id) - normaliser });
    const id = this.#choose(logits, sampling, context);
    const others = [...this.#best].filter((other) => other !== id).slice(0, ALTERNATIVES);
    return { ...scored(id), alternatives: others.map(scored) };
  }

  #choose(logits: Float32Array, sampling: Sampling, { history, position }: SampleContext): number {
    this.#scores.set(logits);
    this.#penalise(history, sampling.repetitionPenalty);
    rankTop(this.#scores, this.#kept.subarray(0, 1));
    const top = at(this.#kept, 0);
    if (sampling.temperature === 0) return top;
    const count = this.#keepCandidates(sampling, at(this.#scores, top));
    return this.#draw(count, uniformAt(sampling.seed, position));
  }

  /** Makes each recent token less likely, once however often it occurred. */
  #penalise(history: readonly number[], penalty: number): void {
    if (penalty === 1) return;
    for (const id of new Set(history.slice(-PENALTY_WINDOW))) {
      if (this.#exempt.has(id)) continue;
      const score = at(this.#scores, id);
      this.#scores[id] = score > 0 ? score / penalty : score * penalty;
    }
  }

  /** Fills `#kept` and `#weights` (the likeliest candidate weighs 1 and always stays); returns how many there are. */
  #keepCandidates({ temperature, topK, topP, minP }: Sampling, top: number): number {
    const weigh = (id: number): number => Math.exp(((this.#scores[id] as number) - top) / temperature);
    if (topK === 0 && topP === 1) return this.#keepAll(weigh, minP);
    const nucleus = topK > 0 ? this.#rankCount(weigh, topK, topP) : this.#rankMass(weigh, topP, { top, temperature });
    return this.#countAbove(nucleus, minP);
  }

  /** Nothing needs an order here, so ids stay in theirs. */
  #keepAll(weigh: (id: number) => number, least: number): number {
    let count = 0;
    for (let id = 0; id < this.#scores.length; id++) {
      const weight = weigh(id);
      if (weight < least) continue;
      this.#kept[count] = id;
      this.#weights[count++] = weight;
    }
    return count;
  }

  /** Takes the `most` best candidates, and of them as many as hold `share` of their weight. */
  #rankCount(weigh: (id: number) => number, most: number, share: number): number {
    const count = rankTop(this.#scores, this.#kept.subarray(0, most));
    for (let i = 0; i < count; i++) this.#weights[i] = weigh(at(this.#kept, i));
    return this.#countNucleus(count, share);
  }

  /** Takes the best candidates until they hold `share` of everything's weight. */
  #rankMass(weigh: (id: number) => number, share: number, scale: { top: number; temperature: number }): number {
    const vocab = this.#scores.length;
    let total = 0;
    for (let id = 0; id < vocab; id++) total += weigh(id);
    // All that weigh less than this weigh less than 1 − share together, so none of them is needed.
    const least = ((1 - share) * total) / vocab;
    this.#ranking.start(this.#scores, scale.top + scale.temperature * Math.log(least));
    let count = 0;
    for (let taken = 0; count < vocab && taken < share * total; count++) {
      const id = this.#ranking.take();
      if (id === -1) break;
      this.#kept[count] = id;
      taken += this.#weights[count] = weigh(id);
    }
    return count;
  }

  /** The shortest beginning of `count` ranked candidates that holds `share` of their weight. */
  #countNucleus(count: number, share: number): number {
    if (share === 1) return count;
    const mass = share * this.#mass(count);
    let kept = 0;
    for (let taken = 0; kept < count && taken < mass; kept++) taken += at(this.#weights, kept);
    return kept;
  }

  #countAbove(count: number, least: number): number {
    let kept = count;
    while (kept > 1 && at(this.#weights, kept - 1) < least) kept--;
    return kept;
  }

  #mass(count: number): number {
    let total = 0;
    for (let i = 0; i < count; i++) total += at(this.#weights, i);
    return total;
  }

  #draw(count: number, uniform: number): number {
    let left = uniform * this.#mass(count);
    for (let i = 0; i < count; i++) {
      left -= at(this.#weights, i);
      if (left < 0) return at(this.#kept, i);
    }
    // Rounding may leave a speck of mass behind the last candidate.
    return at(this.#kept, count - 1);
  }
}

/** ln Σ eˣ, with the largest score taken out so that nothing overflows. */
function logSumExp(scores: Float32Array, largest: number): number {
  let sum = 0;
  for (let id = 0; id < scores.length; id++) sum += Math.exp((scores[id] as number) - largest);
  return largest + Math.log(sum);
}

/**
 * Indices come from loops over the array itself, so nothing is checked. Not for the loops over a whole vocabulary: this
 * function sees every kind of array, and V8 would look up the kind at each read.
 */
function at(values: Float32Array | Float64Array | Int32Array, i: number): number {
  return values[i] as number;
}
