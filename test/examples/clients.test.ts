import { readdir, readFile } from 'node:fs/promises';
import { EventSource } from 'eventsource';
import { assertAbstractType, introspectionFromSchema, print } from 'graphql';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import WebSocket from 'ws';
import { request } from '../../examples/client/client.ts';
import { textAfter } from '../../examples/client/follow-draft.ts';
import {
  FeedDocument,
  type FeedQuery,
  LiveFeedDocument,
  OnboardDocument,
  ReactDocument,
  SetHiddenDocument,
  SetReactionDocument,
  SetSavedDocument,
  StartDraftDocument,
} from '../../examples/client/generated/graphql.ts';
import { createApolloClient, possibleTypes } from '../../examples/clients/apollo.ts';
import { type DraftEvent, watchDraft } from '../../examples/clients/event-source.ts';
import type { Options } from '../../examples/clients/options.ts';
import { createRelayEnvironment } from '../../examples/clients/relay.ts';
import { firstPage } from '../../examples/clients/server-side.ts';
import { createSseClient } from '../../examples/clients/sse.ts';
import { createUrqlClient } from '../../examples/clients/urql.ts';
import type { Database } from '../../src/db/client.ts';
import { buildSchema } from '../../src/schema/schema.ts';
import { bearer, withAuth } from '../support/access/auth.ts';
import { addTracks, someTracks } from '../support/catalogue/catalogue.ts';
import { startListening } from '../support/listening.ts';
import { ScriptedEngine, scriptedText } from '../support/models/scripted-engine.ts';
import { openTearingProxy } from '../support/network/tearing-proxy.ts';
import { createDatabase } from '../support/postgres/database.ts';

let database: Database;
beforeAll(async () => {
  database = await createDatabase();
  await addTracks(database, someTracks(30));
  return () => database[Symbol.asyncDispose]();
});

/** A server that asks for tokens, and what one listener's client needs to know of it. */
async function start(engine?: ScriptedEngine) {
  const server = await startListening({ database, config: withAuth, ...(engine && { engine }) });
  const { authorization } = await bearer({ sub: `listener-${listeners++}`, roles: ['LISTENER'] });
  const token = authorization.replace('Bearer ', '');
  const options: Options = { url: server.graphqlUrl, token: () => token, webSocket: WebSocket };
  return { options, authorization };
}

let listeners = 0;

const idsOf = ({ recommendations }: Pick<FeedQuery, 'recommendations'>): string[] =>
  recommendations.edges.map(({ node }) => node.track.id);

/** Ten, then ten more, as somebody scrolls. */
async function scrolled(page: (after: string | null) => Promise<FeedQuery>): Promise<FeedQuery> {
  const { recommendations } = await page(null);
  return page(recommendations.pageInfo.endCursor ?? null);
}

const introspected = introspectionFromSchema(buildSchema());

