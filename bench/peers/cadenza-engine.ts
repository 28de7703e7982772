// Our engine without server, database and socket.
import type * as engines from '../../src/ml/engine.ts';
import type { Work, Written } from '../engine/work.ts';
import { answer, timer } from './answer.mjs';
import { built } from './built.ts';

interface Setup {
  dataDir: string;
  modelId: string;
  threads: number;
  slots: number;
}

const { dataDir, modelId, threads, slots } = JSON.parse(process.argv[2] ?? '') as Setup;
const { createEngine, defaultSampling } = (await built('ml/engine')) as typeof engines;
const log = { info: () => undefined, warn: (message: unknown) => console.error(message) };
const engine = createEngine({ dataDir, threads, slots, queue: 64, fetch: 'off', log });
await engine.whenReady(modelId);

answer({ write });

async function write({ prompts, tokens }: Work): Promise<Written> {
  const arrived = timer();
  const writeOne = async ({ messages }: Work['prompts'][number], seed: number) => {
    const arrivals = [];
    using ticket = engine.admit(modelId);
    const request = { messages, sampling: { ...defaultSampling, maxTokens: tokens, seed } };
    for await (const event of ticket.generate(request, new AbortController().signal)) {
      if (event.type === 'tokens') arrivals.push(arrived(event.tokens.length));
    }
    return arrivals;
  };
  return Promise.all(prompts.map(writeOne));
}
