import { describe, expect, it } from 'vitest';
import { Counter } from '../../../src/lib/collections.ts';
import { InvalidInputError } from '../../../src/lib/errors.ts';
import { randomStream, uniformAt } from '../../../src/lib/random.ts';
import type { Prediction } from '../../../src/ml/decoder/decoder.ts';
import { checkSampling, defaultSampling, type Sampling } from '../../../src/ml/engine.ts';
import { type Constraint, forbid } from '../../../src/ml/sampling/constraint.ts';
import { decay, sumOfDecays } from '../../../src/ml/sampling/decay.ts';
import { PENALTY_WINDOW } from '../../../src/ml/sampling/penalties.ts';
import { LONGEST_RUN, RUN_WINDOW } from '../../../src/ml/sampling/repeated-runs.ts';
import { type SampleContext, Sampler } from '../../../src/ml/sampling/sampler.ts';
import { resolveBiases, type TokenBias } from '../../../src/ml/sampling/token-bias.ts';
import { Shortlist, TopScores } from '../../../src/ml/sampling/top-scores.ts';

const plain: Sampling = { ...defaultSampling, temperature: 1, topK: 0, topP: 1, repetitionPenalty: 1, seed: 1 };
const greedy: Sampling = { ...plain, temperature: 0 };
const start = { history: [], position: 0 };

/** Logits with ties: quantised, so that equal scores occur. */
function randomLogits(random: () => number, vocab: number): Float32Array {
  return Float32Array.from({ length: vocab }, () => Math.round((random() * 16 - 8) * 8) / 8);
}

function logSoftmax(logits: Float32Array): number[] {
  const total = logits.reduce((sum, logit) => sum + Math.exp(logit), 0);
  return [...logits].map((logit) => logit - Math.log(total));
}

/** The rules of [GEN3] written out, one after the other, with full copies and full sorts. */
function referenceChoice(logits: Float32Array, sampling: Sampling, context: SampleContext): number {
  const { temperature, topK, topP, minP, seed } = sampling;
  const scores = referenceScores(logits, sampling, context);
  const all = [...scores].map((score, id) => ({ id, score })).filter(({ score }) => score > -Infinity);
  const top = Math.max(...all.map(({ score }) => score));
  if (temperature === 0) return all.find(({ score }) => score === top)?.id ?? -1;
  const weighed = all.map((one) => ({ ...one, weight: Math.exp((one.score - top) / temperature) }));
  const ranked = topK > 0 || topP < 1 ? weighed.sort((a, b) => b.score - a.score || a.id - b.id) : weighed;
  const cut = topK > 0 ? ranked.slice(0, topK) : ranked;
  const mass = cut.reduce((sum, { weight }) => sum + weight, 0);
  let before = 0;
  const nucleus = cut.filter(({ weight }) => (before += weight) - weight < topP * mass);
  const kept = referenceXtc(
    nucleus.filter(({ weight }) => weight >= minP),
    sampling,
    context.position,
  );
  let left = uniformAt(seed, context.position) * kept.reduce((sum, { weight }) => sum + weight, 0);
  return (kept.find(({ weight }) => (left -= weight) < 0) ?? kept.at(-1))?.id ?? -1;
}

/** Without the likeliest, if it is time for that. */
function referenceXtc(
  kept: { id: number; weight: number }[],
  { seed, xtcProbability, xtcThreshold }: Sampling,
  position: number,
) {
  if (xtcProbability === 0 || uniformAt(seed, position + 2 ** 30) >= xtcProbability) return kept;
  const mass = kept.reduce((sum, { weight }) => sum + weight, 0);
  const top = kept
    .filter(({ weight }) => weight >= xtcThreshold * mass)
    .sort((a, b) => b.weight - a.weight || a.id - b.id);
  const excluded = new Set(top.slice(0, -1));
  return kept.filter((one) => !excluded.has(one));
}

/** By the length of the longest end of the text that has occurred before a token, whether with the penalty or not. */
function referenceDry({ dryMultiplier, dryBase, dryAllowedLength }: Sampling, history: readonly number[]) {
  const penalties = new Map<number, number>();
  const recent = history.slice(-RUN_WINDOW);
  for (let length = dryAllowedLength; length <= Math.min(LONGEST_RUN, recent.length); length++) {
    const end = recent.slice(-length);
    for (let at = 0; at + length < recent.length; at++) {
      if (!end.every((id, i) => recent[at + i] === id)) continue;
      let penalty = dryMultiplier;
      for (let i = dryAllowedLength; i < length; i++) penalty *= dryBase;
      penalties.set(recent[at + length]!, penalty);
    }
  }
  return dryMultiplier === 0 ? new Map<number, number>() : penalties;
}

