import { type AskedTune, planTune } from '../../tunes/tunes.ts';
import type { Engine } from '../contract.ts';
import { defaultSampling } from '../sampling/sampling-limits.ts';

/** Number of tunes that are written at once. */
const AT_ONCE = 8;

export interface SampledTunes {
  /** In the order of what was asked for, with their fields. */
  tunes: readonly string[];
  tokensPerSecond: number;
}

/** Has a model write tunes as drafts of kind TUNE are written. @throws what the engine throws */
export async function sampleTunes(
  engine: Engine,
  modelId: string,
  { asked, seed, report }: { asked: readonly AskedTune[]; seed: number; report?: (done: number) => void },
): Promise<SampledTunes> {
  const tunes: string[] = [];
  const start = performance.now();
  let [next, done, tokens] = [0, 0, 0];
  const write = async (): Promise<void> => {
    for (let i = next++; i < asked.length; i = next++) {
      const sampled = await sampleTune(engine, modelId, asked[i], seed + i);
      tunes[i] = sampled.abc;
      tokens += sampled.tokens;
      report?.(++done);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, write));
  return { tunes, tokensPerSecond: (tokens / (performance.now() - start)) * 1000 };
}

async function sampleTune(engine: Engine, modelId: string, input: AskedTune | undefined, seed: number) {
  const { header, prompt, plan } = planTune(input ?? {}, { seed, title: 'Sample' });
  const room = (engine.models().find(({ id }) => id === modelId)?.contextTokens ?? 0) - prompt.length - 1;
  const sampling = { ...defaultSampling, seed, maxTokens: room };
  const messages = [{ role: 'user' as const, content: prompt }];
  using ticket = engine.admit(modelId);
  let [abc, tokens] = [header, 0];
  for await (const event of ticket.generate({ messages, tune: plan, sampling }, new AbortController().signal)) {
    if (event.type !== 'tokens') continue;
    abc += event.text;
    tokens += event.tokens.length;
  }
  return { abc, tokens };
}
