import { describe, expect, it } from 'vitest';
import { InvalidInputError } from '../../src/lib/errors.ts';
import { randomStream, uniformAt } from '../../src/lib/random.ts';
import { checkSampling, type Sampling } from '../../src/ml/engine.ts';
import { decay, sumOfDecays } from '../../src/ml/exponential.ts';
import { PENALTY_WINDOW } from '../../src/ml/penalties.ts';
import { Ranking, Shortlist } from '../../src/ml/ranking.ts';
import { Sampler } from '../../src/ml/sampler.ts';

const plain: Sampling = {
  temperature: 1,
  topK: 0,
  topP: 1,
  minP: 0,
  repetitionPenalty: 1,
  maxTokens: 16,
  seed: 1,
  stop: [],
};
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

/** The rules of [GEN3] written out with a full sort. */
function referenceChoice(logits: Float32Array, sampling: Sampling, position: number): number {
  const { temperature, topK, topP, minP, seed } = sampling;
  const top = Math.max(...logits);
  const all = [...logits].map((logit, id) => ({ id, logit, weight: Math.exp((logit - top) / temperature) }));
  const ranked = topK > 0 || topP < 1 ? all.sort((a, b) => b.logit - a.logit || a.id - b.id) : all;
  const cut = topK > 0 ? ranked.slice(0, topK) : ranked;
  const mass = cut.reduce((sum, { weight }) => sum + weight, 0);
  let before = 0;
  const nucleus = cut.filter(({ weight }) => (before += weight) - weight < topP * mass);
  const kept = nucleus.filter(({ weight }) => weight >= minP);
  let left = uniformAt(seed, position) * kept.reduce((sum, { weight }) => sum + weight, 0);
  return (kept.find(({ weight }) => (left -= weight) < 0) ?? kept.at(-1))?.id ?? -1;
}

describe('sampler', () => {
  it('[GEN3] chooses what a full sort would choose, for any sampling', () => {
    const random = randomStream(11);
    const vocab = 300;
    const sampler = new Sampler(vocab);
    for (let round = 0; round < 2000; round++) {
      const logits = randomLogits(random, vocab);
      const sampling: Sampling = {
        ...plain,
        temperature: 0.1 + random() * 1.9,
        topK: random() < 0.4 ? 0 : 1 + Math.floor(random() * 400),
        topP: random() < 0.3 ? 1 : 0.05 + random() * 0.9,
        minP: random() < 0.5 ? 0 : random() * 0.3,
        seed: Math.floor(random() * 2 ** 53),
      };
      const { id } = sampler.sample(logits, sampling, { history: [], position: round });
      expect({ round, sampling, id }).toEqual({ round, sampling, id: referenceChoice(logits, sampling, round) });
    }
  });

  it('[GEN3] draws each token as often as its probability says', () => {
    const logits = Float32Array.from([2, 1, 0, -1]);
    const sampler = new Sampler(4);
    const draws = 20_000;
    const counts = [0, 0, 0, 0];
    for (let position = 0; position < draws; position++) {
      const { id } = sampler.sample(logits, plain, { history: [], position });
      counts[id] = (counts[id] ?? 0) + 1;
    }
    const expected = logSoftmax(logits).map((logprob) => Math.exp(logprob) * draws);
    const chiSquare = counts.reduce((sum, count, i) => sum + (count - (expected[i] ?? 0)) ** 2 / (expected[i] ?? 1), 0);
    // 3 degrees of freedom: 16.3 is exceeded once in a thousand seeds.
    expect(chiSquare).toBeLessThan(16.3);
  });

  it('[GEN3] takes the likeliest token at temperature 0, of equal ones the lowest id', () => {
    const sampler = new Sampler(5);
    expect(sampler.sample(Float32Array.from([1, 3, 3, 0, 3]), greedy, start).id).toBe(1);
    expect(sampler.sample(Float32Array.from([-2, -2, -2, -2, -2]), greedy, start).id).toBe(0);
  });

  it('[GEN3] penalises what occurred lately, once, but never the control tokens', () => {
    const sampler = new Sampler(4, new Set([3]));
    const sampling = { ...greedy, repetitionPenalty: 1.5 };
    const choose = (logits: number[], history: number[]) =>
      sampler.sample(Float32Array.from(logits), sampling, { history, position: 0 }).id;
    expect(choose([3, 2.5, 0, 0], [0])).toBe(1);
    expect(choose([3, 1.5, 0, 0], [0, 0, 0, 0])).toBe(0);
    expect(choose([-1, -1.2, -9, -9], [0])).toBe(1);
    expect(choose([2.5, 0, 0, 3], [3])).toBe(3);
    const longAgo = [0, ...Array.from({ length: PENALTY_WINDOW }, () => 2)];
    expect(choose([3, 2.5, 0, 0], longAgo)).toBe(0);
  });

  it('[GEN4] gives log-probabilities and alternatives of the model’s own distribution', () => {
    const random = randomStream(5);
    const sampler = new Sampler(200);
    for (let round = 0; round < 100; round++) {
      const logits = randomLogits(random, 200);
      const exact = logSoftmax(logits);
      const sampling = { ...plain, temperature: 0.3, topK: 20, repetitionPenalty: 1.3, seed: round };
      const sample = sampler.sample(logits, sampling, { history: [1, 2, 3], position: 0 });
      expect(sample.logprob).toBeCloseTo(exact[sample.id] ?? NaN, 9);
      const ranked = exact.map((logprob, id) => ({ id, logprob })).sort((a, b) => b.logprob - a.logprob || a.id - b.id);
      const others = ranked.filter(({ id }) => id !== sample.id).slice(0, 5);
      expect(sample.alternatives.map(({ id }) => id)).toEqual(others.map(({ id }) => id));
      sample.alternatives.forEach(({ logprob }, i) => expect(logprob).toBeCloseTo(others[i]?.logprob ?? NaN, 9));
    }
  });

  it('gives out one object, filled anew', () => {
    const sampler = new Sampler(9);
    const first = sampler.sample(Float32Array.from([1, 2, 3, 4, 5, 6, 7, 8, 9]), greedy, start);
    const { alternatives } = first;
    const second = sampler.sample(Float32Array.from([9, 8, 7, 6, 5, 4, 3, 2, 1]), greedy, start);
    expect(second).toBe(first);
    expect(second.alternatives).toBe(alternatives);
    expect(alternatives.map(({ id }) => id)).toEqual([1, 2, 3, 4, 5]);
  });

  it('leaves the logits as they are', () => {
    const logits = Float32Array.from([1, 2, 3]);
    new Sampler(3).sample(logits, { ...plain, repetitionPenalty: 2 }, { history: [0, 1, 2], position: 0 });
    expect([...logits]).toEqual([1, 2, 3]);
  });

  it.each([NaN, Infinity])('refuses logits that hold %s', (broken) => {
    const sample = () => new Sampler(3).sample(Float32Array.from([0, broken, 1]), plain, start);
    expect(sample).toThrow('not finite');
  });
});

