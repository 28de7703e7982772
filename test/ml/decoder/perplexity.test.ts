import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { compileModel } from '../../../src/ml/compile/compile.ts';
import { type Decoder, type Prediction } from '../../../src/ml/decoder/decoder.ts';
import { openDecoder } from '../../../src/ml/decoder/open-decoder.ts';
import { loadModelCatalogue } from '../../../src/ml/engine.ts';
import { modelDigest } from '../../../src/ml/store/model-catalogue.ts';
import { realModel } from '../../support/models/real-model.ts';
import { kept } from '../../support/tiny/predictions.ts';

/** A text's tokens, and of each but the first ln p(token | the tokens before it). */
interface Scored {
  ids: number[];
  logprobs: number[];
}

const oracle = JSON.parse(readFileSync(new URL('../../oracles/perplexity.json', import.meta.url), 'utf8')) as {
  texts: Scored[];
};

describe.skipIf(realModel === null)('the real model', () => {
  it('[GEN13] has the perplexity of llama.cpp on prose, verse, code, mixed scripts and a specification, token by token', async () => {
    const { texts } = oracle;
    const decoder = await openReal(texts.length);
    const ours = texts.map((): number[] => []);
    for (let position = 0; position < Math.max(...texts.map(({ ids }) => ids.length)) - 1; position++) {
      const rows = texts.flatMap(({ ids }, slot) => {
        const [token, next] = [ids[position], ids[position + 1]];
        return token === undefined || next === undefined ? [] : [{ slot, token, next, position }];
      });
      const predictions = await decoder.decode(rows);
      rows.forEach(({ slot, next }, row) => ours[slot]?.push(logprobOf(next, predictions[row]!.logits)));
    }
    const ratios = texts.map(({ logprobs }, i) => perplexity(ours[i]!) / perplexity(logprobs));
    process.stderr.write(`Perplexity, ours to llama.cpp's: ${ratios.map((ratio) => ratio.toFixed(4)).join(', ')}\n`);
    // 8-bit activations move single tokens by a tenth or so either way, llama.cpp's from one processor to another as well: 200
    // tokens know their perplexity to a few percent, all 3,400 to one.
    for (const ratio of ratios) expect(Math.abs(ratio - 1)).toBeLessThan(0.03);
    const all = perplexity(ours.flat()) / perplexity(texts.flatMap(({ logprobs }) => logprobs));
    expect(Math.abs(all - 1)).toBeLessThan(0.01);
  });

  it('[GEN13] a prompt processed as a whole gives the logits of the same tokens one by one', async () => {
    const ids = oracle.texts[0]!.ids.slice(0, 100);
    const decoder = await openReal(2);
    const whole = kept(await decoder.prefill(0, ids, 0));
    let single = whole;
    for (const [position, token] of ids.entries())
      [single = whole] = await decoder.decode([{ slot: 1, token, position }]);
    // What 8-bit activations make of two orders of adding; a token out of place comes to whole nats.
    expect(divergence(whole, single)).toBeLessThan(0.03);
  });

  it('[GEN4] the graph’s log-probability of the most likely token agrees with its logits', async () => {
    const decoder = await openReal(2);
    for (const { ids } of oracle.texts) {
      const prediction = await decoder.prefill(0, ids.slice(0, 100), 0);
      // Logits of 16 and more are 2e-6 apart in 32 bits: a processor's order of sums may show in the last of them.
      expect(Math.abs((prediction.peak ?? NaN) - logprobOf(likeliest(prediction), prediction.logits))).toBeLessThan(
        2e-6,
      );
    }
  });
});

/** Kullback and Leibler's, in nats. */
function divergence(of: Prediction, from: Prediction): number {
  const gap = normaliserOf(from.logits) - normaliserOf(of.logits);
  const normaliser = normaliserOf(of.logits);
  return of.logits.reduce((sum, logit, id) => sum + Math.exp(logit - normaliser) * (logit - from.logits[id]! + gap), 0);
}

const likeliest = ({ logits }: Prediction): number => logits.indexOf(Math.max(...logits));

async function openReal(slots: number): Promise<Decoder> {
  const [entry] = loadModelCatalogue();
  const source = realModel!;
  const directory = join(dirname(source), 'compiled');
  const model = await compileModel({ source, digest: modelDigest(entry!), directory });
  const decoder = await openDecoder({ model, threads: 2, slots, capacity: 512 });
  onTestFinished(() => decoder[Symbol.asyncDispose]());
  return decoder;
}

const logprobOf = (token: number, logits: Float32Array): number => logits[token]! - normaliserOf(logits);

function normaliserOf(logits: Float32Array): number {
  let [largest, sum] = [-Infinity, 0];
  for (const logit of logits) largest = Math.max(largest, logit);
  for (const logit of logits) sum += Math.exp(logit - largest);
  return largest + Math.log(sum);
}

const perplexity = (logprobs: readonly number[]): number =>
  Math.exp(-logprobs.reduce((sum, value) => sum + value, 0) / logprobs.length);
