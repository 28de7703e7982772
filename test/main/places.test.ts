import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { encodeId } from '../../src/resolvers/global-id.ts';
import { ask } from '../support/listening.ts';
import {
  collect,
  dataOf,
  expectOnceAndInOrder,
  followOverSocket,
  startDraft,
  textOf,
  writerReady,
} from '../support/network/wire.ts';
import { dataFolder, startServer, type TestServer } from '../support/server.ts';
import { encoderEntryFor, entryFor, TINY, writeTirelessCatalogue } from '../support/tiny/tiny-engine.ts';
import { writeTinyGguf } from '../support/tiny/tiny-gguf.ts';

const MODELS = [TINY, 'other'];

/** A catalogue of two models whose texts differ, both of them in the data folder. */
async function writeTwoModels(folder: string): Promise<string> {
  const models: object[] = [await encoderEntryFor(folder)];
  for (const [i, id] of MODELS.entries()) {
    const path = join(folder, 'models', id);
    await mkdir(path, { recursive: true });
    await writeTinyGguf(join(path, 'tiny.gguf'), { seed: i + 1 });
    models.push({ ...(await entryFor(join(path, 'tiny.gguf'), undefined, id)), name: id });
  }
  const catalogue = join(folder, 'two-models.json');
  await writeFile(catalogue, JSON.stringify({ models }));
  return catalogue;
}

async function write(server: TestServer, model: string): Promise<string> {
  const sampling = { seed: 7, maxTokens: 40 };
  const { id, cursor } = await startDraft(server, {
    kind: 'STORY',
    prompt: 'Snow',
    modelId: encodeId('Model', model),
    sampling,
  });
  const events = await collect(followOverSocket(server, { id, after: cursor }));
  expectOnceAndInOrder(events);
  return textOf(events);
}

it('[GEN19] two models that fit into memory only one at a time take turns, and each draft has the text it has alone', async () => {
  const dataDir = await dataFolder();
  const models = await writeTwoModels(dataDir);
  // Less than two models' memory for the beginnings of prompts.
  const server = await startServer({
    CADENZA_DATA_DIR: dataDir,
    CADENZA_MODELS: models,
    CADENZA_MODEL_MEMORY_MB: '64',
    CADENZA_DRAFTS_AT_ONCE: '8',
  });
  for (const id of MODELS) await server.said(`${id} is ready`);
  const alone = [await write(server, MODELS[0]!), await write(server, MODELS[1]!)];
  expect(alone[0]).not.toBe(alone[1]);
  const together = await Promise.all([0, 1, 0, 1, 1, 0].map((which) => write(server, MODELS[which]!)));
  expect(together).toEqual([0, 1, 0, 1, 1, 0].map((which) => alone[which]));
});

it('[DRAFT7] a listener who has as many drafts as CADENZA_DRAFTS_AT_ONCE allows is told so, and starts another when one has ended', async () => {
  const models = await writeTirelessCatalogue(await dataFolder());
  const server = await startServer({
    CADENZA_MODELS: models,
    CADENZA_DRAFTS_AT_ONCE: '2',
    CADENZA_FETCH_MODELS: 'auto',
    CADENZA_LOG_LEVEL: 'debug',
  });
  await writerReady(server);
  const input = { kind: 'STORY', prompt: 'Snow', sampling: { maxTokens: 3_000 } };
  const [first] = [await startDraft(server, input), await startDraft(server, input)];
  const refused = await ask(
    `${server.url}/graphql`,
    `mutation ($input: StartDraftInput!) { startDraft(input: $input) { __typename ... on OverloadedError { retryAfterMs } } }`,
    { input },
  );
  expect(refused.data!.startDraft).toEqual({
    __typename: 'OverloadedError',
    retryAfterMs: expect.any(Number) as number,
  });
  await dataOf(server, `mutation ($id: ID!) { cancelDraft(id: $id) { __typename } }`, { id: first.id });
  await startDraft(server, input);
  // [FORM11] Nobody has asked for a verse.
  await server.said('the words of verse are ready');
});
