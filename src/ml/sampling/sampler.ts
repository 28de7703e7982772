import { uniformAt } from '../../lib/random.ts';
import type { Sampling } from '../contract.ts';
import type { Prediction } from '../decoder/decoder.ts';
import { allTokens, type Constraint } from './constraint.ts';
import { decay, sumOfDecays } from './decay.ts';
import { Penalties } from './penalties.ts';
import type { TokenBias } from './token-bias.ts';
import { Shortlist, TopScores } from './top-scores.ts';

/** A token id with its log-probability in the model's own distribution. */
interface Scored {
  id: number;
  logprob: number;
}

export interface Sample extends Scored {
  /** The most likely tokens that were not chosen, best first. */
  alternatives: readonly Scored[];
}

export interface SampleContext {
  /** The tokens that penalties look back on: the prompt and what followed it. */
  history: readonly number[];
  /** Number of tokens generated before this one. It is the counter for the seed's random numbers. */
  position: number;
  /** `sampling.logitBias` in tokens. */
  biases?: readonly TokenBias[];
  /** A constraint on the choice. The caller passes the chosen token to its `accept`. */
  constraint?: Constraint | null;
}

const ALTERNATIVES = 5;
/** Counters of the random numbers that decide on XTC: no text has as many tokens. */
const XTC_COUNTERS = 2 ** 30;

/**
 * Draws tokens from logits. In order: penalties and biases (`penalties.ts`), the constraint's mask, temperature, top-k,
 * top-p (Holtzman et al. 2020), min-p (Nguyen et al. 2024) and XTC (p-e-w 2024), each on what the previous one left; then
 * the inverse of the cumulative distribution at `uniformAt(seed, position)` ([GEN3], [GEN4]). Of equal scores the lower id ranks
 * first. The choice uses no function of Math, because their last bits depend on the JavaScript engine.
 *
 * A call changes nothing but its buffers and allocates nothing, so one sampler can serve any number of drafts in turn.
 */
export class Sampler {
  readonly #adjustments: Penalties;
  readonly #scores: Float32Array; // [vocab], adjusted; −∞ for what is forbidden
  readonly #allowed: Uint32Array; // [vocab / 32]
  readonly #shortlist: Shortlist;
  readonly #ranking: TopScores;
  readonly #best: Int32Array; // [alternatives + 1], by the model's own scores
  readonly #kept: Int32Array; // [vocab], the candidates' ids
  readonly #weights: Float64Array; // [vocab], unnormalised probabilities of the candidates
  readonly #sample: { id: number; logprob: number; alternatives: Scored[] };

