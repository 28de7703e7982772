import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { DecoderSession } from '../../../src/ml/train/decoder-session.ts';
import { decoderParameters } from '../../../src/ml/train/graph/decoder.ts';
import { fillBatch } from '../../../src/ml/train/packing.ts';
import { tinyShape, waves } from '../../support/tiny/tiny-decoder.ts';

/** Made by PyTorch, in double precision. */
const oracle = JSON.parse(readFileSync(new URL('../../oracles/training-step.json', import.meta.url), 'utf8')) as {
  sequences: number[][][];
  loss: number;
  norm: number;
  losses: number[];
  gradients: Record<string, string>;
};
const batch = () => fillBatch(oracle.sequences, tinyShape.contextTokens);
/** Without momentum and clipping, the first running mean is the gradient. */
const plain = { beta1: 0, beta2: 0, clipNorm: 1e9, decay: 0 };

function open({ optimiser = plain, dropout = 0 } = {}): DecoderSession {
  const session = new DecoderSession({ shape: tinyShape, optimiser, dropout, seed: 5, threads: 1 });
  session.state.write(waves());
  return session;
}

async function gradients(dropout = 0) {
  using session = open({ dropout });
  const result = await session.step(batch(), 1, 0);
  const state = session.state.read();
  return { ...result, of: (name: string) => state.get(`${name}.first`)!.data };
}

describe('a training step', () => {
  it('[TRAIN1] its loss and gradients are PyTorch’s, with several sequences in a row', async () => {
    const { loss, gradientNorm, of } = await gradients();
    expect(loss).toBeCloseTo(oracle.loss, 5);
    expect(gradientNorm).toBeCloseTo(oracle.norm, 4);
    for (const [name, encoded] of Object.entries(oracle.gradients)) {
      const bytes = Uint8Array.from(Buffer.from(encoded, 'base64'));
      const expected = new Float32Array(bytes.buffer);
      const found = of(`${name}.weight`);
      const error = Math.max(...expected.map((value, i) => Math.abs(value - found[i]!)));
      expect(error, name).toBeLessThan(1e-4);
    }
  });

  it('[TRAIN1] AdamW with clipping and decay goes PyTorch’s way', async () => {
    using session = open({ optimiser: { beta1: 0.9, beta2: 0.99, clipNorm: 0.5, decay: 0.1 } });
    const losses: number[] = [];
    for (let step = 1; step <= 4; step++) losses.push((await session.step(batch(), step, 0.01)).loss);
    losses.forEach((loss, i) => expect(loss).toBeCloseTo(oracle.losses[i]!, 4));
  });

  it.each([0, 0.3])('[TRAIN1] gradients are finite differences of the loss, with a dropout of %f', async (dropout) => {
    const { of } = await gradients(dropout);
    const lossAt = async (name: string, index: number, change: number): Promise<number> => {
      using session = open({ dropout });
      const values = waves();
      const moved = values(name);
      moved[index] = moved[index]! + change;
      session.state.write(values);
      return (await session.step(batch(), 1, 0)).loss;
    };
    for (const { name } of decoderParameters(tinyShape).slice(0, 8)) {
      const gradient = of(name);
      const index = gradient.reduce((best, value, i) => (Math.abs(value) > Math.abs(gradient[best]!) ? i : best), 0);
      const step = 5e-3;
      const difference = (await lossAt(name, index, step)) - (await lossAt(name, index, -step));
      expect(difference / (2 * step) / gradient[index]!, name).toBeCloseTo(1, 1);
    }
  });

  it('[TRAIN3] a sequence costs the same beside others in its row as alone', async () => {
    using session = open();
    const alone: number[] = [];
    for (const sequence of oracle.sequences.flat())
      alone.push(await session.evaluate(fillBatch([[sequence]], tinyShape.contextTokens)));
    const together = await session.evaluate(batch());
    expect(together).toBeCloseTo(
      alone.reduce((sum, loss) => sum + loss),
      4,
    );
  });

  it('dropout changes the loss of a step and nothing of an evaluation', async () => {
    const [without, withDropout] = [await gradients(), await gradients(0.3)];
    expect(withDropout.loss).not.toBeCloseTo(without.loss, 3);
    using session = open({ dropout: 0.3 });
    const { predicted } = batch();
    expect((await session.evaluate(batch())) / predicted).toBeCloseTo(oracle.loss, 5);
  });
});
