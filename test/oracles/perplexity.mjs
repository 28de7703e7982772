/**
 * Makes perplexity.json: the log-probabilities that llama.cpp gives the tokens of a few texts. Outside this repository:
 * `npm install node-llama-cpp@3.22.1`, then run it there with the model's path and a file of texts, one JSON array:
 *
 *   node perplexity.mjs SmolLM2-135M-Instruct.Q4_1.gguf texts.json > perplexity.json
 */
import { readFileSync } from 'node:fs';
import process from 'node:process';
import { getLlama } from 'node-llama-cpp';

const CONTEXT = 1024;
const [modelPath, textsPath] = process.argv.slice(2);
const llama = await getLlama({ gpu: false, build: 'never', logLevel: 'error' });
const model = await llama.loadModel({ modelPath });
const texts = [];
for (const text of JSON.parse(readFileSync(textsPath, 'utf8'))) {
  const ids = model.tokenize(text).map(Number).slice(0, CONTEXT);
  texts.push({ ids, logprobs: (await logprobs(ids)).map((value) => Number(value.toFixed(4))) });
}
process.stdout.write(`${JSON.stringify({ source: 'llama.cpp through node-llama-cpp 3.22.1', texts })}\n`);
process.exit(0);

/** ln p(token | the tokens before it), from the second token on. */
async function logprobs(ids) {
  const context = await model.createContext({ contextSize: CONTEXT + 16, batchSize: CONTEXT + 16 });
  const options = { temperature: 1, topK: 0, topP: 1, minP: 0 };
  const input = ids.slice(0, -1).map((id, i) => {
    const logits = { filter: { tokens: [ids[i + 1]], includeTop: 1 } };
    return [id, { generateNext: { totalLogitWeight: true, logits, options } }];
  });
  const results = await context.getSequence().controlledEvaluate(input);
  await context.dispose();
  return results.map(({ next }, i) => {
    const largest = Math.max(...next.logits.values());
    return next.logits.get(ids[i + 1]) - largest - Math.log(next.totalLogitWeight);
  });
}
