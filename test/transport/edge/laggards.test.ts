import { once } from 'node:events';
import { describe, expect, it, onTestFinished } from 'vitest';
import WebSocket from 'ws';
import { ask, type ListeningOptions, startListening, type TestListening } from '../../support/listening.ts';
import { ScriptedEngine, scriptedText } from '../../support/models/scripted-engine.ts';
import { type Join, overSocket, overSse, type SlowReader } from '../../support/network/slow-readers.ts';

const transports = [
  { name: 'WebSocket', join: overSocket },
  { name: 'server-sent events', join: overSse },
];

const FOLLOW = `subscription ($id: ID!, $after: DraftCursor) { draftEvents(draftId: $id, after: $after) {
  __typename
  ... on DraftSnapshot { cursor draft { text } }
  ... on TokensAppended { cursor text }
  ... on DraftStatusChanged { cursor status }
} }`;

/** About 3 kB a token: more of them than any kernel holds back for a reader who takes nothing. */
const FAT = FOLLOW.replace(
  'cursor text',
  `cursor text ${Array.from({ length: 29 }, (_, n) => `t${n}: tokens { text logprob alternatives { text logprob } }`).join(' ')}`,
);

async function startDraft({ graphqlUrl }: TestListening, maxTokens: number): Promise<{ id: string; cursor: string }> {
  const query = `mutation ($input: StartDraftInput!) { startDraft(input: $input) { ... on StartDraftSuccess { draft { id cursor } } } }`;
  const { data } = await ask(graphqlUrl, query, {
    input: { kind: 'STORY', prompt: 'rain', sampling: { maxTokens, seed: 7 } },
  });
  return (data as { startDraft: { draft: { id: string; cursor: string } } }).startDraft.draft;
}

const paused = (options: ListeningOptions = {}) =>
  startListening({ engine: new ScriptedEngine({ granted: 0 }), ...options });

/** Who takes nothing there may do so for as long as the test lasts. */
const forbearing = (limits: ListeningOptions['limits'] = {}) => paused({ limits: { heartbeatMs: 600_000, ...limits } });

const written = async (server: TestListening, id: string): Promise<void> => {
  const status = async () =>
    (await ask(server.graphqlUrl, 'query ($id: ID!) { draft(id: $id) { status } }', { id })).data;
  await expect.poll(status, { timeout: 50_000 }).toEqual({ draft: { status: 'COMPLETED' } });
};

const textOf = ({ events }: SlowReader): string => events.map(({ draft, text }) => draft?.text ?? text ?? '').join('');

/** Takes nothing from its first event on, while another reader is given a token at a time. @returns the events of each */
async function fallBehind(server: TestListening, join: Join, tokens: number): Promise<{ slow: number; brisk: number }> {
  const { id } = await startDraft(server, tokens);
  const slow = await join(server, FAT, { id });
  await slow.begun;
  slow.pause();
  const brisk = await overSocket(server, FOLLOW, { id }, () => server.engine.grant(1));
  expect(await brisk.ended).toBe('complete');
  slow.resume();
  expect(await slow.ended).toBe('complete');
  for (const reader of [slow, brisk]) expect(textOf(reader)).toBe(scriptedText(server.engine.requests[0]!));
  return { slow: slow.events.length, brisk: brisk.events.length };
}

