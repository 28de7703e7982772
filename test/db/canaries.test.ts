import { randomUUID } from 'node:crypto';
import { expect, it, onTestFinished } from 'vitest';
import type { Database } from '../../src/db/client.ts';
import { connect } from '../../src/db/client.ts';
import { selectSealingStatus } from '../../src/db/sealing/rewrap.ts';
import { sealStoredRows } from '../../src/db/sealing/seal-rows.ts';
import { createDrafts, openLogStore } from '../../src/drafts/drafts.ts';
import { LocalWakeups } from '../../src/lib/async/wakeups.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { silentLogger } from '../../src/lib/log.ts';
import { encodeId, idOf } from '../../src/resolvers/global-id.ts';
import { canaryOf, filesWith, tablesWith } from '../support/canaries.ts';
import { addTracks, someTracks } from '../support/catalogue/catalogue.ts';
import { assist, statusOf } from '../support/documents/assists.ts';
import { createDocument, docOf, mutate, push, textOf, updateBy } from '../support/documents/documents.ts';
import { ended } from '../support/drafts/draft-room.ts';
import { ask, startListening, type TestListening } from '../support/listening.ts';
import { ScriptedEngine } from '../support/models/scripted-engine.ts';
import { hasNats, startNats } from '../support/network/nats.ts';
import { createDatabase, testDatabase, testMasterKeys } from '../support/postgres/database.ts';

const names = [
  'name',
  'tag',
  'preference',
  'prompt',
  'title',
  'instruction',
  'typed',
  'stop',
  'context',
  'key',
  'documentTitle',
  'documentText',
  'documentTyped',
  'versionName',
  'presence',
  'assist',
] as const;
type Canaries = Record<(typeof names)[number], string>;
const plant = (): Canaries => Object.fromEntries(names.map((name) => [name, canaryOf(name)])) as Canaries;

/** Somebody who writes a canary into every text there is, over the API. @returns the draft's id, and a document's */
async function live(server: TestListening, canary: Canaries): Promise<{ id: string; documentId: string }> {
  const { graphqlUrl, services } = server;
  await services.listeners.ensure('ann', canary.name);
  const as = { 'x-listener-id': 'ann' };
  const tell = async (document: string, input: unknown) => {
    const { data, errors } = await ask(graphqlUrl, document, { input }, as);
    expect(errors).toBeUndefined();
    return data as Record<string, { draft: { id: string } }>;
  };
  await tell('mutation ($input: SetPreferencesInput!) { setPreferences(input: $input) { __typename } }', {
    tags: [canary.tag],
    text: canary.preference,
  });
  const listed = await ask(
    graphqlUrl,
    `query ($text: String) { recommendations(first: 3, context: { text: $text }) { requestId nodes { track { id } } } }`,
    { text: canary.context },
    as,
  );
  expect(listed.errors).toBeUndefined();
  const started = await tell(
    'mutation ($input: StartDraftInput!) { startDraft(input: $input) { ... on StartDraftSuccess { draft { id } } } }',
    {
      ...{ kind: 'STORY', prompt: canary.prompt, title: canary.title, idempotencyKey: randomUUID() },
      sampling: { maxTokens: 8, seed: 1, stop: [canary.stop] },
    },
  );
  const { id } = started.startDraft!.draft;
  const status = async () => {
    const { data } = await ask(graphqlUrl, 'query ($id: ID!) { draft(id: $id) { status } }', { id }, as);
    return (data as { draft: { status: string } }).draft.status;
  };
  await expect.poll(status).toBe('COMPLETED');
  await tell('mutation ($input: UpdateDraftInput!) { updateDraft(input: $input) { __typename } }', {
    draftId: id,
    ...(await revisionOf(server, id)),
    text: `${canary.typed} and more`,
  });
  await tell('mutation ($input: ContinueDraftInput!) { continueDraft(input: $input) { __typename } }', {
    draftId: id,
    instruction: canary.instruction,
    sampling: { maxTokens: 4, seed: 1 },
  });
  await expect.poll(status).toBe('COMPLETED');
  const search = `query ($text: String) { viewer { displayName preferences { tags text } drafts(search: $text) { totalCount nodes { title prompt text } } } }`;
  const found = await ask(graphqlUrl, search, { text: canary.prompt }, as);
  expect(found.data).toMatchObject({
    viewer: {
      displayName: canary.name,
      preferences: { tags: [canary.tag], text: canary.preference },
      drafts: { totalCount: 1, nodes: [{ title: canary.title, prompt: canary.prompt }] },
    },
  });
  const [{ text }] = (found.data as { viewer: { drafts: { nodes: [{ text: string }] } } }).viewer.drafts.nodes;
  expect(text).toContain(canary.typed);
  await expect
    .poll(async () => (await server.database.sql`select from recommendation_lists where state is not null`).length)
    .toBeGreaterThan(0);
  return { id, documentId: await writeTogether(server, canary) };
}