describe('urql', () => {
  it('shows the pages of a list as one list', async () => {
    const { options } = await start();
    const client = createUrqlClient(options, introspected);
    const all = await scrolled(async (after) => {
      const { data, error } = await client.query(FeedDocument, { first: 10, after }).toPromise();
      if (!data) throw error ?? new Error('there is no data');
      return data;
    });
    expect(new Set(idsOf(all)).size).toBe(20);
  });

  it('shows one list after a reaction, without pages of the one before', async () => {
    const { options } = await start();
    const client = createUrqlClient(options, introspected);
    const page = async (after: string | null, requestPolicy: 'cache-first' | 'network-only' = 'cache-first') => {
      const { data, error } = await client.query(FeedDocument, { first: 10, after }, { requestPolicy }).toPromise();
      if (!data) throw error ?? new Error('there is no data');
      return data;
    };
    const before = idsOf(await scrolled(page));
    await client.mutation(ReactDocument, { trackId: before[0]!, kind: 'HIDE' }).toPromise();
    const first = await page(null);
    expect(idsOf(first)).toHaveLength(10);
    expect(idsOf(first)).not.toContain(before[0]);
    await page(first.recommendations.pageInfo.endCursor ?? null);
    await client.mutation(SetHiddenDocument, { trackId: before[1]!, hidden: true }).toPromise();
    const reloaded = await page(null, 'network-only');
    expect(idsOf(reloaded)).toHaveLength(10);
    expect(idsOf(reloaded)).not.toContain(before[1]);
    expect(new Set(idsOf(await page(reloaded.recommendations.pageInfo.endCursor ?? null))).size).toBe(20);
  });

  it('shows a heart wherever the track is, and takes it back, without asking for the list again', async () => {
    const { options } = await start();
    const client = createUrqlClient(options, introspected);
    const { data } = await client.query(FeedDocument, { first: 10 }).toPromise();
    const trackId = idsOf(data!)[3]!;
    const marks = () => {
      const { recommendations } = client.readQuery(FeedDocument, { first: 10 })!.data!;
      return recommendations.edges.map(({ node }) => node.track.viewerFeedback);
    };
    const none = { reaction: null, isSaved: false, isHidden: false };
    await client.mutation(SetReactionDocument, { trackId, reaction: 'LIKE' }).toPromise();
    await client.mutation(SetSavedDocument, { trackId, saved: true }).toPromise();
    const marked = { ...none, reaction: 'LIKE', isSaved: true };
    expect(marks()).toMatchObject(Array.from({ length: 10 }, (_, i) => (i === 3 ? marked : none)));
    await client.mutation(SetReactionDocument, { trackId, reaction: null }).toPromise();
    await client.mutation(SetSavedDocument, { trackId, saved: false }).toPromise();
    await client.mutation(SetHiddenDocument, { trackId, hidden: true }).toPromise();
    expect(marks()[3]).toMatchObject({ ...none, isHidden: true });
  });

  it('follows the list, which changes after a reaction', async () => {
    const { options } = await start();
    const client = createUrqlClient(options, introspected);
    const lists: string[][] = [];
    const changed = new Promise<void>((resolve, reject) => {
      const following = client.subscription(LiveFeedDocument, { first: 10 }).subscribe(({ data, error }) => {
        if (error) reject(error);
        if (data) lists.push(idsOf(data));
        if (lists.length === 1)
          void client.mutation(ReactDocument, { trackId: lists[0]![0]!, kind: 'HIDE' }).toPromise();
        if (lists.length === 2) resolve();
      });
      onTestFinished(() => following.unsubscribe());
    });
    await changed;
    expect(lists[1]).not.toContain(lists[0]![0]);
  });
});

it('a new listener answers what is asked, and is asked something else', async () => {
  const { options } = await start();
  const ask = () => request(options, OnboardDocument, { questions: 3, first: 5 });
  const { onboarding } = await ask();
  expect([onboarding.tracks, onboarding.artists, onboarding.recommendations.nodes].map(({ length }) => length)).toEqual(
    [3, 3, 5],
  );
  const trackId = onboarding.tracks[0]!.id;
  await request(options, SetReactionDocument, { trackId, reaction: 'LIKE' });
  const after = (await ask()).onboarding;
  expect(after.tracks.map(({ id }) => id)).not.toContain(trackId);
  expect(after.recommendations.requestId).not.toBe(onboarding.recommendations.requestId);
});

describe('Apollo Client', () => {
  it('shows the pages of a list as one list', async () => {
    const { options } = await start();
    const client = createApolloClient(options);
    onTestFinished(() => client.stop());
    const list = client.watchQuery({ query: FeedDocument, variables: { first: 10 } });
    const after = await new Promise<string>((resolve, reject) => {
      const following = list.subscribe({
        error: reject,
        next: ({ data, dataState }) => {
          if (dataState === 'complete') resolve(data.recommendations.pageInfo.endCursor ?? '');
        },
      });
      onTestFinished(() => following.unsubscribe());
    });
    await list.fetchMore({ variables: { first: 10, after } });
    const all = client.readQuery({ query: FeedDocument, variables: { first: 10 } });
    expect(new Set(idsOf(all!)).size).toBe(20);
  });

  it('is told all types of errors', () => {
    const { Error } = possibleTypes;
    const types = buildSchema().getPossibleTypes(assertAbstractType(buildSchema().getType('Error')));
    expect([...Error].sort()).toEqual(types.map(({ name }) => name).sort());
  });

  it('follows the list, which changes after a reaction', async () => {
    const { options } = await start();
    const client = createApolloClient(options);
    onTestFinished(() => client.stop());
    const lists: string[][] = [];
    await new Promise<void>((resolve, reject) => {
      const following = client.subscribe({ query: LiveFeedDocument, variables: { first: 10 } }).subscribe({
        error: reject,
        next: ({ data }) => {
          if (data) lists.push(idsOf(data));
          if (lists.length === 1) {
            const variables = { trackId: lists[0]![0]!, kind: 'HIDE' as const };
            client.mutate({ mutation: ReactDocument, variables }).catch(reject);
          }
          if (lists.length === 2) resolve();
        },
      });
      onTestFinished(() => following.unsubscribe());
    });
    expect(lists[1]).not.toContain(lists[0]![0]);
  });
});

