import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { compileModel } from '../../src/ml/compile/compile.ts';
import { openDecoder, type Decoder } from '../../src/ml/decoder.ts';
import { loadModelCatalogue } from '../../src/ml/engine.ts';
import { modelDigest } from '../../src/ml/store/model-catalogue.ts';
import { realModel } from '../support/real-model.ts';

/** A text's tokens, and of each but the first ln p(token | the tokens before it). */
interface Scored {
  ids: number[];
  logprobs: number[];
}

const oracle = JSON.parse(readFileSync(new URL('../oracles/perplexity.json', import.meta.url), 'utf8')) as {
  texts: Scored[];
};

describe.skipIf(realModel === null)('the real model', () => {
  it('[GEN13] has the perplexity of llama.cpp on prose, verse, code and mixed scripts, read a token at a time', async () => {
    const { texts } = oracle;
    const decoder = await openReal(texts.length);
    const ours = texts.map((): number[] => []);
    for (let position = 0; position < Math.max(...texts.map(({ ids }) => ids.length)) - 1; position++) {
      const rows = texts.flatMap(({ ids }, slot) => {
        const [token, next] = [ids[position], ids[position + 1]];
        return token === undefined || next === undefined ? [] : [{ slot, token, next, position }];
      });
      const logits = await decoder.decode(rows);
      rows.forEach(({ slot, next }, row) => ours[slot]?.push(logprobOf(next, logits[row]!)));
    }
    const ratios = texts.map(({ logprobs }, i) => perplexity(ours[i]!) / perplexity(logprobs));
    process.stderr.write(`Perplexity, ours to llama.cpp's: ${ratios.map((ratio) => ratio.toFixed(4)).join(', ')}\n`);
    for (const ratio of ratios) expect(Math.abs(ratio - 1)).toBeLessThan(0.01);
  });

  it('[GEN13] a prompt taken in whole leads to the logits of the same tokens one by one', async () => {
    const ids = oracle.texts[0]!.ids.slice(0, 100);
    const decoder = await openReal(2);
    const whole = Float32Array.from(await decoder.prefill(0, ids, 0));
    let single: Float32Array = whole;
    for (const [position, token] of ids.entries())
      [single = whole] = await decoder.decode([{ slot: 1, token, position }]);
    const next = oracle.texts[0]!.ids[100]!;
    expect(logprobOf(next, whole)).toBeCloseTo(logprobOf(next, single), 1);
    expect(whole.indexOf(Math.max(...whole))).toBe(single.indexOf(Math.max(...single)));
  });
});

async function openReal(slots: number): Promise<Decoder> {
  const [entry] = loadModelCatalogue();
  const source = realModel!;
  const directory = join(dirname(source), 'compiled');
  const model = await compileModel({ source, digest: modelDigest(entry!), directory });
  const decoder = await openDecoder({ model, threads: 2, slots, capacity: 512 });
  onTestFinished(() => decoder[Symbol.asyncDispose]());
  return decoder;
}

function logprobOf(token: number, logits: Float32Array): number {
  const largest = Math.max(...logits);
  const sum = logits.reduce((total, value) => total + Math.exp(value - largest), 0);
  return logits[token]! - largest - Math.log(sum);
}

const perplexity = (logprobs: readonly number[]): number =>
  Math.exp(-logprobs.reduce((sum, value) => sum + value, 0) / logprobs.length);