function referenceScores(logits: Float32Array, sampling: Sampling, context: SampleContext): Float32Array {
  const { repetitionPenalty, presencePenalty, frequencyPenalty } = sampling;
  const { history, biases = [], constraint } = context;
  const allowed = new Uint32Array(Math.ceil(logits.length / 32)).fill(0xffffffff);
  constraint?.mask(allowed);
  const scores = logits.map((logit, id) => (((allowed[id >> 5]! >> (id & 31)) & 1) === 0 ? -Infinity : logit));
  const counts = new Counter<number>();
  for (const id of history.slice(-PENALTY_WINDOW)) counts.add(id);
  const added = new Counter<number>();
  for (const { tokens, bias } of biases) {
    const begun = (said: number) => tokens.slice(0, said).every((id, i) => history.at(i - said) === id);
    const place = tokens.findLastIndex((_, said) => begun(said));
    if (bias > 0 || place === tokens.length - 1) added.add(tokens[place]!, bias);
  }
  for (const [id, penalty] of referenceDry(sampling, history)) added.add(id, -penalty);
  for (const id of new Set([...counts.keys(), ...added.keys()])) {
    let score = scores[id]!;
    const count = counts.of(id);
    if (count > 0) score = score > 0 ? score / repetitionPenalty : score * repetitionPenalty;
    if (count > 0) score -= presencePenalty + frequencyPenalty * count;
    scores[id] = score + added.of(id);
  }
  return scores;
}

/** As a graph gives them that says no more. */
const unnormalised = (logits: Float32Array): Prediction => ({ logits, peak: null });

/** Allows what it is told to. */
function allowing(vocab: number, isAllowed: (id: number) => boolean): Constraint {
  const mask = (allowed: Uint32Array) => {
    for (let id = 0; id < vocab; id++) if (!isAllowed(id)) forbid(allowed, id);
  };
  return { mask, accept: () => undefined };
}