const SAVE = 'mutation ($input: SaveDocumentVersionInput!) { saveDocumentVersion(input: $input) { __typename } }';
const PRESENT = 'mutation ($input: SetPresenceInput!) { setPresence(input: $input) { __typename } }';

/** A document with all that may be in one. The update that types into it is sent twice. */
async function writeTogether(server: TestListening, canary: Canaries): Promise<string> {
  const ann = { ...server, headers: { 'x-listener-id': 'ann' } };
  const documentId = await createDocument(ann, canary.documentText, canary.documentTitle);
  const first = await push(ann, documentId, typedInto(canary));
  expect(await push(ann, documentId, typedInto(canary))).toMatchObject({ cursor: first.cursor });
  await mutate(ann, SAVE, { input: { documentId, name: canary.versionName } });
  const state = JSON.stringify({ user: canary.presence });
  await mutate(ann, PRESENT, { input: { documentId, clientId: 7, clock: 1, state } });
  const asked = { documentId, task: 'CONTINUE', instruction: canary.assist, sampling: { seed: 1, maxTokens: 4 } };
  const { id } = (await assist(ann, asked)).assist!;
  await expect.poll(() => statusOf(ann, id)).toBe('WRITTEN');
  return documentId;
}

/** The same each time. Of a deletion alone only the digest tells that it is a repetition. */
function typedInto(canary: Canaries): Uint8Array[] {
  const doc = docOf(7);
  const typed = updateBy(doc, (text) => text.insert(0, `${canary.documentTyped}x`));
  return [typed, updateBy(doc, (text) => text.delete(text.length - 1, 1))];
}

async function revisionOf({ graphqlUrl }: TestListening, id: string): Promise<{ ifRevision: number }> {
  const { data } = await ask(
    graphqlUrl,
    'query ($id: ID!) { draft(id: $id) { revision } }',
    { id },
    { 'x-listener-id': 'ann' },
  );
  return { ifRevision: (data as { draft: { revision: number } }).draft.revision };
}

async function serve(database: Database): Promise<TestListening> {
  const server = await startListening({ database, engine: new ScriptedEngine() });
  await addTracks(database, someTracks(20));
  await server.services.catalogue.refreshPopularity();
  return server;
}

/** Where the server stores this database and its log, once everything is on disk. */
async function storageOf({ sql }: Database): Promise<string[]> {
  await sql`checkpoint`;
  const [{ root, base }] = await sql<[{ root: string; base: string }]>`
    select current_setting('data_directory') as root, oid::text as base from pg_database where datname = current_database()`;
  return [`${root}/base/${base}`, `${root}/pg_wal`];
}

it('[SEAL1] what somebody has written is in no table, in no data file and not in the write-ahead log', async () => {
  const database = await testDatabase();
  const server = await serve(database);
  const canary = plant();
  await live(server, canary);
  const canaries = Object.values(canary);
  expect(await tablesWith(database, canaries)).toEqual([]);
  if (process.env.TEST_DATABASE_URL) return;
  for (const folder of await storageOf(database)) expect(await filesWith(folder, canaries)).toEqual([]);
});

