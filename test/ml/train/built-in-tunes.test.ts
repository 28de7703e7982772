import { describe, expect, it, onTestFinished } from 'vitest';
import { silentLogger } from '../../../src/lib/log.ts';
import { sampleTunes } from '../../../src/ml/composer/sample-tunes.ts';
import { createEngine, loadModelCatalogue } from '../../../src/ml/engine.ts';
import { parseTune } from '../../../src/tunes/abc/parse-tune.ts';
import { measureTune } from '../../../src/tunes/evaluate/measure-tune.ts';
import { temporaryFolder } from '../../support/folder.ts';

describe('the built-in model of tunes', () => {
  it('[TUNES3] writes tunes as they are asked for, and nothing is downloaded', async () => {
    const dataDir = await temporaryFolder();
    const entry = loadModelCatalogue().find(({ task }) => task === 'TUNE_GENERATION')!;
    expect(entry.sources.every((source) => 'file' in source)).toBe(true);
    const engine = createEngine({ dataDir, threads: 1, fetch: 'off', log: silentLogger });
    onTestFinished(() => engine[Symbol.asyncDispose]());
    await engine.whenReady(entry.id);
    const others = engine.models().filter(({ id }) => id !== entry.id);
    expect(others.map(({ task }) => task)).toEqual(expect.arrayContaining(['TEXT_GENERATION', 'EMBEDDING']));
    for (const { id } of others) await expect(engine.whenReady(id)).rejects.toThrow('is not on this machine');
    const asked = [
      { key: 'G', mode: 'MAJOR' as const, metre: '6/8' },
      { key: 'A', mode: 'DORIAN' as const, metre: 'C|' },
      { key: 'D', mode: 'MIXOLYDIAN' as const, metre: '9/8' },
      { key: 'E', mode: 'MINOR' as const, metre: '3/4' },
    ];
    const { tunes } = await sampleTunes(engine, entry.id, { asked, seed: 1 });
    tunes.forEach((abc, i) => {
      const { bars, exactBars, endsOnTonic, problems } = measureTune(abc);
      expect({ exactBars, endsOnTonic, problems }).toEqual({ exactBars: bars, endsOnTonic: true, problems: 0 });
      const { key, metre } = parseTune(abc);
      expect([key.tonic, key.mode, metre?.text]).toEqual([asked[i]!.key, asked[i]!.mode, asked[i]!.metre]);
    });
  });
});
