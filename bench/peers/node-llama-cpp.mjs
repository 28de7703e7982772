// llama.cpp as node-llama-cpp ships it: every draft a sequence of one context, so that they are evaluated together.
import process from 'node:process';
import { getLlama } from 'node-llama-cpp';
import { answer, timer } from './answer.mjs';

const { ggufPath, threads } = JSON.parse(process.argv[2]);
const llama = await getLlama({
  build: 'never',
  gpu: false,
  skipDownload: true,
  logLevel: 'error',
  maxThreads: threads,
});
const model = await llama.loadModel({ modelPath: ggufPath });

answer({ write, score });

/** Greedy, the cheapest way to choose; on past end tokens, so that all drafts are as long. */
async function write({ prompts, tokens }) {
  const contextSize = Math.max(...prompts.map(({ ids }) => ids.length)) + tokens;
  const batchSize = Math.max(512, prompts.length * 128);
  const context = await model.createContext({ sequences: prompts.length, contextSize, batchSize, threads });
  const sequences = prompts.map(() => context.getSequence());
  const arrived = timer();
  const writeOne = async ({ ids }, sequence) => {
    const arrivals = [];
    for await (const _ of sequence.evaluate(ids, { temperature: 0, yieldEogToken: true })) {
      arrivals.push(arrived());
      if (arrivals.length === tokens) break;
    }
    return arrivals;
  };
  const written = await Promise.all(prompts.map((prompt, i) => writeOne(prompt, sequences[i])));
  await context.dispose();
  return written;
}

/** @returns of each piece, the sum of ln p(token | the tokens before it), from the second token on */
async function score(pieces) {
  const sums = [];
  for (const ids of pieces) sums.push(await scorePiece(ids));
  return sums;
}

async function scorePiece(ids) {
  const context = await model.createContext({ contextSize: ids.length + 16, batchSize: ids.length + 16, threads });
  const options = { temperature: 1, topK: 0, topP: 1, minP: 0 };
  const input = ids.slice(0, -1).map((id, i) => {
    const logits = { filter: { tokens: [ids[i + 1]], includeTop: 1 } };
    return [id, { generateNext: { totalLogitWeight: true, logits, options } }];
  });
  const results = await context.getSequence().controlledEvaluate(input);
  await context.dispose();
  return results.reduce((sum, { next }, i) => {
    const largest = Math.max(...next.logits.values());
    return sum + next.logits.get(ids[i + 1]) - largest - Math.log(next.totalLogitWeight);
  }, 0);
}