it('[SEAL5] what was stored before there was a master key is read, and sealed by a command', async () => {
  const plain = await createDatabase({ masterKeys: null });
  onTestFinished(() => plain[Symbol.asyncDispose]());
  const canary = plant();
  const { id, documentId } = await live(await serve(plain), canary);
  const canaries = Object.values(canary);
  // Which also shows that such texts would be found.
  expect(new Set(await tablesWith(plain, canaries))).toEqual(
    new Set([
      ...['draft_events', 'draft_texts', 'drafts', 'listeners'],
      ...['documents', 'document_updates', 'document_versions', 'document_presence', 'document_assists'],
    ]),
  );
  if (!process.env.TEST_DATABASE_URL)
    for (const folder of await storageOf(plain)) expect(await filesWith(folder, canaries)).not.toEqual([]);
  await using database = connect(plain.url, { masterKeys: testMasterKeys() });
  const server = await startListening({ database, engine: new ScriptedEngine() });
  const read = async () => {
    const query = `query ($id: ID!, $document: ID!) { draft(id: $id) { title prompt text ranges { start end origin turn } }
      viewer { displayName preferences { tags text } }
      document(id: $document) { title text state versions { nodes { name } } assists { nodes { instruction messages { content } } } } }`;
    const asked = { id, document: documentId };
    const { data, errors } = await ask(server.graphqlUrl, query, asked, { 'x-listener-id': 'ann' });
    expect(errors).toBeUndefined();
    return data;
  };
  const before = await read();
  const repeat = () => push({ ...server, headers: { 'x-listener-id': 'ann' } }, documentId, typedInto(canary));
  const updates = () => database.sql`select from document_updates`;
  const { length } = await updates();
  await repeat();
  expect((await selectSealingStatus(database)).open).toMatchObject({
    listeners: 1,
    drafts: 2,
    recommendation_lists: 1,
    documents: 1,
    document_versions: 1,
    document_assists: 1,
  });
  expect(await sealStoredRows(database, new AbortController().signal)).toEqual({
    ...{ listeners: 1, drafts: 2, lists: 1, documents: 1, versions: 1, assists: 1 },
  });
  expect(await tablesWith(database, canaries)).toEqual([]);
  expect((await selectSealingStatus(database)).open).toEqual({
    listeners: 0,
    drafts: 0,
    draft_events: 0,
    recommendation_lists: 0,
    ...{ documents: 0, document_updates: 0, document_versions: 0, document_assists: 0 },
  });
  expect(await sealStoredRows(database, new AbortController().signal)).toEqual({
    ...{ listeners: 0, drafts: 0, lists: 0, documents: 0, versions: 0, assists: 0 },
  });
  expect(await read()).toEqual(before);
  await repeat();
  expect(await updates()).toHaveLength(length);
});

it.runIf(hasNats)('[SEAL1] what somebody has written is not in the files of JetStream', async () => {
  const nats = await startNats();
  onTestFinished(() => nats.stop());
  const database = await testDatabase();
  const wakeups = new LocalWakeups();
  const config = { kind: 'nats', url: nats.url, replicas: 1 } as const;
  const { store, release } = await openLogStore({ database, config, wakeups, stream: `t-${randomUUID()}` });
  onTestFinished(release);
  const drafts = createDrafts({
    ...{ database, wakeups, clock: systemClock, log: silentLogger, store },
    engine: new ScriptedEngine(),
  });
  onTestFinished(() => drafts[Symbol.asyncDispose]());
  const { services } = await serve(database);
  const viewer = { listener: await services.listeners.ensure('ann'), roles: new Set(['LISTENER'] as const) };
  const [prompt, typed] = [canaryOf('prompt'), canaryOf('typed')];
  const draft = await ended(
    drafts,
    viewer,
    await drafts.start(viewer, { kind: 'STORY', prompt, sampling: { maxTokens: 30, seed: 1 } }),
  );
  await drafts.update(viewer, { draftId: draft.id, text: typed, ifRevision: draft.sequence });
  const now = (await drafts.byIds(viewer, [draft.id])).get(draft.id);
  expect(now?.text).toBe(typed);
  // What the model wrote is as private.
  const written = draft.text.trim().split(/\s+/).slice(0, 4).join(' ');
  expect(written.length).toBeGreaterThan(8);
  if (nats.folder) expect(await filesWith(nats.folder, [prompt, typed, written])).toEqual([]);
  expect(await tablesWith(database, [prompt, typed])).toEqual([]);
});

it('[EXPORT3] a listener gets everything that is stored of them, and nobody else’s', async () => {
  const database = await testDatabase();
  const server = await serve(database);
  const [own, others] = [plant(), plant()];
  await live(server, own);
  const { id: bob } = await server.services.listeners.ensure('bob', others.name);
  const preferences = { tags: [others.tag], text: others.preference };
  await server.services.listeners.setPreferences(bob, preferences);
  const { ids } = await addTracks(database, someTracks(20));
  const ann = (await server.services.listeners.byExternalId('ann'))!;
  await database.sql`
    insert into feedback (listener_id, track_id, kind) select ${ann.id}, ${ids[0]!}, 'PLAY' from generate_series(1, 1201)`;
  const viewer = { listener: ann, roles: new Set(['LISTENER'] as const) };
  await server.services.listeners.setVerdict(viewer, { trackId: ids[1]!, dimension: 'SAVED', kind: 'SAVE' });
  const answer = await fetch(server.graphqlUrl.replace('/graphql', '/export/listener'), {
    headers: { 'x-listener-id': 'ann' },
  });
  expect(answer.status).toBe(200);
  const text = await answer.text();
  const data = JSON.parse(text) as Record<string, unknown[]>;
  const { key: _, context: __, presence: ___, ...kept } = own;
  for (const canary of Object.values(kept)) expect(text).toContain(canary);
  for (const canary of Object.values(others)) expect(text).not.toContain(canary);
  expect(data.feedback).toHaveLength(1202);
  expect(data.verdicts).toMatchObject([{ dimension: 'SAVED', kind: 'SAVE' }]);
  // The other is the assist's.
  expect(data.drafts?.filter((draft) => JSON.stringify(draft).includes(own.prompt))).toMatchObject([
    { prompt: own.prompt, turns: [{ type: 'model' }, { type: 'typed' }, { instruction: own.instruction }] },
  ]);
  expect(data.documents).toMatchObject([
    { title: own.documentTitle, role: 'OWNER', text: expect.stringContaining(own.documentTyped) as string },
  ]);
  expect(data.versions).toMatchObject([{ name: own.versionName }]);
  expect(data.assists).toMatchObject([{ task: 'CONTINUE', instruction: own.assist, status: 'WRITTEN' }]);
  expect(data.lists?.length).toBeGreaterThan(0);
});