describe.each(transports)('a reader over $name', ({ join }) => {
  it('[LOG2] that joins 200 tokens late gets them as one event', async () => {
    const server = await paused();
    const { id, cursor: after } = await startDraft(server, 200);
    server.engine.grant(200);
    await written(server, id);
    const reader = await join(server, FOLLOW, { id, after });
    expect(await reader.ended).toBe('complete');
    expect(reader.events.filter(({ text }) => text !== undefined)).toHaveLength(1);
    expect(textOf(reader)).toBe(scriptedText(server.engine.requests[0]!));
  });

  it('[SERVE6] that is behind gets everything it missed in few events', async () => {
    const { slow, brisk } = await fallBehind(await forbearing(), join, 2_500);
    expect(brisk).toBeGreaterThan(2_300);
    expect(slow).toBeLessThan(brisk - 200);
  });

  it('[LOG3] that leaves an idle stream is released at once', async () => {
    const server = await paused();
    const { id } = await startDraft(server, 5);
    const before = server.wakeups.size;
    const readers = await Promise.all(Array.from({ length: 20 }, () => join(server, FOLLOW, { id })));
    for (const reader of readers) await reader.begun;
    expect(server.wakeups.size).toBeGreaterThan(before);
    for (const reader of readers) reader.leave();
    await expect.poll(() => server.wakeups.size).toBe(before);
  });

  it('causes no leak warning among many others', async () => {
    const warnings: string[] = [];
    const note = ({ message }: Error): void => void warnings.push(message);
    process.on('warning', note);
    onTestFinished(() => void process.off('warning', note));
    const server = await paused();
    const { id } = await startDraft(server, 5);
    const readers = await Promise.all(Array.from({ length: 30 }, () => join(server, FOLLOW, { id })));
    for (const reader of readers) await reader.begun;
    expect(warnings).toEqual([]);
  });

  it('gets heartbeats while there are no events', async () => {
    const server = await paused({ limits: { heartbeatMs: 20 } });
    const { id } = await startDraft(server, 5);
    const reader = await join(server, FOLLOW, { id });
    await expect.poll(() => reader.beats).toBeGreaterThan(3);
  });

  it('[SERVE6] [SERVE11] that accepts no data is disconnected', async () => {
    const server = await paused({ limits: { heartbeatMs: 100 } });
    const before = server.wakeups.size;
    const { id } = await startDraft(server, 2_500);
    const reader = await join(server, FAT, { id });
    await reader.begun;
    reader.pause();
    server.engine.grant(Infinity);
    await written(server, id);
    await expect.poll(() => server.wakeups.size, { timeout: 50_000 }).toBe(before);
    reader.resume();
    expect(await reader.ended).toMatch(/^(1013 No data accepted|1006|cut off)/);
  });
});

it('[SERVE6] the amount of unsent data for a reader is configurable', async () => {
  const { slow: little } = await fallBehind(await forbearing(), overSocket, 2_500);
  const { slow: much } = await fallBehind(await forbearing({ bufferBytes: 2 << 20 }), overSocket, 2_500);
  expect(much).toBeGreaterThan(little + 300);
});

it('[SERVE2] the number of concurrent operations on a socket and the size of messages and bodies are configurable', async () => {
  const server = await paused({ limits: { operations: 2, messageBytes: 20_000 } });
  const { id } = await startDraft(server, 5);
  const socket = new WebSocket(server.wsUrl, 'graphql-transport-ws');
  const answers: string[] = [];
  socket.on('message', (data: Buffer) => answers.push(data.toString()));
  await once(socket, 'open');
  socket.send('{"type":"connection_init"}');
  await expect.poll(() => answers.length).toBe(1);
  for (const name of ['a', 'b', 'c']) {
    socket.send(JSON.stringify({ type: 'subscribe', id: name, payload: { query: FOLLOW, variables: { id } } }));
  }
  await expect.poll(() => answers.filter((answer) => answer.includes('"next"')).length).toBe(2);
  await expect.poll(() => answers.find((answer) => answer.includes('"error"'))).toContain('TOO_MANY_OPERATIONS');
  socket.terminate();
  const long = `{ viewer { externalId } } #${'x'.repeat(20_000)}`;
  expect((await ask(server.graphqlUrl, long)).errors).toMatchObject([
    { extensions: { code: 'REQUEST_ENTITY_TOO_LARGE' } },
  ]);
  const other = await overSocket(server, long, {});
  expect(await other.ended).toMatch(/^1009/);
});
