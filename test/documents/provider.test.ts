import { describe, expect, it, onTestFinished } from 'vitest';
import WebSocket from 'ws';
import * as Y from 'yjs';
import {
  type AwarenessLike,
  CadenzaProvider,
  followDraft,
  type ProviderStatus,
} from '../../packages/client/src/index.ts';
import { withAuth } from '../support/access/auth.ts';
import { bearer, tokenOf } from '../support/access/tokens.ts';
import { createDocument, mutate, textOf } from '../support/documents/documents.ts';
import { ask, startListening, type TestListening } from '../support/listening.ts';
import { ScriptedEngine, scriptedText } from '../support/models/scripted-engine.ts';
import { openSilentRelay } from '../support/network/silent-relay.ts';

function provide({ wsUrl }: TestListening, documentId: string, doc: Y.Doc, more = {}): CadenzaProvider {
  const provider = new CadenzaProvider({
    url: wsUrl,
    documentId,
    doc,
    webSocketImpl: WebSocket,
    collectMs: 1,
    ...more,
  });
  onTestFinished(() => provider.destroy());
  return provider;
}

/** As much of an Awareness as a provider uses. */
class FewStates implements AwarenessLike {
  readonly clientID: number;
  readonly states = new Map<number, Record<string, unknown>>();
  readonly meta = new Map<number, { clock: number; lastUpdated: number }>();
  readonly #acts = new Set<Parameters<AwarenessLike['on']>[1]>();

  constructor(clientID: number) {
    this.clientID = clientID;
    this.set({});
  }

  set(state: Record<string, unknown>): void {
    const { clientID: id } = this;
    this.states.set(id, state);
    this.meta.set(id, { clock: (this.meta.get(id)?.clock ?? 0) + 1, lastUpdated: 0 });
    for (const act of this.#acts) act({ added: [], updated: [id], removed: [] });
  }

  getLocalState = () => this.states.get(this.clientID) ?? null;
  on = (_: 'update', act: Parameters<AwarenessLike['on']>[1]) => void this.#acts.add(act);
  off = (_: 'update', act: Parameters<AwarenessLike['on']>[1]) => void this.#acts.delete(act);
  emit = () => undefined;
}

describe('the provider for Yjs', () => {
  it('[DOCUMENT4] sends what was inserted and deleted without a connection, also before it was made', async () => {
    const server = await startListening();
    const id = await createDocument(server, 'one two three');
    const doc = new Y.Doc();
    const first = provide(server, id, doc);
    await expect.poll(() => doc.getText('text').toJSON()).toBe('one two three');
    await first.destroy();
    doc.getText('text').delete(0, 4);
    const second = provide(server, id, doc);
    await expect.poll(() => textOf(server, id)).toBe('two three');
    second.disconnect();
    doc.getText('text').insert(0, 'zero ');
    await expect.poll(() => textOf(server, id)).toBe('zero two three');
    await expect.poll(() => second.isSaved).toBe(true);
  });

  it('[DOCUMENT12] notices a server that is silent, though the connection stays open, and goes on over another one', async () => {
    const server = await startListening();
    const relay = await openSilentRelay(Number(new URL(server.url).port));
    const id = await createDocument(server, 'one');
    const doc = new Y.Doc();
    const text = doc.getText('text');
    const told: ProviderStatus[] = [];
    const provider = provide(server, id, doc, { url: relay.wsUrl, pingMs: 300 });
    provider.onStatus((status) => told.push(status));
    await expect.poll(() => text.toJSON()).toBe('one');
    relay.fallSilent();
    text.insert(3, ' two');
    await expect.poll(() => textOf(server, id)).toBe('one two');
    expect(told).toContain('connecting');
    await expect.poll(() => [provider.status, provider.isSaved]).toEqual(['connected', true]);
  });

  it('[DOCUMENT1] asks for a token for each connection, and says when it is refused', async () => {
    const server = await startListening({ config: withAuth });
    const headers = await bearer('ann');
    const id = await createDocument({ ...server, headers }, 'ours');
    let asked = 0;
    const token = (sub: string) => () => (asked++, tokenOf({ sub }));
    const doc = new Y.Doc();
    const own = provide(server, id, doc, { token: token('ann') });
    await expect.poll(() => own.status).toBe('connected');
    own.disconnect();
    await expect.poll(() => [asked, own.status]).toEqual([2, 'connected']);
    const stranger = provide(server, id, new Y.Doc(), { token: token('bob') });
    await expect.poll(() => stranger.status).toBe('refused');
    expect(stranger.error?.message).toContain('no such document');

    const { data } = await ask(server.graphqlUrl, '{ viewer { id } }', {}, await bearer('bob'));
    const { id: listenerId } = (data as { viewer: { id: string } }).viewer;
    const set = 'mutation ($input: SetDocumentMemberInput!) { setDocumentMember(input: $input) { __typename } }';
    await mutate({ ...server, headers }, set, { input: { documentId: id, listenerId, role: 'READER' } });
    const shared = new Y.Doc();
    const reader = provide(server, id, shared, { token: token('bob') });
    await expect.poll(() => shared.getText('text').toJSON()).toBe('ours');
    shared.getText('text').insert(0, 'mine ');
    await expect.poll(() => reader.status).toBe('refused');
    expect(await textOf({ ...server, headers }, id)).toBe('ours');
  });

  it('[DOCUMENT8] shows others where this client is, and forgets who has gone', async () => {
    const server = await startListening();
    const id = await createDocument(server);
    const [one, two] = [new FewStates(1), new FewStates(2)];
    provide(server, id, new Y.Doc(), { awareness: one });
    const second = provide(server, id, new Y.Doc(), { awareness: two });
    await expect.poll(() => two.states.get(1)).toEqual({});
    one.set({ cursor: 3 });
    await expect.poll(() => two.states.get(1)).toEqual({ cursor: 3 });
    await server.database.sql`update document_presence set at = at - interval '1 minute' where client_id = 1`;
    two.set({ cursor: 1 });
    await expect.poll(() => [...two.states.keys()]).toEqual([2]);
    // Who closes a document says so.
    await expect.poll(() => one.states.has(2)).toBe(true);
    await second.destroy();
    const rows = await server.database.sql`select state from document_presence where client_id = 2`;
    expect(rows).toEqual([{ state: null }]);
  });

  it('[LOG2] followDraft gets a draft’s events once and in order', async () => {
    const engine = new ScriptedEngine({ granted: 5 });
    const server = await startListening({ engine });
    const query = `mutation ($input: StartDraftInput!) { startDraft(input: $input) { ... on StartDraftSuccess { draft { id } } } }`;
    const input = { kind: 'STORY', prompt: 'rain', sampling: { maxTokens: 20, seed: 7 } };
    const { data } = await ask(server.graphqlUrl, query, { input });
    const { id } = (data as { startDraft: { draft: { id: string } } }).startDraft.draft;
    let text = '';
    const options = { url: server.wsUrl, webSocketImpl: WebSocket };
    for await (const event of followDraft(options, id)) {
      if (event.__typename === 'DraftSnapshot') text = event.draft.text;
      if (event.__typename === 'TokensAppended') text += event.text;
      engine.grant(Infinity);
    }
    expect(text).toBe(scriptedText(engine.requests[0]!));
    await expect(followDraft(options, 'nothing').next()).rejects.toThrow('not an id');
  });
});
