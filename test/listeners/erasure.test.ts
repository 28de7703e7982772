import { type Client, createClient } from 'graphql-ws';
import { SignJWT } from 'jose';
import { describe, expect, it, onTestFinished } from 'vitest';
import WebSocket from 'ws';
import { openWakeups } from '../../src/db/wakeups.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { silentLogger } from '../../src/lib/log.ts';
import { createListeners } from '../../src/listeners/listeners.ts';
import { erasureWakeup } from '../../src/listeners/wakeup-keys.ts';
import { encodeId } from '../../src/resolvers/global-id.ts';
import { addTracks, someTracks } from '../support/catalogue/catalogue.ts';
import { addDrafts } from '../support/drafts/drafts.ts';
import { ask, startListening, type TestListening } from '../support/listening.ts';
import { ScriptedEngine } from '../support/models/scripted-engine.ts';
import { createDatabase, testDatabase } from '../support/postgres/database.ts';

const COUNTS = '{ feedback verdicts preferences lists drafts }';
const ERASE = `mutation ($input: EraseListenerInput!) { eraseListener(input: $input) { __typename
  ... on EraseListenerSuccess ${COUNTS} ... on Error { message } ... on InvalidInputError { field } ... on NotFoundError { id } } }`;
const ERASE_ME = `mutation ($confirm: String!) { eraseMe(confirm: $confirm) { __typename
  ... on EraseMeSuccess ${COUNTS} ... on InvalidInputError { message field } } }`;
const as = (listener: string) => ({ 'x-listener-id': listener });

/** A listener with some of everything. */
async function live(server: TestListening, ids: readonly number[], name: string): Promise<void> {
  const trackIds = ids.map((id) => encodeId('Track', id));
  const feedback = trackIds.slice(0, 3).map((trackId) => ({ trackId, kind: 'LIKE' }));
  const tell = (document: string, input: unknown) => ask(server.graphqlUrl, document, { input }, as(name));
  await tell('mutation ($input: [FeedbackInput!]!) { recordFeedbackBatch(input: $input) { __typename } }', feedback);
  const input = { genres: [{ genre: 'jazz' }], tags: ['calm', 'slow'], text: 'quiet', allowExplicit: false };
  await tell('mutation ($input: SetPreferencesInput!) { setPreferences(input: $input) { __typename } }', input);
  const say =
    'mutation ($id: ID!) { a: setSaved(trackId: $id, saved: true) { __typename } b: setSaved(trackId: $id, saved: false) { __typename } c: setHidden(trackId: $id, hidden: false) { __typename } }';
  await ask(server.graphqlUrl, say, { id: trackIds[0] }, as(name));
  await ask(server.graphqlUrl, '{ recommendations { requestId } }', {}, as(name));
}

/** In how many rows of how many tables somebody is named, whatever tables there are. */
async function rowsOf(
  { database }: Pick<TestListening, 'database'>,
  listenerId: number,
): Promise<Record<string, number>> {
  const tables = await database.sql<{ name: string }[]>`
    select table_name as name from information_schema.columns where column_name = 'listener_id' and table_schema = 'public'`;
  const counts = await Promise.all(
    tables.map(async ({ name }) => {
      const rows = await database.sql`select from ${database.sql(name)} where listener_id = ${listenerId}`;
      return [name, rows.length] as const;
    }),
  );
  return Object.fromEntries(counts);
}

function deferred(): { promise: Promise<void>; resolve: () => void } {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((settle) => (resolve = settle));
  return { promise, resolve };
}

/** A catalogue that the server knows of. */
async function addSome({ database, services }: TestListening, n: number): Promise<number[]> {
  const { ids } = await addTracks(database, someTracks(n));
  await services.catalogue.refreshPopularity();
  return ids;
}

function clientOf({ wsUrl }: TestListening, listenerId: string): Client {
  const client = createClient({
    url: wsUrl,
    webSocketImpl: WebSocket,
    retryAttempts: 0,
    // Or each operation would have a connection of its own.
    lazy: false,
    connectionParams: { listenerId },
  });
  onTestFinished(() => void client.dispose());
  return client;
}

/** What a stream ends with, after its first item has been seen. */
async function endOf(client: Client, query: string, begun: () => void): Promise<unknown> {
  let last: unknown = null;
  try {
    for await (const result of client.iterate({ query })) {
      begun();
      last = result.errors?.map(({ extensions }) => extensions?.code) ?? last;
    }
  } catch (error) {
    last = Array.isArray(error)
      ? error.map(({ extensions }: { extensions?: { code?: string } }) => extensions?.code)
      : error;
  }
  return last;
}