describe('sampler', () => {
  it('[GEN3] chooses what a reference implementation chooses, for any sampling, history, bias and constraint', () => {
    const random = randomStream(11);
    const upTo = (n: number) => Math.floor(random() * n);
    for (const [vocab, rounds] of [
      [5, 500],
      [300, 1000],
      [2000, 150],
    ] as const) {
      const sampler = new Sampler(vocab);
      for (let round = 0; round < rounds; round++) {
        const logits = randomLogits(random, vocab);
        const off = () => random() < 0.5;
        const sampling: Sampling = {
          ...plain,
          temperature: random() < 0.1 ? 0 : 0.1 + random() * 1.9,
          topK: random() < 0.4 ? 0 : 1 + upTo(400),
          topP: random() < 0.3 ? 1 : 0.05 + random() * 0.9,
          minP: off() ? 0 : random() * 0.3,
          repetitionPenalty: off() ? 1 : 0.5 + 1.5 * random(),
          presencePenalty: off() ? 0 : 4 * random() - 2,
          frequencyPenalty: off() ? 0 : 4 * random() - 2,
          dryMultiplier: off() ? 0 : 5 * random(),
          dryBase: 1 + 3 * random(),
          dryAllowedLength: 1 + upTo(3),
          xtcProbability: off() ? 0 : random(),
          xtcThreshold: 0.01 + 0.4 * random(),
          seed: upTo(2 ** 53),
        };
        const history = Array.from({ length: upTo(90) }, () => upTo(off() ? vocab : 3));
        const biases: TokenBias[] = Array.from({ length: off() ? 0 : upTo(20) }, () => ({
          tokens: [...history.slice(-upTo(3)), upTo(vocab), upTo(vocab)],
          bias: 20 * random() - 10,
        }));
        const [modulus, rest] = [1 + upTo(12), upTo(3)];
        const constraint = off() ? null : allowing(vocab, (id) => id % modulus === 0 || id % 3 === rest);
        const context = { history, position: round, biases, constraint };
        const { id } = sampler.sample(unnormalised(logits), sampling, context);
        expect({ vocab, round, sampling, id }).toEqual({
          ...{ vocab, round, sampling },
          id: referenceChoice(logits, sampling, context),
        });
      }
    }
  });

  it('[GEN3] draws each token with its probability', () => {
    const logits = Float32Array.from([2, 1, 0, -1]);
    const sampler = new Sampler(4);
    const draws = 20_000;
    const counts = [0, 0, 0, 0];
    for (let position = 0; position < draws; position++) {
      const { id } = sampler.sample(unnormalised(logits), plain, { history: [], position });
      counts[id] = (counts[id] ?? 0) + 1;
    }
    const expected = logSoftmax(logits).map((logprob) => Math.exp(logprob) * draws);
    const chiSquare = counts.reduce((sum, count, i) => sum + (count - expected[i]!) ** 2 / expected[i]!, 0);
    // 3 degrees of freedom: 16.3 is exceeded once in a thousand seeds.
    expect(chiSquare).toBeLessThan(16.3);
  });

  it('[GEN3] takes the most likely token at temperature 0, of equal ones the lowest id', () => {
    const sampler = new Sampler(5);
    expect(sampler.sample(unnormalised(Float32Array.from([1, 3, 3, 0, 3])), greedy, start).id).toBe(1);
    expect(sampler.sample(unnormalised(Float32Array.from([-2, -2, -2, -2, -2])), greedy, start).id).toBe(0);
  });

  it('[GEN3] penalises recent tokens once, but never control tokens', () => {
    const sampler = new Sampler(4, new Set([3]));
    const sampling = { ...greedy, repetitionPenalty: 1.5 };
    const choose = (logits: number[], history: number[]) =>
      sampler.sample(unnormalised(Float32Array.from(logits)), sampling, { history, position: 0 }).id;
    expect(choose([3, 2.5, 0, 0], [0])).toBe(1);
    expect(choose([3, 1.5, 0, 0], [0, 0, 0, 0])).toBe(0);
    expect(choose([-1, -1.2, -9, -9], [0])).toBe(1);
    expect(choose([2.5, 0, 0, 3], [3])).toBe(3);
    const longAgo = [0, ...Array.from({ length: PENALTY_WINDOW }, () => 2)];
    expect(choose([3, 2.5, 0, 0], longAgo)).toBe(0);
  });

  it('[GEN3] lowers what would go on with a repetition, the more the longer it is, but not past control tokens', () => {
    const sampler = new Sampler(6, new Set([5]));
    const dry = { ...greedy, dryMultiplier: 1, dryBase: 2, dryAllowedLength: 2 };
    const choose = (history: number[], ahead: number) =>
      sampler.sample(unnormalised(Float32Array.from([0, ahead, 0.01, 0, 0, 0])), dry, { history, position: 0 }).id;
    // 3 4 was followed by 1: a penalty of 1; after 2 3 4 of 2.
    expect(choose([3, 4, 1, 0, 3, 4], 1.1)).toBe(1);
    expect(choose([3, 4, 1, 0, 3, 4], 0.9)).toBe(2);
    expect(choose([2, 3, 4, 1, 0, 2, 3, 4], 1.9)).toBe(2);
    expect(choose([2, 3, 4, 1, 0, 2, 3, 4], 2.1)).toBe(1);
    expect(choose([2, 5, 4, 1, 0, 2, 5, 4], 0.9)).toBe(1);
    expect(choose([4, 1, 0, 4], 0.9)).toBe(1);
    const farAway = [3, 4, 1, ...Array.from({ length: RUN_WINDOW - 2 }, () => 0), 3, 4];
    expect(choose(farAway, 0.9)).toBe(1);
  });

  it('[GEN3] leaves out the likeliest tokens as often as asked, and the least likely of them stays', () => {
    const sampler = new Sampler(4);
    const xtc = { ...plain, xtcThreshold: 0.15 };
    const drawn = (xtcProbability: number) => {
      const counts = [0, 0, 0, 0];
      for (let position = 0; position < 4_000; position++) {
        const logits = Float32Array.from([2, 1.5, 1, -1]);
        const { id } = sampler.sample(unnormalised(logits), { ...xtc, xtcProbability }, { history: [], position });
        counts[id]!++;
      }
      return counts;
    };
    // Of 0.49, 0.30, 0.18 and 0.02 the first two are left out.
    expect(drawn(1).slice(0, 2)).toEqual([0, 0]);
    const [first = 0] = drawn(0.5);
    expect(Math.abs(first / (drawn(0)[0] ?? 0) - 0.5)).toBeLessThan(0.1);
    const alone = sampler.sample(unnormalised(Float32Array.from([9, 0, 0, 0])), { ...xtc, xtcProbability: 1 }, start);
    expect(alone.id).toBe(0);
  });

  it('[GEN3] subtracts presence once and frequency per occurrence of recent tokens', () => {
    const sampler = new Sampler(3, new Set([2]));
    const choose = (penalties: Partial<Sampling>, history: number[]) =>
      sampler.sample(
        unnormalised(Float32Array.from([3, 2.2, 0])),
        { ...greedy, ...penalties },
        { history, position: 0 },
      ).id;
    expect(choose({ presencePenalty: 0.9 }, [0])).toBe(1);
    expect(choose({ presencePenalty: 0.7 }, [0, 0, 0])).toBe(0);
    expect(choose({ frequencyPenalty: 0.3 }, [0, 0])).toBe(0);
    expect(choose({ frequencyPenalty: 0.3 }, [0, 0, 0])).toBe(1);
    expect(choose({ presencePenalty: -2 }, [1])).toBe(1);
    // Control tokens are exempt.
    expect(choose({ presencePenalty: -2, frequencyPenalty: -2 }, [2, 2, 2])).toBe(0);
  });

  it('[GEN3] [GEN20] raises the next token of a biased text where it was begun, and lowers only the last', () => {
    const encode = (text: string) => Array.from(text, (letter) => ' abc'.indexOf(letter));
    const sampler = new Sampler(4);
    const choose = (bias: number, history: number[], logits = [0, 1, 0.9, 0.8]) =>
      sampler.sample(unnormalised(Float32Array.from(logits)), greedy, {
        ...{ history, position: 0 },
        biases: resolveBiases([{ text: 'bc', bias }], encode),
      }).id;
    // "bc" and " bc": the space is as much of a beginning as the b.
    expect(choose(0.5, [])).toBe(2);
    expect(choose(1.5, [], [1.2, 1, 0.9, 0])).toBe(0);
    expect(choose(0.5, [2], [0, 1.6, 0, 1])).toBe(1);
    expect(choose(1.5, [2], [0, 1.6, 0, 1])).toBe(3);
    expect(choose(-5, [], [0, 0, 1, 0])).toBe(2);
    expect(choose(-5, [2], [0, 0, 0, 1])).toBe(0);
    expect(choose(-5, [1], [0, 0, 0, 1])).toBe(3);
    expect(resolveBiases([{ text: '\nb', bias: 1 }], () => [7])).toEqual([{ tokens: [7], bias: 1 }]);
  });

  it('[GEN3] [GEN21] writes what a grammar allows, and the same after its tokens were replayed', () => {
    // S → ( S ) S | ε, of at most 30 tokens: 0 opens, 1 closes, 2 ends.
    const grammar = (): Constraint & { open: number; said: number } => ({
      open: 0,
      said: 0,
      mask(allowed) {
        allowed.fill(0);
        const may = [this.open + this.said < 29, this.open > 0, this.open === 0];
        allowed[0] = may.reduce((bits, allow, id) => bits | (Number(allow) << id), 0);
      },
      accept(token) {
        this.said++;
        this.open += token === 0 ? 1 : -1;
      },
    });
    const sampler = new Sampler(70);
    const random = randomStream(9);
    for (let round = 0; round < 100; round++) {
      const rows = Array.from({ length: 31 }, () => randomLogits(random, 70));
      const write = (replay: readonly number[]): number[] => {
        const constraint = grammar();
        const tokens = [...replay];
        for (const token of replay) constraint.accept(token);
        while (tokens.at(-1) !== 2) {
          const context = { history: tokens, position: tokens.length, constraint };
          const { id } = sampler.sample(
            unnormalised(rows[tokens.length]!),
            { ...plain, topK: round % 3, seed: round },
            context,
          );
          tokens.push(id);
          constraint.accept(id);
        }
        return tokens;
      };
      const text = write([]);
      const brackets = text.slice(0, -1);
      const depths = brackets.map((_, i) => brackets.slice(0, i + 1).reduce((sum, id) => sum + (id === 0 ? 1 : -1), 0));
      expect([Math.min(0, ...depths), depths.at(-1) ?? 0]).toEqual([0, 0]);
      expect(write(text.slice(0, text.length >> 1))).toEqual(text);
    }
  });

  it('[GEN3] fails if a constraint allows nothing', () => {
    const constraint = allowing(40, () => false);
    const sample = () => new Sampler(40).sample(unnormalised(new Float32Array(40)), plain, { ...start, constraint });
    expect(sample).toThrow('the constraint allows no token');
  });

  it('[GEN4] gives log-probabilities and alternatives of the model’s own distribution', () => {
    const random = randomStream(5);
    const sampler = new Sampler(200);
    for (let round = 0; round < 100; round++) {
      const logits = randomLogits(random, 200);
      const exact = logSoftmax(logits);
      const sampling = {
        ...plain,
        temperature: 0.3,
        topK: 20,
        repetitionPenalty: 1.3,
        presencePenalty: 1,
        seed: round,
      };
      const biases = [{ tokens: [round % 200], bias: 5 }];
      const constraint = allowing(200, (id) => id % 7 !== 0);
      const sample = sampler.sample({ logits, peak: round % 2 ? null : Math.max(...exact) }, sampling, {
        history: [1, 2, 3],
        position: 0,
        biases,
        constraint,
      });
      expect(sample.logprob).toBeCloseTo(exact[sample.id] ?? NaN, 9);
      const ranked = exact.map((logprob, id) => ({ id, logprob })).sort((a, b) => b.logprob - a.logprob || a.id - b.id);
      const others = ranked.filter(({ id }) => id !== sample.id).slice(0, 5);
      expect(sample.alternatives.map(({ id }) => id)).toEqual(others.map(({ id }) => id));
      sample.alternatives.forEach(({ logprob }, i) => expect(logprob).toBeCloseTo(others[i]?.logprob ?? NaN, 9));
    }
  });

  it('returns one object, which is overwritten', () => {
    const sampler = new Sampler(9);
    const first = sampler.sample(unnormalised(Float32Array.from([1, 2, 3, 4, 5, 6, 7, 8, 9])), greedy, start);
    const { alternatives } = first;
    const second = sampler.sample(unnormalised(Float32Array.from([9, 8, 7, 6, 5, 4, 3, 2, 1])), greedy, start);
    expect(second).toBe(first);
    expect(second.alternatives).toBe(alternatives);
    expect(alternatives.map(({ id }) => id)).toEqual([1, 2, 3, 4, 5]);
  });

  it('leaves the logits as they are', () => {
    const logits = Float32Array.from([1, 2, 3]);
    new Sampler(3).sample(
      unnormalised(logits),
      { ...plain, repetitionPenalty: 2 },
      { history: [0, 1, 2], position: 0 },
    );
    expect([...logits]).toEqual([1, 2, 3]);
  });

  it.each([NaN, Infinity])('refuses logits that contain %s', (broken) => {
    const sample = () => new Sampler(3).sample(unnormalised(Float32Array.from([0, broken, 1])), plain, start);
    expect(sample).toThrow('not finite');
  });
});

