import { describe, expect, it } from 'vitest';
import { silentLogger } from '../../../src/lib/log.ts';
import { createEngine, defaultSampling, type GenerationRequest } from '../../../src/ml/engine.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { realDataDir, realModel } from '../../support/models/real-model.ts';
import { runSchedule, type Schedules, writeAlone } from '../../support/models/schedules.ts';
import { TINY, tinyEngine, writeTinyCatalogue } from '../../support/tiny/tiny-engine.ts';

/** SCHEDULES=200 is the long form. */
const count = Number(process.env.SCHEDULES ?? 0);

const sampling = {
  ...defaultSampling,
  temperature: 1,
  topK: 40,
  topP: 0.95,
  minP: 0,
  repetitionPenalty: 1.1,
  maxTokens: 24,
  stop: [],
};
const ask = (content: string, seed: number, maxTokens: number): GenerationRequest => ({
  messages: [
    { role: 'system', content: 'You are a poet of the sea.' },
    { role: 'user', content },
  ],
  sampling: { ...sampling, seed, maxTokens },
});

async function check(schedules: Schedules, seeds: number): Promise<void> {
  const alone = await writeAlone(schedules);
  for (let seed = 1; seed <= seeds; seed++) {
    expect(`${seed}: ${await runSchedule(seed, schedules, alone)}`).toBe(`${seed}: null`);
  }
}

describe('[GEN1][GEN9][GEN14] whatever starts, ends and fails, a draft has the text that it has alone', () => {
  it('on a tiny model', { timeout: 600_000 }, async () => {
    const folder = await temporaryFolder();
    const catalogueFile = await writeTinyCatalogue(folder);
    const open = (options: object) => tinyEngine(folder, { catalogueFile, queue: 64, ...options });
    const long = 'And '.repeat(70);
    const pool = [
      ...[1, 2, 3, 4].map((seed) => ask('Write.', seed, 10 + 12 * seed)),
      ...[5, 6].map((seed) => ask(`${long}now?`, seed, 30)),
      { ...ask(`${long}then!`, 7, 40), sampling: { ...sampling, seed: 7, maxTokens: 40, stop: ['q'] } },
      ask('', 8, 60),
    ];
    await check({ modelId: TINY, pool, open }, count || 12);
  });

  it.skipIf(realModel === null)('on the real one', { timeout: 3_600_000 }, async () => {
    const id = 'smollm2-135m-instruct';
    const options = { dataDir: realDataDir, threads: 2, fetch: 'off', checked: true, queue: 64 } as const;
    const open = async (more: object) => {
      const engine = createEngine({ ...options, ...more, log: silentLogger });
      await engine.whenReady(id);
      return engine;
    };
    const story = 'Tell the story of the keeper of the light, who saw one ship come home. '.repeat(12);
    const pool = [
      ask('A haiku about rain.', 1, 24),
      ask('Two lines about the tide, and no more.', 2, 16),
      ask(story, 3, 20),
      ask(`${story} In verse.`, 4, 12),
      { ...ask('Name a colour.', 5, 20), sampling: { ...sampling, seed: 5, maxTokens: 20, temperature: 0 } },
    ];
    await check({ modelId: id, pool, open }, count || 2);
  });
});
