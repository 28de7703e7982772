import { describe, expect, it } from 'vitest';
import { randomStream } from '../../../src/lib/random.ts';
import { classify, type LabelledVectors, trainLinearHead } from '../../../src/ml/train.ts';

const [width, classes] = [8, 3];
const options = { width, classes, seed: 1, threads: 1 };

/** Vectors around one centre for each class. */
function blobs(count: number, seed: number): LabelledVectors {
  const random = randomStream(seed);
  const labels = Int32Array.from({ length: count }, (_, i) => i % classes);
  const vectors = Float32Array.from({ length: count * width }, (_, i) => {
    const label = Math.floor(i / width) % classes;
    return (i % width === label ? 2 : 0) + random() - 0.5;
  });
  return { vectors, labels };
}

describe('a linear head', () => {
  it('[TRAIN4] learns classes that a plane separates, and gives probabilities', async () => {
    const head = await trainLinearHead(blobs(300, 1), options);
    const { vectors, labels } = blobs(60, 2);
    labels.forEach((label, i) => {
      const shares = classify(head, vectors.subarray(i * width, (i + 1) * width));
      expect(shares.indexOf(Math.max(...shares))).toBe(label);
      expect(shares.reduce((sum, share) => sum + share)).toBeCloseTo(1, 5);
    });
  });

  it('[TRAIN4] one seed gives one head', async () => {
    expect(await trainLinearHead(blobs(50, 1), options)).toEqual(await trainLinearHead(blobs(50, 1), options));
  });

  it.each([
    ['labels', { vectors: new Float32Array(0), labels: new Int32Array(0) }],
    ['labels', { vectors: new Float32Array(width), labels: Int32Array.of(3) }],
    ['vectors', { vectors: new Float32Array(width + 1), labels: Int32Array.of(0) }],
  ])('refuses %s that do not fit', async (field, data) => {
    await expect(trainLinearHead(data, options)).rejects.toMatchObject({ code: 'INVALID_INPUT', field });
  });
});