describe('ranking', () => {
  const sorted = (scores: Float32Array) =>
    [...scores.keys()].filter((id) => scores[id] !== -Infinity).sort((a, b) => scores[b]! - scores[a]! || a - b);
  const takeAll = (ranking: Ranking) => {
    const taken: number[] = [];
    for (let id = ranking.take(); id !== -1; id = ranking.take()) taken.push(id);
    return taken;
  };

  it('lists and ranks like a full sort, ties and forbidden tokens among the scores', () => {
    const random = randomStream(3);
    for (const vocab of [1, 7, 500, 3001]) {
      const [shortlist, ranking] = [new Shortlist(vocab), new Ranking(vocab)];
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
    const ranking = new Ranking(scores.length);
    ranking.start(scores, shortlist);
    expect(takeAll(ranking).slice(0, 300)).toEqual(sorted(scores).slice(0, 300));
  });
});

describe('exponential', () => {
  it('is e^−x to 10⁻¹³, and 0 where no sum would feel it', () => {
    for (let x = 0; x < 40; x += 0.000_97) expect(Math.abs(decay(x) / Math.exp(-x) - 1)).toBeLessThan(1e-13);
    expect(decay(0)).toBe(1);
    for (const x of [40, 1e9, Infinity]) expect(decay(x)).toBe(0);
  });

  it('sums what a plain loop sums', () => {
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

describe('[GEN5] sampling out of range', () => {
  it.each<[keyof Sampling, unknown[], unknown[]]>([
    ['temperature', [0, 2], [-0.01, 2.01, NaN, Infinity]],
    ['topK', [0, 1000], [-1, 1001, 1.5, NaN]],
    ['topP', [0.001, 1], [0, -0.1, 1.01, NaN]],
    ['minP', [0, 1], [-0.1, 1.1, NaN]],
    ['repetitionPenalty', [0.5, 2], [0.49, 2.01, NaN]],
    ['maxTokens', [1, 4096], [0, 4097, 2.5, NaN]],
    ['seed', [0, Number.MAX_SAFE_INTEGER], [-1, 0.5, 2 ** 53, NaN]],
    ['stop', [[], ['x'], Array(8).fill('s'.repeat(100))], [[''], ['x'.repeat(101)], Array(9).fill('s'), ['\ud83c']]],
  ])('%s', (name, allowed, refused) => {
    for (const value of allowed) expect(() => checkSampling({ ...plain, [name]: value })).not.toThrow();
    for (const value of refused) {
      const check = () => checkSampling({ ...plain, [name]: value }, 'input.sampling');
      expect(check).toThrow(InvalidInputError);
      expect(check).toThrow(`input.sampling.${name}`);
    }
  });
});