it('[ERASE3] an erasure destroys the keys, so that what a backup has cannot be read with the master key either', async () => {
  const database = await testDatabase();
  const server = await serve(database);
  const canary = plant();
  const { id } = await live(server, canary);
  const [row] = await database.sql<[{ title: string; listenerId: number }]>`
    select title, listener_id::float8 as "listenerId" from drafts where id = ${id.length === 36 ? id : decodeURIComponent(uuidOf(id))}`;
  const [update] = await database.sql<[{ of: string; bytes: Buffer }]>`
    select 'document_updates ' || document_id || ' ' || sequence as of, substring(update from 4) as bytes from document_updates
    where sequence = 1`;
  expect((await database.vault.open(update.bytes, update.of)).toString()).toContain(canary.documentTyped);
  const erase = 'mutation { eraseMe(confirm: "ann") { __typename ... on EraseMeSuccess { drafts preferences } } }';
  const { data } = await ask(server.graphqlUrl, erase, {}, { 'x-listener-id': 'ann' });
  expect(data).toMatchObject({ eraseMe: { __typename: 'EraseMeSuccess', drafts: 2, preferences: 2 } });
  expect(await database.sql`select from data_keys`).toHaveLength(0);
  expect(await tablesWith(database, [...Object.values(canary), row.title])).toEqual([]);
  // As another node, or one that was started with the backup's rows and today's keys, reads it.
  await using other = connect(database.url, { masterKeys: testMasterKeys(), connections: 1 });
  for (const { vault } of [database, other]) {
    const sealed = Buffer.from(row.title.slice(2), 'base64');
    await expect(vault.open(update.bytes, update.of)).rejects.toThrow(update.of);
    await expect(vault.open(sealed, `drafts ${uuidOf(id)} title`)).rejects.toThrow('drafts');
  }
  expect(encodeId('Draft', uuidOf(id))).toBe(id);
});

it('[ERASE3] what an erased member wrote into somebody’s document stays in it, without their name', async () => {
  const database = await testDatabase();
  const server = await serve(database);
  const [ann, bob] = ['ann', 'bob'].map((name) => ({ ...server, headers: { 'x-listener-id': name } }));
  const documentId = await createDocument(ann!, 'Ann. ');
  const { id: listenerId } = await server.services.listeners.ensure('bob');
  const viewer = {
    listener: (await server.services.listeners.byExternalId('ann'))!,
    roles: new Set(['LISTENER'] as const),
  };
  await server.services.documents.setMember(viewer, idOf('Document', documentId, 'id'), listenerId, 'EDITOR');
  await push(bob!, documentId, [updateBy(docOf(3), (text) => text.insert(0, 'Bob. '))]);
  const erase = 'mutation ($name: String!) { eraseMe(confirm: $name) { __typename } }';
  expect(await mutate(bob!, erase, { name: 'bob' })).toMatchObject({ __typename: 'EraseMeSuccess' });
  expect(await textOf(ann!, documentId)).toContain('Bob. ');
  const authors = await database.sql`select from document_updates where author_id is not null`;
  expect(authors).toHaveLength(0);
  expect(await mutate(ann!, erase, { name: 'ann' })).toMatchObject({ __typename: 'EraseMeSuccess' });
  for (const table of ['documents', 'document_updates'])
    expect(await database.sql`select from ${database.sql(table)}`).toHaveLength(0);
});

const uuidOf = (id: string): string => /[0-9a-f-]{36}$/.exec(Buffer.from(id, 'base64url').toString())?.[0] ?? id;
