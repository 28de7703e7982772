import { spawn } from 'node:child_process';
import { text as readAll } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLanguage, headPath, type Language, trainHead, writeHead } from '../../src/language/language.ts';
import { createRemoteEngine, type LoneEncoder } from '../../src/ml/engine.ts';
import { createReports } from '../../src/report/report.ts';
import { temporaryFolder } from '../support/folder.ts';
import { ask, startListening } from '../support/listening.ts';
import { ScriptedEngine } from '../support/models/scripted-engine.ts';
import { eventually } from '../support/time/eventually.ts';
import { openTinyEncoder, tinyRows } from '../support/tiny/tiny-language.ts';

const signal = new AbortController().signal;
let vectors: LoneEncoder;
let heads: Awaited<ReturnType<typeof trainHead>>[];
beforeAll(async () => {
  vectors = await openTinyEncoder();
  heads = [
    await trainHead({
      ...{ name: 'emotion', vectors, encoder: vectors.model.digest, rows: tinyRows(300) },
      ...{ seed: 1, epochs: 20, threads: 1, now: new Date(0), signal },
    }),
  ];
});
afterAll(() => vectors[Symbol.asyncDispose]());

async function open(): Promise<Language> {
  const dataDir = await temporaryFolder();
  for (const head of heads) await writeHead(headPath(dataDir, head.name), head);
  return createLanguage({ vectors, translation: createRemoteEngine(() => []), encoder: () => vectors.model, dataDir });
}

const texts = ['the sad rain', 'i love the happy song', '雨'];