it('Relay’s network asks and follows', async () => {
  const { options } = await start();
  const network = createRelayEnvironment(options).getNetwork();
  const requestOf = (name: string, operationKind: 'query' | 'subscription', text: string) => ({
    ...{ name, operationKind, text, id: null, cacheID: name, metadata: {} },
  });
  const query = requestOf('Feed', 'query', print(FeedDocument));
  const page = await network.execute(query, { first: 10 }, {}).toPromise();
  expect(idsOf((page as { data: FeedQuery }).data)).toHaveLength(10);
  const live = requestOf('LiveFeed', 'subscription', print(LiveFeedDocument));
  const first = await new Promise((resolve, reject) => {
    const following = network.execute(live, { first: 10 }, {}).subscribe({ next: resolve, error: reject });
    onTestFinished(() => following.unsubscribe());
  });
  expect(first).toMatchObject({ data: { recommendations: { edges: { length: 10 } } } });
});

it('graphql-sse follows a list', async () => {
  const { options } = await start();
  const client = createSseClient(options);
  onTestFinished(() => client.dispose());
  const lists = client.iterate({ query: print(LiveFeedDocument), variables: { first: 10 } });
  const first = await lists.next();
  expect(first.value).toMatchObject({ data: { recommendations: { edges: { length: 10 } } } });
  await lists.return?.();
});

it('EventSource shows a draft whole, although its connection breaks', async () => {
  const engine = new ScriptedEngine();
  const { options, authorization } = await start(engine);
  const variables = { kind: 'POEM' as const, prompt: 'rain', maxTokens: 40, seed: 7 };
  const { startDraft } = await request(options, StartDraftDocument, variables);
  if (startDraft.__typename !== 'StartDraftSuccess') throw new Error(startDraft.__typename);
  const proxy = await openTearingProxy(Number(new URL(options.url).port), () => 3_000);
  const text = await new Promise<string>((resolve) => {
    let shown = '';
    const withToken = (url: string | URL, { headers, ...init }: { headers: Record<string, string> }) =>
      fetch(url, { ...init, headers: { ...headers, authorization } });
    const close = watchDraft(proxy.url, startDraft.draft.id, {
      open: (url) => new EventSource(url, { fetch: withToken }),
      onEvent: (event: DraftEvent) => (shown = textAfter(shown, event)),
      onEnd: () => resolve(shown),
    });
    onTestFinished(close);
  });
  expect(text).toBe(scriptedText(engine.requests[0]!));
});

describe('a page rendered on a server', () => {
  it('has the listener’s own list', async () => {
    const { options, authorization } = await start();
    expect(idsOf(await firstPage(options.url, authorization, new AbortController().signal))).toHaveLength(10);
  });

  it('is told why it has none', async () => {
    const { options } = await start();
    const page = firstPage(options.url, 'Bearer nonsense', new AbortController().signal);
    await expect(page).rejects.toThrow(/token/);
  });
});

it('the pages in docs/clients show this very code', async () => {
  const pages = new URL('../../docs/clients/', import.meta.url);
  const files = new URL('../../examples/', import.meta.url);
  const shown = new Set<string>();
  for (const page of await readdir(pages)) {
    const text = await readFile(new URL(page, pages), 'utf8');
    for (const [, file, code] of text.matchAll(/^```\w+ examples\/(\S+)\n([^]*?)^```$/gm)) {
      expect(code, page).toBe(await readFile(new URL(file!, files), 'utf8'));
      shown.add(file!);
    }
  }
  const all = (await readdir(new URL('clients/', files))).map((file) => `clients/${file}`);
  expect([...shown].sort()).toEqual([...all, 'editor/editor.ts'].sort());
});