describe('[ERASE1] erasing a listener', () => {
  it('deletes all their rows and nobody else’s, ends their streams, and cancels their drafts', async () => {
    const engine = new ScriptedEngine({ granted: 2 });
    const server = await startListening({ engine });
    const { database, graphqlUrl, services } = server;
    const ids = await addSome(server, 20);
    for (const name of ['ann', 'bob']) await live(server, ids, name);
    const [ann, bob] = await Promise.all(['ann', 'bob'].map((name) => services.listeners.ensure(name)));
    await addDrafts(database, ann!.id, 25);
    await addDrafts(database, bob!.id, 2);
    const start = `mutation ($input: StartDraftInput!) { startDraft(input: $input) { ... on StartDraftSuccess { draft { id } } } }`;
    const input = { kind: 'POEM', prompt: 'rain', visibility: 'SHARED', sampling: { maxTokens: 50, seed: 1 } };
    const started = await ask(graphqlUrl, start, { input }, as('ann'));
    const { id } = (started.data as { startDraft: { draft: { id: string } } }).startDraft.draft;
    const before = await rowsOf(server, bob!.id);

    const begun = [deferred(), deferred()];
    const list = endOf(clientOf(server, 'ann'), 'subscription { recommendations { requestId } }', begun[0]!.resolve);
    const draft = endOf(
      clientOf(server, 'bob'),
      `subscription { draftEvents(draftId: "${id}") { __typename } }`,
      begun[1]!.resolve,
    );
    await Promise.all(begun.map(({ promise }) => promise));

    const { data } = await ask(graphqlUrl, ERASE, { input: { externalId: 'ann' } });
    expect(data).toEqual({
      eraseListener: {
        __typename: 'EraseListenerSuccess',
        feedback: 4,
        verdicts: 1,
        preferences: 4,
        lists: expect.any(Number) as number,
        drafts: 26,
      },
    });
    expect(await list).toEqual(['NOT_FOUND']);
    // Told that it was cancelled, unless it was deleted before that could be told.
    expect([null, ['NOT_FOUND']]).toContainEqual(await draft);
    expect(new Set(Object.values(await rowsOf(server, ann!.id)))).toEqual(new Set([0]));
    expect(await rowsOf(server, bob!.id)).toEqual(before);
    expect(await database.sql`select from listeners where external_id = 'ann'`).toHaveLength(0);
    expect(await database.sql`select from draft_events where draft_id not in (select id from drafts)`).toHaveLength(0);
    engine.grant(100);
    expect((await ask(graphqlUrl, ERASE, { input: { externalId: 'ann' } })).data).toMatchObject({
      eraseListener: { __typename: 'NotFoundError', id: 'ann' },
    });
  });

  it('counts the served lists', async () => {
    const server = await startListening();
    const ids = await addSome(server, 8);
    await live(server, ids, 'ann');
    // Lists are written behind the answer; a later page waits for its own.
    const [{ id } = { id: 0 }] = await server.database.sql<
      { id: number }[]
    >`select id::float8 as id from listeners where external_id = 'ann'`;
    await server.database
      .sql`insert into recommendation_lists (id, listener_id, model_version) values (gen_random_uuid(), ${id}, 'v')`;
    const { data } = await ask(server.graphqlUrl, ERASE, { input: { listenerId: encodeId('Listener', id) } });
    expect((data as { eraseListener: { lists: number } }).eraseListener.lists).toBeGreaterThanOrEqual(1);
  });

  it('deletes drafts started meanwhile, and gives up before deleting anything else if that does not end', async () => {
    const database = await testDatabase();
    const server = await startListening({ database });
    const { listeners, drafts } = server.services;
    const { id } = await listeners.ensure('ann');
    await addDrafts(database, id, 1);
    let late = 1;
    const erasure = await listeners.erase(id, async () => {
      const deleted = await drafts.deleteOf(id);
      if (late-- > 0) await addDrafts(database, id, 2);
      return deleted;
    });
    expect(erasure).toEqual({ feedback: 0, verdicts: 0, preferences: 0, lists: 0, drafts: 3 });
    const bob = await listeners.ensure('bob');
    await addDrafts(database, bob.id, 1);
    const endless = listeners.erase(bob.id, () => Promise.resolve(0));
    await expect(endless).rejects.toMatchObject({ code: 'CONFLICT' });
    expect(await listeners.byExternalId('bob')).toEqual(bob);
  });
});

