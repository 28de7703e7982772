import { describe, expect, it } from 'vitest';
import { randomStream } from '../../../src/lib/random.ts';
import { type LabelledVectors, logitsOf, trainLinearHead } from '../../../src/ml/train.ts';

const [width, labels] = [8, 3];
const options = { width, labels, seed: 1, threads: 1 };

/** Vectors around one centre for each label; every fifth lies between two and has both. */
function blobs(count: number, seed: number): LabelledVectors {
  const random = randomStream(seed);
  const rightOf = (row: number) => (row % 5 === 0 ? [row % labels, (row + 1) % labels] : [row % labels]);
  const targets = Float32Array.from({ length: count * labels }, (_, i) =>
    Number(rightOf(Math.floor(i / labels)).includes(i % labels)),
  );
  const vectors = Float32Array.from({ length: count * width }, (_, i) => {
    const near = rightOf(Math.floor(i / width)).includes(i % width);
    return 10 + (near ? 2 : 0) + 0.5 * (random() - 0.5);
  });
  return { vectors, targets };
}

describe('a linear head', () => {
  it('[TRAIN4] learns labels that planes separate, several of one vector too', async () => {
    const head = await trainLinearHead(blobs(600, 1), { ...options, learningRate: 0.02, epochs: 40 });
    const { vectors, targets } = blobs(60, 2);
    for (let row = 0; row < 60; row++) {
      const logits = logitsOf(head, vectors.subarray(row * width, (row + 1) * width));
      logits.forEach((logit, label) => expect(logit > 0).toBe(targets[row * labels + label] === 1));
    }
  });

  it('[TRAIN4] one seed gives one head', async () => {
    expect(await trainLinearHead(blobs(50, 1), options)).toEqual(await trainLinearHead(blobs(50, 1), options));
  });

  it('[TRAIN4] keeps the parameters that predict held vectors best, and then ends', async () => {
    const data = blobs(40, 1);
    const held = { ...blobs(40, 2), targets: data.targets.map((target) => 1 - target) };
    const losses: number[] = [];
    const report = ({ loss }: { loss: number }) => void losses.push(loss);
    await trainLinearHead(data, { ...options, held, epochs: 50, report });
    // Each step makes them worse.
    expect(losses.length).toBeLessThan(10);
  });

  it.each([
    ['targets', { vectors: new Float32Array(0), targets: new Float32Array(0) }],
    ['targets', { vectors: new Float32Array(width), targets: Float32Array.of(0, 0.5, 1) }],
    ['vectors', { vectors: new Float32Array(width + 1), targets: Float32Array.of(0, 1, 0) }],
  ])('refuses %s that do not fit', async (field, data) => {
    await expect(trainLinearHead(data, options)).rejects.toMatchObject({ code: 'INVALID_INPUT', field });
  });
});
