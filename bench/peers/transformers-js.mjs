// transformers.js on the same weights in its own layout: the drafts are one batch, which has to start and end together.
import process from 'node:process';
import { AutoModelForCausalLM, BaseStreamer, env, Tensor } from '@huggingface/transformers';
import { answer, timer } from './answer.mjs';

const { folder, threads } = JSON.parse(process.argv[2]);
env.allowRemoteModels = false;
env.localModelPath = folder;
const model = await AutoModelForCausalLM.from_pretrained('writer', {
  dtype: 'fp32',
  device: 'cpu',
  session_options: { intraOpNumThreads: threads },
});

answer({ write });

/** Greedy, the cheapest way to choose; on past end tokens, so that all drafts are as long. */
async function write({ prompts, tokens }) {
  const dims = [prompts.length, prompts[0].ids.length];
  const input_ids = new Tensor('int64', BigInt64Array.from(prompts.flatMap(({ ids }) => ids).map(BigInt)), dims);
  const attention_mask = new Tensor('int64', new BigInt64Array(input_ids.size).fill(1n), dims);
  const streamer = new Arrivals();
  await model.generate({
    ...{ input_ids, attention_mask, streamer },
    ...{ max_new_tokens: tokens, min_new_tokens: tokens, do_sample: false },
  });
  return prompts.map(() => streamer.arrivals);
}

/** Is told the prompts first, then each token of all drafts. */
class Arrivals extends BaseStreamer {
  #arrived = timer();
  #sawPrompts = false;
  arrivals = [];

  put() {
    if (this.#sawPrompts) this.arrivals.push(this.#arrived());
    this.#sawPrompts = true;
  }

  end() {}
}
