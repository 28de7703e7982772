import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { compileModel } from '../../../src/ml/compile/compile.ts';
import { openDecoder } from '../../../src/ml/decoder/open-decoder.ts';
import { DecoderSession } from '../../../src/ml/train/decoder-session.ts';
import { fillBatch } from '../../../src/ml/train/packing.ts';
import { writeModel } from '../../../src/ml/train/write-model.ts';

const sizes = {
  ...{ vocabulary: 70, layers: 3, feedForward: 96, contextTokens: 64 },
  ...{ ropeBase: 10_000, normEpsilon: 1e-5 },
};
const optimiser = { beta1: 0.9, beta2: 0.99, clipNorm: 1, decay: 0.1 };
const sequence = Array.from({ length: 40 }, (_, i) => (i * i + 3 * i) % sizes.vocabulary);

describe('a trained decoder', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cadenza-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it.each([
    ['float', 2],
    ['int8', 2],
    // Heads of 8 dimensions, and of 24: attention operators take multiples of 16.
    ['float', 8],
    ['float', 4],
  ] as const)(
    '[TRAIN5] predicts the same when it is compiled and served, weights %s, heads %i',
    async (weights, heads) => {
      const shape = { ...sizes, heads, hidden: heads === 4 ? 96 : 64 };
      using session = new DecoderSession({ shape, optimiser, dropout: 0, seed: 1, threads: 1 });
      const batch = fillBatch([[sequence]], shape.contextTokens);
      for (let step = 1; step <= 30; step++) await session.step(batch, step, 0.01);
      const expected = await session.evaluate(batch);
      await writeModel(join(folder, 'model'), shape, session.state.readParameters());
      const target = { device: 'cpu', weights } as const;
      const source = {
        source: join(folder, 'model'),
        digest: '0'.repeat(64),
        directory: join(folder, 'compiled'),
        target,
      };
      await using decoder = await openDecoder({
        model: await compileModel(source),
        threads: 1,
        slots: 1,
        capacity: 64,
      });
      let served = 0;
      for (const [position, token] of sequence.slice(0, -1).entries()) {
        const [prediction] = await decoder.decode([{ slot: 0, token, position }]);
        served -= logShare(prediction!.logits, sequence[position + 1]!);
      }
      // 16-bit floats in the file; 8-bit blocks and activations besides.
      expect(Math.abs(served / expected - 1)).toBeLessThan(weights === 'float' ? 0.01 : 0.1);
    },
  );
});

function logShare(logits: Float32Array, token: number): number {
  const highest = Math.max(...logits);
  return logits[token]! - highest - Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit - highest), 0));
}
