// transformers.js with the same graph and tokenizer: means over tokens, at length 1.
import console from 'node:console';
import { performance } from 'node:perf_hooks';
import process from 'node:process';
import { json } from 'node:stream/consumers';
import { env, pipeline } from '@huggingface/transformers';

const { threads, sentences, folder } = await json(process.stdin);
env.allowRemoteModels = false;
env.localModelPath = folder;
const extract = await pipeline('feature-extraction', 'encoder', {
  dtype: 'fp32',
  device: 'cpu',
  session_options: { intraOpNumThreads: threads },
});
const byLength = sentences.toSorted((a, b) => a.length - b.length);
const ways = { alone: [sentences, 1], mixed: [sentences, 16], sorted8: [byLength, 8], sorted32: [byLength, 32] };
const sentencesPerSecond = {};
for (const [name, [texts, size]] of Object.entries(ways)) {
  const all = async () => {
    for (let from = 0; from < texts.length; from += size)
      await extract(texts.slice(from, from + size), { pooling: 'mean', normalize: true });
  };
  await extract(texts.slice(0, size), { pooling: 'mean', normalize: true });
  const start = performance.now();
  await all();
  sentencesPerSecond[name] = texts.length / ((performance.now() - start) / 1_000);
}
const peakRssMb = Math.round(process.resourceUsage().maxRSS / 1024);
console.log(JSON.stringify({ sentencesPerSecond, peakRssMb }));