describe('services on texts', () => {
  it('[LANGUAGE1] answer over GraphQL in the order of the texts, alike each time', async () => {
    await using language = await open();
    const { graphqlUrl } = await startListening({ language });
    const query = `query ($texts: [String!]!) {
      classifyText(texts: $texts) { classifier version labels { label probability score bias chosen words { text from to contribution } } }
      sentiment(texts: $texts) { score }
      moodOf(texts: $texts) { valence arousal }
      embed(texts: $texts) { vector tokens }
      detectLanguage(texts: $texts) { language confidence isReliable }
      textClassifiers { name labels macroF1 calibrationError }
    }`;
    const { data, errors } = await ask(graphqlUrl, query, { texts });
    expect(errors).toBeUndefined();
    expect(await ask(graphqlUrl, query, { texts })).toMatchObject({ data });
    const found = data as {
      classifyText: { labels: { label: string; score: number; bias: number; words: { contribution: number }[] }[] }[];
      sentiment: { score: number }[];
      moodOf: { valence: number; arousal: number }[];
      embed: { vector: number[] }[];
      textClassifiers: { name: string }[];
    };
    expect(found.classifyText.map(({ labels }) => labels[0]?.label).slice(0, 2)).toEqual(['sadness', 'joy']);
    for (const { score, bias, words } of found.classifyText.flatMap(({ labels }) => labels))
      expect(words.reduce((sum, { contribution }) => sum + contribution, bias)).toBeCloseTo(score, 6);
    expect(found.sentiment[0]?.score).toBeLessThan(0);
    expect(found.sentiment[1]?.score).toBeGreaterThan(0);
    for (const { valence, arousal } of found.moodOf) {
      expect(Math.abs(valence)).toBeLessThanOrEqual(1);
      expect(Math.abs(arousal)).toBeLessThanOrEqual(1);
    }
    for (const { vector } of found.embed) expect(Math.hypot(...vector)).toBeCloseTo(1, 5);
    expect(found.textClassifiers.map(({ name }) => name)).toEqual(expect.arrayContaining(['emotion']));
  });

  it('[LANGUAGE1] refuse what is too much by name', async () => {
    const { graphqlUrl } = await startListening();
    const refusal = async (given: string[]) => {
      const { errors } = await ask(graphqlUrl, 'query ($texts: [String!]!) { embed(texts: $texts) { tokens } }', {
        texts: given,
      });
      return errors?.[0]?.extensions;
    };
    expect(await refusal(['x'.repeat(4_001)])).toMatchObject({ code: 'INVALID_INPUT', field: 'texts.0' });
    expect(await refusal(Array.from({ length: 51 }, () => 'x'))).toMatchObject({
      code: 'INVALID_INPUT',
      field: 'texts',
    });
    expect(await refusal(['x', ' '])).toMatchObject({ code: 'INVALID_INPUT', field: 'texts.1' });
    expect(await refusal(['x'])).toMatchObject({ code: 'MODEL_UNAVAILABLE' });
  });

  it('[LANGUAGE1] tell languages without a model, and end with the request', async () => {
    await using language = createLanguage({
      vectors: { encode: () => Promise.reject(new Error('not needed')) },
      translation: createRemoteEngine(() => []),
      encoder: () => null,
      dataDir: await temporaryFolder(),
    });
    const found = await language.detect(
      ['The rain falls on the roof.', 'Der Regen fällt auf das Dach.', '欢快的舞曲', '42'],
      signal,
    );
    expect(found.map((one) => one.language)).toEqual(['en', 'de', 'zh', null]);
    const leaving = new AbortController();
    const detecting = language.detect(['The rain'], leaving.signal);
    leaving.abort(new Error('left'));
    await expect(detecting).rejects.toThrow('left');
  });

  it('[LANGUAGE1] tell languages from a shell, a line each', async () => {
    const script = fileURLToPath(new URL('../../src/cli/text.ts', import.meta.url));
    const env = { ...process.env, CADENZA_DATA_DIR: await temporaryFolder() };
    const child = spawn(process.execPath, ['--import', 'tsx', script, 'language'], { env });
    child.stdin.end('The rain falls on the roof.\r\n\r\nDer Regen fällt auf das Dach.\n');
    const lines = (await readAll(child.stdout))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { language: string });
    expect(lines.map((line) => line.language)).toEqual(['en', 'de']);
  });

  it('[REPORT1] report on a whole text from a shell, as the server does', async () => {
    const script = fileURLToPath(new URL('../../src/cli/text.ts', import.meta.url));
    const env = { ...process.env, CADENZA_DATA_DIR: await temporaryFolder() };
    const text = 'In order to see the the harbour, she walked a mile.\n\nIt was built in 1901.\n';
    const child = spawn(process.execPath, ['--import', 'tsx', script, 'analyse'], { env });
    child.stdin.end(text);
    const printed = await readAll(child.stdout);
    await using reports = createReports();
    expect(JSON.parse(printed)).toEqual(await reports.of(text, 'text'));
    expect(printed).toContain('"REPEATED_WORD"');
  });

  it('[MEANING4] a draft’s mood steers a list and a tune; one without text has none', async () => {
    await using language = await open();
    const engine = new ScriptedEngine({ granted: 0 });
    const { graphqlUrl } = await startListening({ language, engine });
    const start = `mutation ($input: StartDraftInput!) {
      startDraft(input: $input) { ... on StartDraftSuccess { draft { id } } ... on InvalidInputError { field } }
    }`;
    const begin = async (input: object) => (await ask(graphqlUrl, start, { input })).data?.startDraft;
    const sampling = { maxTokens: 20 };
    const { draft } = (await begin({ kind: 'POEM', prompt: 'rain', sampling })) as { draft: { id: string } };
    const steered = 'query ($id: ID!) { recommendations(context: { moodOf: $id }) { requestId } }';
    const refused = await ask(graphqlUrl, steered, { id: draft.id });
    expect(refused.errors?.[0]?.extensions).toMatchObject({ code: 'INVALID_INPUT', field: 'context.moodOf' });
    engine.grant(100);
    await eventually(async () => expect((await ask(graphqlUrl, steered, { id: draft.id })).errors).toBeUndefined());
    const both = { draftId: draft.id, valence: 0.5 };
    const tune = { kind: 'TUNE', prompt: 'a reel', tune: { mood: both } };
    expect(await begin(tune)).toEqual({ field: 'input.tune.mood' });
  });
});