describe('ranking', () => {
  const sorted = (scores: Float32Array) =>
    [...scores.keys()].filter((id) => scores[id] !== -Infinity).sort((a, b) => scores[b]! - scores[a]! || a - b);
  const takeAll = (ranking: TopScores) => {
    const taken: number[] = [];
    for (let id = ranking.take(); id !== -1; id = ranking.take()) taken.push(id);
    return taken;
  };

  it('lists and ranks like a full sort, with ties and forbidden tokens', () => {
    const random = randomStream(3);
    for (const vocab of [1, 7, 500, 3001]) {
      const [shortlist, ranking] = [new Shortlist(vocab), new TopScores(vocab)];
      for (let round = 0; round < 30; round++) {
        const scores = randomLogits(random, vocab).map((score) => (random() < 0.1 ? -Infinity : score));
        const expected = sorted(scores);
        const most = 1 + Math.floor(random() * vocab);
        shortlist.collect(scores, most);
        ranking.start(scores, shortlist);
        expect(takeAll(ranking).slice(0, most)).toEqual(expected.slice(0, most));
        const least = random() * 8 - 4;
        shortlist.collectFrom(scores, least);
        ranking.start(scores, shortlist);
        expect(takeAll(ranking)).toEqual(expected.filter((id) => scores[id]! >= least));
      }
    }
  });

  it('lowers a threshold that was guessed too high', () => {
    // The scores that are looked at for the guess are the only good ones.
    const scores = Float32Array.from({ length: 6400 }, (_, id) => (id % 64 === 32 ? 9 : -id));
    const shortlist = new Shortlist(scores.length);
    shortlist.collect(scores, 300);
    expect(shortlist.count).toBeGreaterThanOrEqual(300);
    const ranking = new TopScores(scores.length);
    ranking.start(scores, shortlist);
    expect(takeAll(ranking).slice(0, 300)).toEqual(sorted(scores).slice(0, 300));
  });
});

