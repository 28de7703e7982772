import { EventSource } from 'eventsource';
import { describe, expect, it, onTestFinished } from 'vitest';
import { beginningOf } from '../../../bench/support/draft-client.ts';
import { addTracks, someTracks } from '../../support/catalogue/catalogue.ts';
import { ask, startListening, type TestListening } from '../../support/listening.ts';
import { ScriptedEngine, scriptedText } from '../../support/models/scripted-engine.ts';
import { nginxPath, openNginx } from '../../support/network/nginx.ts';
import { openTearingProxy } from '../../support/network/tearing-proxy.ts';
import { testDatabase } from '../../support/postgres/database.ts';

const FOLLOW = `subscription ($id: ID!, $after: DraftCursor) { draftEvents(draftId: $id, after: $after) {
  __typename
  ... on DraftSnapshot { cursor draft { text } }
  ... on TokensAppended { cursor text }
  ... on DraftStatusChanged { cursor status }
} }`;

interface Event {
  cursor: string;
  text?: string;
  draft?: { text: string };
}

async function startDraft({ graphqlUrl }: TestListening, maxTokens: number): Promise<string> {
  const query = `mutation ($input: StartDraftInput!) { startDraft(input: $input) { ... on StartDraftSuccess { draft { id } } } }`;
  const input = { kind: 'STORY', prompt: 'rain', sampling: { maxTokens, seed: 7 } };
  const { data } = await ask(graphqlUrl, query, { input });
  return (data as { startDraft: { draft: { id: string } } }).startDraft.draft.id;
}

const addressOf = (url: string, query: string, variables: object): string =>
  `${url}?${new URLSearchParams({ query, variables: JSON.stringify(variables) }).toString()}`;

/** What arrives of a stream, an event of the wire at a time. */
async function* partsOf(address: string, headers: Record<string, string> = {}): AsyncGenerator<string> {
  const response = await fetch(address, { headers: { accept: 'text/event-stream', ...headers } });
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  for (let read = await reader.read(); !read.done; read = await reader.read()) {
    text += read.value;
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const part = text.slice(0, end);
      text = text.slice(end + 2);
      if (!part.startsWith(':')) yield part;
    }
  }
}

const eventIn = (part: string): Event =>
  (JSON.parse(/^data: (.*)$/m.exec(part)![1]!) as { data: { draftEvents: Event } }).data.draftEvents;

describe('a stream of a draft', () => {
  it('[SSE1] has the cursor as the id of each event, whatever is selected', async () => {
    const server = await startListening();
    const id = await startDraft(server, 3);
    let parts = 0;
    for await (const part of partsOf(addressOf(server.graphqlUrl, FOLLOW, { id, after: beginningOf(id) }))) {
      if (part.startsWith('event: complete')) break;
      expect(/^id: (.*)$/m.exec(part)?.[1]).toBe(eventIn(part).cursor);
      parts++;
    }
    expect(parts).toBeGreaterThan(0);
    const bare = 'subscription ($id: ID!) { draftEvents(draftId: $id) { __typename } }';
    for await (const part of partsOf(addressOf(server.graphqlUrl, bare, { id }))) {
      expect(part).toMatch(/^id: \S+$/m);
      break;
    }
  });

  it('[SSE4] ends its connection with it, so that no reader keeps a node that stops', async () => {
    const server = await startListening();
    const id = await startDraft(server, 3);
    const address = addressOf(server.graphqlUrl, FOLLOW, { id });
    const streams = await Promise.all(
      Array.from({ length: 100 }, () => fetch(address, { headers: { accept: 'text/event-stream' } })),
    );
    expect(new Set(streams.map(({ headers }) => headers.get('connection')))).toEqual(new Set(['close']));
    const [texts] = await Promise.all([
      Promise.all(streams.map((stream) => stream.text())),
      server.close('the node is stopping', 60_000),
    ]);
    for (const text of texts) expect(text).toContain('event: complete');
  });

  it('[SSE2] continues after Last-Event-ID, whatever `after` says; one of another draft is refused', async () => {
    const server = await startListening();
    const id = await startDraft(server, 5);
    const after = beginningOf(id);
    const address = addressOf(server.graphqlUrl, FOLLOW, { id, after });
    const cursors: string[] = [];
    for await (const part of partsOf(address)) if (part.startsWith('id: ')) cursors.push(eventIn(part).cursor);
    const rest: string[] = [];
    for await (const part of partsOf(address, { 'last-event-id': cursors[0]! })) {
      if (part.startsWith('id: ')) rest.push(eventIn(part).cursor);
    }
    expect(rest.at(-1)).toBe(cursors.at(-1));
    expect(rest).not.toContain(cursors[0]);
    for await (const part of partsOf(address, { 'last-event-id': 'nonsense' })) {
      expect(part).toContain('INVALID_INPUT');
      break;
    }
  });

  it.each([
    ['a snapshot', () => undefined],
    ['a cursor', beginningOf],
  ])('[SSE2] is complete for an EventSource that loses its connection, started with %s', async (_, afterOf) => {
    const engine = new ScriptedEngine({ granted: 1 });
    const server = await startListening({ engine });
    const id = await startDraft(server, 60);
    const bytes = [3_000, 2_000, Infinity];
    const proxy = await openTearingProxy(Number(new URL(server.url).port), () => bytes.shift() ?? Infinity);
    const source = new EventSource(addressOf(proxy.url, FOLLOW, { id, after: afterOf(id) }));
    onTestFinished(() => source.close());
    let text = '';
    const seen: string[] = [];
    await new Promise((resolve) => {
      source.addEventListener('complete', resolve);
      source.addEventListener('next', ({ data, lastEventId }) => {
        const { draftEvents } = (JSON.parse(data as string) as { data: { draftEvents: Event } }).data;
        text = draftEvents.draft?.text ?? text + (draftEvents.text ?? '');
        seen.push(lastEventId);
        engine.grant(1);
      });
    });
    expect(proxy.torn).toBe(2);
    expect(text).toBe(scriptedText(engine.requests[0]!));
    expect(new Set(seen).size).toBe(seen.length);
  });
});

describe.skipIf(nginxPath === null)('[SSE3] behind nginx as it is by default', () => {
  it('a live list arrives although no other event follows', async () => {
    const database = await testDatabase();
    await addTracks(database, someTracks(3));
    const server = await startListening({ database });
    const proxy = await openNginx(server.url);
    const address = addressOf(`${proxy}/graphql`, 'subscription { recommendations(first: 2) { nodes { rank } } }', {});
    for await (const part of partsOf(address)) {
      expect(part).toContain('"rank":1');
      break;
    }
  });

  it('each token of a draft arrives before the next one is written', async () => {
    const engine = new ScriptedEngine({ granted: 0 });
    const server = await startListening({ engine });
    const proxy = await openNginx(server.url);
    const id = await startDraft(server, 8);
    let [text, tokens] = ['', 0];
    for await (const part of partsOf(addressOf(`${proxy}/graphql`, FOLLOW, { id }))) {
      if (part.startsWith('event: complete')) break;
      const event = eventIn(part);
      text = event.draft?.text ?? text + (event.text ?? '');
      if (event.text !== undefined) tokens++;
      if (tokens < 8) engine.grant(event.text !== undefined || event.draft ? 1 : 0);
    }
    expect(tokens).toBe(8);
    expect(text).toBe(scriptedText(engine.requests[0]!));
  });
});