describe('[ERASE2] after an erasure', () => {
  it('the same external id is a new listener without data', async () => {
    const server = await startListening();
    const ids = await addSome(server, 8);
    const who = `{ viewer { id preferences { text tags } feedback { totalCount } drafts { totalCount } } recommendations(first: 8) { nodes { rank } } }`;
    await live(server, ids, 'ann');
    const before = (await ask(server.graphqlUrl, who, {}, as('ann'))).data as { viewer: { id: string } };
    expect((await ask(server.graphqlUrl, ERASE_ME, { confirm: 'ann' }, as('ann'))).data).toMatchObject({
      eraseMe: { __typename: 'EraseMeSuccess', feedback: 4, verdicts: 1, preferences: 4, drafts: 0 },
    });
    const { data } = await ask(server.graphqlUrl, who, {}, as('ann'));
    expect(data).toMatchObject({
      viewer: { preferences: { text: null, tags: [] }, feedback: { totalCount: 0 }, drafts: { totalCount: 0 } },
      recommendations: { nodes: Array.from({ length: 8 }, (_, i) => ({ rank: i + 1 })) },
    });
    expect((data as typeof before).viewer.id).not.toBe(before.viewer.id);
  });

  it('requests on a connection of the old listener are NOT_FOUND', async () => {
    const server = await startListening();
    const ids = await addSome(server, 8);
    const client = clientOf(server, 'ann');
    const tell = async (query: string) => {
      const { value } = (await client.iterate({ query }).next()) as {
        value: { data?: unknown; errors?: { extensions: { code: string } }[] };
      };
      return value.errors?.map(({ extensions }) => extensions.code) ?? value.data;
    };
    expect(await tell('{ viewer { displayName } }')).toEqual({ viewer: { displayName: 'ann' } });
    await ask(server.graphqlUrl, ERASE, { input: { externalId: 'ann' } });
    const trackId = encodeId('Track', ids[0]!);
    expect(
      await tell(`mutation { recordFeedback(input: { trackId: "${trackId}", kind: LIKE }) { __typename } }`),
    ).toEqual({
      recordFeedback: { __typename: 'NotFoundError' },
    });
    expect(await tell('{ viewer { feedback { totalCount } preferences { text } } }')).toEqual(['NOT_FOUND']);
    expect(await tell('mutation { startDraft(input: { kind: POEM, prompt: "rain" }) { __typename } }')).toEqual([
      'NOT_FOUND',
    ]);
    expect(await tell('mutation { eraseMe(confirm: "ann") { __typename } }')).toEqual({
      eraseMe: { __typename: 'NotFoundError' },
    });
  });

  it('other nodes look up the external id again', async () => {
    await using database = await createDatabase();
    const nodes = await Promise.all(
      [0, 1].map(async () => {
        const wakeups = await openWakeups(database, silentLogger);
        return { wakeups, listeners: createListeners({ database, wakeups, clock: systemClock }) };
      }),
    );
    const [here, there] = nodes as [(typeof nodes)[0], (typeof nodes)[0]];
    const ann = await here.listeners.ensure('ann');
    expect(await there.listeners.ensure('ann')).toEqual(ann);
    const told = there.wakeups.watch(erasureWakeup);
    await told.next();
    await here.listeners.erase(ann.id, () => Promise.resolve(0));
    await told.next();
    const again = await there.listeners.ensure('ann');
    expect(again.id).not.toBe(ann.id);
    expect(await here.listeners.ensure('ann')).toEqual(again);
    await told.return?.();
    for (const { wakeups } of nodes) await wakeups[Symbol.asyncDispose]();
  });
});

describe('permission to erase', () => {
  const secret = 'a secret that is thirty-two bytes long, or longer';
  const auth = { kind: 'secret', secret, issuer: null, audience: null } as const;
  const bearer = async (sub: string, roles: string[]) => {
    const token = new SignJWT({ sub, roles }).setProtectedHeader({ alg: 'HS256' }).setExpirationTime('1h');
    return { authorization: `Bearer ${await token.sign(new TextEncoder().encode(secret))}` };
  };

  it.each(['LISTENER', 'ANALYST'])('[AUTH3] %s may erase only themselves', async (role) => {
    const { graphqlUrl, services } = await startListening({ config: { auth } });
    await services.listeners.ensure('ann');
    const bob = await bearer('bob', [role]);
    expect((await ask(graphqlUrl, ERASE, { input: { externalId: 'ann' } }, bob)).data).toMatchObject({
      eraseListener: { __typename: 'ForbiddenError' },
    });
    expect((await ask(graphqlUrl, ERASE_ME, { confirm: 'ann' }, bob)).data).toEqual({
      eraseMe: {
        __typename: 'InvalidInputError',
        field: 'confirm',
        message: "confirm must be the viewer's externalId",
      },
    });
    expect(await services.listeners.byExternalId('ann')).not.toBeNull();
    expect((await ask(graphqlUrl, ERASE_ME, { confirm: 'bob' }, bob)).data).toMatchObject({
      eraseMe: { __typename: 'EraseMeSuccess' },
    });
    expect(await services.listeners.byExternalId('bob')).toBeNull();
  });

  it.each([{}, { listenerId: encodeId('Listener', 1), externalId: 'ann' }])(
    '[ERR2] not whom %j names',
    async (input) => {
      const { graphqlUrl } = await startListening();
      expect((await ask(graphqlUrl, ERASE, { input })).data).toMatchObject({
        eraseListener: { __typename: 'InvalidInputError', field: 'input' },
      });
    },
  );
});