describe('exponential', () => {
  it('is e^−x to 10⁻¹³, and 0 where it does not affect a sum', () => {
    for (let x = 0; x < 40; x += 0.000_97) expect(Math.abs(decay(x) / Math.exp(-x) - 1)).toBeLessThan(1e-13);
    expect(decay(0)).toBe(1);
    for (const x of [40, 1e9, Infinity]) expect(decay(x)).toBe(0);
  });

  it('sums like a plain loop', () => {
    const random = randomStream(8);
    for (let round = 0; round < 50; round++) {
      const scores = randomLogits(random, 1 + Math.floor(random() * 700));
      const top = Math.max(...scores);
      const scale = 0.5 + random();
      const expected = scores.reduce((sum, score) => sum + Math.exp((score - top) * scale), 0);
      expect(Math.abs(sumOfDecays(scores, top, scale) / expected - 1)).toBeLessThan(1e-12);
    }
    expect(sumOfDecays(Float32Array.from([0, -Infinity, -100]), 0)).toBe(1);
    for (const broken of [NaN, Infinity]) {
      expect(sumOfDecays(Float32Array.from([0, broken]), broken)).toBeNaN();
      expect(sumOfDecays(Float32Array.from([broken, 0]), broken)).toBeNaN();
    }
  });
});

