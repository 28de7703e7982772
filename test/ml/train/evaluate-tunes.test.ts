import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { storeMeasurements } from '../../../src/cli/evaluating/evaluate-tunes.ts';
import { evaluateTunes, trainTunes } from '../../../src/ml/train.ts';
import { parseTune } from '../../../src/tunes/abc/parse-tune.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { ask, startListening } from '../../support/listening.ts';
import { randomTunes } from '../../support/tunes/random-tunes.ts';

const texts = [randomTunes(1, 80).join('\n')];

describe('the evaluation of a model of tunes', () => {
  it('[TUNES2] scores the test part as the model is served, and has tunes written in its keys and metres', async () => {
    const folder = await temporaryFolder();
    const model = join(folder, 'model');
    const { curve } = await trainTunes({ texts, folder: model, width: 32, layers: 1, epochs: 4, seed: 1, threads: 1 });
    const options = { texts, model, all: false, samples: 4, seed: 1, threads: 1 };
    const played: string[] = [];
    const plays = (abc: string) => Promise.resolve(played.push(abc) > 0);
    const found = await evaluateTunes({ ...options, plays });
    const best = Math.min(...curve.map(({ validation }) => validation));
    // Nats a token and bits a character are of one size here: a symbol has a character or two.
    expect(found.bitsPerCharacter).toBeGreaterThan(0.5 * best);
    expect(found.bitsPerCharacter).toBeLessThan(2 * best);
    expect(found).toMatchObject({ tunes: 4, barsExact: 1, plays: 1, headerObeyed: 1 });
    expect(found.tunesWritten.map((abc) => parseTune(abc).metre?.text)).toEqual(['6/8', '6/8', '6/8', '6/8']);
    expect(played).toEqual(found.tunesWritten);
    expect((await evaluateTunes({ ...options, plays })).tunesWritten).toEqual(found.tunesWritten);
    const { graphqlUrl, database } = await startListening();
    await storeMeasurements(database, found, ['/somewhere/airs.abc', 'reels.abc']);
    const { data } = await ask(
      graphqlUrl,
      '{ evaluations(first: 100) { modelVersion dataset protocol metric value } }',
    );
    const of = { modelVersion: found.version, dataset: 'airs.abc reels.abc', protocol: 'tunes' };
    const stored = (data as { evaluations: { metric: string; value: number }[] }).evaluations;
    expect(stored).toContainEqual({ ...of, metric: 'bpc', value: found.bitsPerCharacter });
    expect(stored).toContainEqual({ ...of, metric: 'bars_exact', value: 1 });
    expect(stored).toHaveLength(13);
    await expect(evaluateTunes({ ...options, texts: ['nothing'], plays })).rejects.toThrow('no tunes to score');
  });
});
