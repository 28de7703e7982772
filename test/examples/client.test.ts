import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import WebSocket from 'ws';
import { type ClientOptions, request } from '../../examples/client/client.ts';
import { ModelsDocument, ReactDocument, RecommendDocument } from '../../examples/client/generated/graphql.ts';
import { writerReady } from '../support/network/wire.ts';
import { dataFolder, startServer } from '../support/server.ts';
import { writeTirelessCatalogue } from '../support/tiny/tiny-engine.ts';

const example = fileURLToPath(new URL('../../examples/client/main.ts', import.meta.url));

/** A server with the demo and a writer, and a client of one listener. */
async function demo(): Promise<ClientOptions> {
  const models = await writeTirelessCatalogue(await dataFolder());
  const server = await startServer({ CADENZA_DEMO: 'auto', CADENZA_MODELS: models, CADENZA_FETCH_MODELS: 'auto' });
  await writerReady(server);
  return { url: `${server.url}/graphql`, listenerId: 'ann', webSocket: WebSocket };
}

test('[REC6] a client gets recommendations, sends feedback, and sees the next list change', async () => {
  const options = await demo();
  const { recommendations: before } = await request(options, RecommendDocument, { first: 10 });
  expect(before.nodes).toHaveLength(10);
  for (const { score, explanation } of before.nodes) {
    const explained = explanation.reasons.reduce((sum, { contribution }) => sum + contribution, explanation.baseline);
    expect(explained + explanation.remainder).toBeCloseTo(score, 6);
    expect(explanation.summary).not.toBe('');
  }
  const { track } = before.nodes[0]!;
  const reaction = { trackId: track.id, kind: 'LIKE' as const, requestId: before.requestId, key: 'one' };
  const first = await request(options, ReactDocument, reaction);
  expect(first.recordFeedback).toMatchObject({ __typename: 'RecordFeedbackSuccess', feedback: { kind: 'LIKE' } });
  expect(await request(options, ReactDocument, reaction)).toEqual(first);

  const { recommendations: after } = await request(options, RecommendDocument, { first: 10 });
  const titles = (list: typeof before) => list.nodes.map((node) => node.track.id);
  expect(titles(after)).not.toContain(track.id);
  const reasons = after.nodes.flatMap(({ explanation }) => explanation.reasons.map(({ summary }) => summary));
  expect(reasons.some((summary) => summary.includes(track.title))).toBe(true);
});

test('a client lists the models and their status', async () => {
  const { models } = await request(await demo(), ModelsDocument, {});
  expect(models[0]).toMatchObject({ status: 'READY', fetched: 1, failure: null });
});

test('the example’s main program does what its README says', async () => {
  const { url } = await demo();
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', example, url]);
  expect(stdout.match(/^\d\. .+, .+: .+$/gm)).toHaveLength(5);
  expect(stdout).toMatch(/^Liked ".+": SetReactionSuccess$/m);
  expect(stdout).toMatch(/\[COMPLETED\]\s*$/);
});
