import { describe, expect, it } from 'vitest';
import { fillBatch, planBatches } from '../../../src/ml/train/packing.ts';

const lengths = Array.from({ length: 500 }, (_, i) => 2 + ((i * 7919) % 300));
const options = { positions: 1024, longest: 256, seed: 1 };

describe('packing', () => {
  it('[TRAIN3] puts every sequence into one row of one batch, and little padding', () => {
    const plan = planBatches(lengths, options);
    const all = plan.flat(2).sort((a, b) => a - b);
    expect(all).toEqual(lengths.map((_, i) => i));
    const batches = plan.map((rows) =>
      fillBatch(
        rows.map((row) => row.map((i) => new Uint8Array(lengths[i]!))),
        256,
      ),
    );
    const [positions, predicted] = [
      batches.reduce((sum, { tokens }) => sum + tokens.length, 0),
      batches.reduce((sum, each) => sum + each.predicted, 0),
    ];
    expect(predicted / positions).toBeGreaterThan(0.9);
    for (const { tokens } of batches) expect(tokens.length).toBeLessThanOrEqual(options.positions);
  });

  it('a seed gives one order, another seed another', () => {
    expect(planBatches(lengths, options)).toEqual(planBatches(lengths, options));
    expect(planBatches(lengths, { ...options, seed: 2 })).not.toEqual(planBatches(lengths, options));
  });

  it('short sequences share a row with what is as long as several of them', () => {
    const [batch = []] = planBatches([101, 31, 31, 31], { positions: 256, longest: 256, seed: 1 });
    expect(batch).toHaveLength(2);
    const { segments, positions, targets, weights, predicted } = fillBatch(
      [
        [
          [7, 8, 9],
          [4, 5],
        ],
      ],
      8,
    );
    expect({ segments, positions, targets, weights, predicted }).toEqual({
      segments: BigInt64Array.of(0n, 0n, 1n),
      positions: BigInt64Array.of(0n, 1n, 0n),
      targets: BigInt64Array.of(8n, 9n, 5n),
      weights: Float32Array.of(1, 1, 1),
      predicted: 3,
    });
  });

  it('the rest of a sequence that is too long, and one without anything to predict, are left out', () => {
    expect(planBatches([1, 0], options)).toEqual([]);
    expect(fillBatch([[Uint8Array.from({ length: 300 })]], 256).predicted).toBe(256);
  });
});