  /**
   * @param exempt tokens that penalties ignore: the marks of a chat template must stay as likely as the model predicts
   */
  constructor(vocab: number, exempt: ReadonlySet<number> = new Set()) {
    this.#adjustments = new Penalties(vocab, exempt);
    this.#scores = new Float32Array(vocab);
    this.#allowed = allTokens(vocab);
    this.#shortlist = new Shortlist(vocab);
    this.#ranking = new TopScores(vocab);
    this.#best = new Int32Array(Math.min(ALTERNATIVES + 1, vocab));
    this.#kept = new Int32Array(vocab);
    this.#weights = new Float64Array(vocab);
    const alternatives = Array.from({ length: this.#best.length - 1 }, () => ({ id: 0, logprob: 0 }));
    this.#sample = { id: 0, logprob: 0, alternatives };
  }

  /**
   * @param prediction is not changed
   * @returns an object that the next call overwrites
   * @throws Error if the logits are not finite, or if the constraint allows no token
   */
  sample({ logits, peak }: Prediction, sampling: Sampling, context: SampleContext): Sample {
    const { history, position, biases = [], constraint = null } = context;
    this.#adjustments.find(sampling, history, biases);
    // A changed token may drop out of the best ones, which makes room for one more after them.
    const most = Math.max(sampling.topK, 1);
    this.#shortlist.collect(logits, Math.max(this.#best.length, most + this.#adjustments.count));
    const normaliser = this.#normaliserOf({ logits, peak });
    this.#adjust(logits, sampling);
    if (constraint) this.#forbid(constraint, most);
    return this.#describe(this.#choose(sampling, position), logits, normaliser);
  }

  /** A token that was not chosen here: how likely the model finds it. @returns as `sample` does */
  score(prediction: Prediction, id: number): Sample {
    this.#shortlist.collect(prediction.logits, this.#best.length);
    return this.#describe(id, prediction.logits, this.#normaliserOf(prediction));
  }

  /** Ranks the best tokens of the shortlist, and finds what log-probabilities are relative to. */
  #normaliserOf({ logits, peak }: Prediction): number {
    this.#rankBest(logits);
    const top = logits[this.#best[0] as number] as number;
    const normaliser = top - (peak ?? -Math.log(sumOfDecays(logits, top)));
    if (!Number.isFinite(normaliser)) throw new Error('the model produced numbers that are not finite');
    return normaliser;
  }

  #rankBest(logits: Float32Array): void {
    this.#ranking.start(logits, this.#shortlist);
    for (let i = 0; i < this.#best.length; i++) this.#best[i] = this.#ranking.take();
  }

  /** Computes the scores to choose by. The shortlist then also contains their best. */
  #adjust(logits: Float32Array, sampling: Sampling): void {
    this.#scores.set(logits);
    this.#adjustments.apply(this.#scores, sampling);
    for (let i = 0; i < this.#adjustments.count; i++) {
      const id = this.#adjustments.ids[i] as number;
      if (!((logits[id] as number) >= this.#shortlist.threshold)) this.#shortlist.add(id);
    }
  }

  #forbid(constraint: Constraint, most: number): void {
    this.#allowed.fill(0xffffffff);
    constraint.mask(this.#allowed);
    for (let word = 0; word < this.#allowed.length; word++) {
      const forbidden = ~(this.#allowed[word] as number);
      if (forbidden === 0) continue;
      if (forbidden === -1) {
        // A narrow constraint leaves few tokens.
        this.#scores.fill(-Infinity, 32 * word, 32 * word + 32);
        continue;
      }
      // A typed array ignores writes beyond its end.
      for (let bit = 0; bit < 32; bit++) if ((forbidden >> bit) & 1) this.#scores[32 * word + bit] = -Infinity;
    }
    this.#shortlist.collect(this.#scores, most);
  }

  #choose(sampling: Sampling, position: number): number {
    this.#ranking.start(this.#scores, this.#shortlist);
    const top = this.#ranking.take();
    if (top === -1) throw new Error('the constraint allows no token');
    if (sampling.temperature === 0) return top;
    const count = this.#excludeTop(this.#keepCandidates(sampling, top), sampling, position);
    return this.#draw(count, uniformAt(sampling.seed, position));
  }

  /** Fills `#kept` and `#weights` (the most likely candidate weighs 1 and always stays). @returns their number */
  #keepCandidates(sampling: Sampling, top: number): number {
    const { topK, topP, minP } = sampling;
    if (topK === 0 && topP === 1) return this.#keepAll(sampling, top);
    const nucleus = topK > 0 ? this.#rankCount(sampling, top) : this.#rankMass(sampling, top);
    return this.#countAbove(nucleus, minP);
  }

  /** No order is needed here, so the tokens stay in the order of their ids. */
  #keepAll({ temperature, minP }: Sampling, top: number): number {
    const best = this.#scores[top] as number;
    let count = 0;
    for (let id = 0; id < this.#scores.length; id++) {
      const weight = decay((best - (this.#scores[id] as number)) / temperature);
      if (weight === 0 || weight < minP) continue;
      this.#kept[count] = id;
      this.#weights[count++] = weight;
    }
    return count;
  }

  /** Takes the k best candidates, and of them as many as cover the nucleus's share of their weight. */
  #rankCount({ temperature, topK, topP }: Sampling, top: number): number {
    const best = this.#scores[top] as number;
    let count = 0;
    for (let id = top; id !== -1 && count < topK; id = count < topK ? this.#ranking.take() : -1) {
      this.#kept[count] = id;
      this.#weights[count++] = decay((best - (this.#scores[id] as number)) / temperature);
    }
    return this.#countNucleus(count, topP);
  }

  /** Takes the best candidates until they cover the nucleus's share of the total weight. */
  #rankMass({ temperature, topP }: Sampling, top: number): number {
    const best = this.#scores[top] as number;
    const total = sumOfDecays(this.#scores, best, Math.min(1 / temperature, Number.MAX_VALUE));
    // All tokens below this weight together weigh less than 1 − share, so none of them is needed.
    const least = ((1 - topP) * total) / this.#scores.length;
    this.#shortlist.collectFrom(this.#scores, best + temperature * Math.log(least) - 1e-3);
    this.#ranking.start(this.#scores, this.#shortlist);
    let count = 0;
    for (let taken = 0; taken < topP * total; count++) {
      const id = this.#ranking.take();
      if (id === -1) break;
      this.#kept[count] = id;
      taken += this.#weights[count] = decay((best - (this.#scores[id] as number)) / temperature);
    }
    return count;
  }

  /** The length of the shortest beginning of `count` ranked candidates that covers `share` of their weight. */
  #countNucleus(count: number, share: number): number {
    if (share === 1) return count;
    const mass = share * this.#mass(count);
    let kept = 0;
    for (let taken = 0; kept < count && taken < mass; kept++) taken += this.#weights[kept] as number;
    return kept;
  }

  #countAbove(count: number, least: number): number {
    let kept = count;
    while (kept > 1 && (this.#weights[kept - 1] as number) < least) kept--;
    return kept;
  }

  /** XTC: now and then, of several candidates with at least this probability all but the least likely one are left out. */
  #excludeTop(count: number, { seed, xtcProbability, xtcThreshold }: Sampling, position: number): number {
    if (xtcProbability === 0 || uniformAt(seed, position + XTC_COUNTERS) >= xtcProbability) return count;
    const least = xtcThreshold * this.#mass(count);
    const spared = this.#leastAbove(count, least);
    let kept = 0;
    for (let i = 0; i < count; i++) {
      if (i !== spared && (this.#weights[i] as number) >= least) continue;
      this.#kept[kept] = this.#kept[i] as number;
      this.#weights[kept++] = this.#weights[i] as number;
    }
    return kept;
  }

  /** The index of the least likely candidate that weighs this much, the highest id among equals; −1 if none does. */
  #leastAbove(count: number, least: number): number {
    let found = -1;
    for (let i = 0; i < count; i++) {
      const weight = this.#weights[i] as number;
      const best = found === -1 ? Infinity : (this.#weights[found] as number);
      if (weight < least || weight > best) continue;
      if (weight < best || (this.#kept[i] as number) > (this.#kept[found] as number)) found = i;
    }
    return found;
  }

  #mass(count: number): number {
    let total = 0;
    for (let i = 0; i < count; i++) total += this.#weights[i] as number;
    return total;
  }

  #draw(count: number, uniform: number): number {
    let left = uniform * this.#mass(count);
    for (let i = 0; i < count; i++) {
      left -= this.#weights[i] as number;
      if (left < 0) return this.#kept[i] as number;
    }
    // Rounding may leave a little mass after the last candidate.
    return this.#kept[count - 1] as number;
  }

  #describe(id: number, logits: Float32Array, normaliser: number): Sample {
    const { alternatives } = this.#sample;
    this.#sample.id = id;
    this.#sample.logprob = (logits[id] as number) - normaliser;
    for (let i = 0, position = 0; position < alternatives.length; i++) {
      const other = this.#best[i] as number;
      const alternative = alternatives[position];
      if (other === id || !alternative) continue;
      alternative.id = other;
      alternative.logprob = (logits[other] as number) - normaliser;
      position++;
    }
    return this.#sample;
  }
}