describe('[GEN5] [GEN22] sampling out of range', () => {
  it.each<[keyof Sampling, unknown[], unknown[]]>([
    ['temperature', [0, 2], [-0.01, 2.01, NaN, Infinity]],
    ['topK', [0, 1000], [-1, 1001, 1.5, NaN]],
    ['topP', [0.001, 1], [0, -0.1, 1.01, NaN]],
    ['minP', [0, 1], [-0.1, 1.1, NaN]],
    ['repetitionPenalty', [0.5, 2], [0.49, 2.01, NaN]],
    ['presencePenalty', [-2, 2], [-2.01, 2.01, NaN]],
    ['frequencyPenalty', [-2, 2], [-2.01, 2.01, NaN]],
    ['dryMultiplier', [0, 5], [-0.01, 5.01, NaN]],
    ['dryBase', [1, 4], [0.99, 4.01, NaN]],
    ['dryAllowedLength', [1, 50], [0, 51, 1.5, NaN]],
    ['xtcProbability', [0, 1], [-0.01, 1.01, NaN]],
    ['xtcThreshold', [0.01, 0.5], [0, 0.51, NaN]],
    ['maxTokens', [1, 4096], [0, 4097, 2.5, NaN]],
    ['maxSeconds', [null, 0.01, 86_400], [0, -1, 86_401, NaN]],
    ['seed', [0, Number.MAX_SAFE_INTEGER], [-1, 0.5, 2 ** 53, NaN]],
    ['stop', [[], ['x'], Array(8).fill('s'.repeat(100))], [[''], ['x'.repeat(101)], Array(9).fill('s'), ['\ud83c']]],
    ['bannedPhrases', [[], [' '], Array(32).fill('s')], [[''], ['x'.repeat(101)], Array(33).fill('s'), ['\uFFFD']]],
    [
      'logitBias',
      [[], Array(64).fill({ text: 's', bias: -100 }), [{ text: ' ', bias: 100 }]],
      [
        Array(65).fill({ text: 's', bias: 1 }),
        ...[
          { text: '', bias: 1 },
          { text: 's', bias: 101 },
          { text: 's', bias: NaN },
          { text: 'a\0', bias: 1 },
        ].map((one) => [one]),
      ],
    ],
  ])('%s', (name, allowed, refused) => {
    for (const value of allowed) expect(() => checkSampling({ ...plain, [name]: value })).not.toThrow();
    for (const value of refused) {
      const check = () => checkSampling({ ...plain, [name]: value }, 'input.sampling');
      expect(check).toThrow(InvalidInputError);
      expect(check).toThrow(`input.sampling.${name}`);
    }
  });
});
