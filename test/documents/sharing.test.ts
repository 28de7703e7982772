import { SignJWT } from 'jose';
import { describe, expect, it } from 'vitest';
import { addTracks, someTracks } from '../support/catalogue/catalogue.ts';
import { createDocument, docOf, mutate, type Place, push, textOf, updateBy } from '../support/documents/documents.ts';
import { ask, startListening } from '../support/listening.ts';
import { testDatabase } from '../support/postgres/database.ts';
import { firstOfStream } from '../support/streams.ts';

const secret = 'a secret that is thirty-two bytes long, or longer';
const auth = { kind: 'secret', secret, issuer: null, audience: null } as const;

async function placeOf(graphqlUrl: string, sub: string): Promise<Place & { id: string }> {
  const token = await new SignJWT({ sub })
    .setProtectedHeader({ alg: 'HS256' })
    .setExpirationTime('1h')
    .sign(new TextEncoder().encode(secret));
  const headers = { authorization: `Bearer ${token}` };
  const { data } = await ask(graphqlUrl, '{ viewer { id } }', {}, headers);
  return { graphqlUrl, headers, id: (data as { viewer: { id: string } }).viewer.id };
}

/** Ann has a document; Bob and Cid have nothing. */
async function writers() {
  const database = await testDatabase();
  await addTracks(database, someTracks(2));
  const server = await startListening({ database, config: { auth } });
  const [ann, bob, cid] = await Promise.all(['ann', 'bob', 'cid'].map((name) => placeOf(server.graphqlUrl, name)));
  return { server, ann: ann!, bob: bob!, cid: cid!, document: await createDocument(ann!, 'Ann’s text') };
}

const ERRORS = '... on Error { message } ... on InvalidInputError { field } ... on NotFoundError { id }';
const SET = `mutation ($input: SetDocumentMemberInput!) { setDocumentMember(input: $input) { __typename ${ERRORS} } }`;
const SHARE = `mutation ($input: ShareDocumentInput!) { shareDocument(input: $input) { __typename ${ERRORS}
  ... on ShareDocumentSuccess { link { secret role expiresAt } } } }`;
const JOIN = `mutation ($secret: String!) { joinDocument(secret: $secret) { __typename ... on Error { message }
  ... on JoinDocumentSuccess { document { id title role } } } }`;
const REVOKE = `mutation ($id: ID!) { revokeDocumentLinks(id: $id) { __typename ... on RevokeDocumentLinksSuccess { revoked } } }`;
const RENAME = `mutation ($id: ID!, $title: String!) { renameDocument(id: $id, title: $title) { __typename ${ERRORS} } }`;
const DELETE = `mutation ($id: ID!) { deleteDocument(id: $id) { __typename ${ERRORS} } }`;
const SAVE = `mutation ($input: SaveDocumentVersionInput!) { saveDocumentVersion(input: $input) { __typename ${ERRORS}
  ... on SaveDocumentVersionSuccess { version { id name author { id } } } } }`;
const RESTORE = `mutation ($id: ID!) { restoreDocumentVersion(id: $id) { __typename ${ERRORS} } }`;
const PRESENT = `mutation ($input: SetPresenceInput!) { setPresence(input: $input) { __typename ${ERRORS} } }`;
const PRESENCE =
  'subscription ($id: ID!) { documentPresence(documentId: $id) { peers { clientId state listener { id } } } }';
const FOLLOW = 'subscription ($id: ID!) { documentUpdates(documentId: $id) { __typename } }';

const shared = async (place: Place, documentId: string, role: string, more = {}) => {
  const { data } = await ask(place.graphqlUrl, SHARE, { input: { documentId, role, ...more } }, place.headers);
  return (data as { shareDocument: { link?: { secret: string }; __typename: string } }).shareDocument;
};
const kindOf = async (place: Place, query: string, variables: Record<string, unknown>) =>
  (await mutate(place, query, variables)).__typename;
const edit = updateBy(docOf(5), (text) => text.insert(0, 'edited '));

describe('[DOCUMENT1] who may do what with a document', () => {
  it('a stranger finds nothing, and every change is as of a document that does not exist', async () => {
    const { ann, bob, document } = await writers();
    expect(await textOf(ann, document)).toBe('Ann’s text');
    expect(await textOf(bob, document)).toBeNull();
    const input = { documentId: document, listenerId: bob.id, role: 'EDITOR', name: 'mine' };
    for (const [query, variables] of [
      [RENAME, { id: document, title: 'Mine' }],
      [DELETE, { id: document }],
      [SET, { input: { documentId: document, listenerId: bob.id, role: 'EDITOR' } }],
      [SHARE, { input: { documentId: document, role: 'EDITOR' } }],
      [SAVE, { input: { documentId: document, name: input.name } }],
      [PRESENT, { input: { documentId: document, clientId: 1, clock: 1, state: '{}' } }],
    ] as const)
      expect(await mutate(bob, query, variables)).toMatchObject({ __typename: 'NotFoundError', id: document });
    expect((await push(bob, document, [edit])).__typename).toBe('NotFoundError');
    const { errors } = await firstOfStream(bob.graphqlUrl, FOLLOW, { id: document }, bob.headers);
    expect(errors![0]!.extensions!.code).toBe('NOT_FOUND');
  });

  it('a reader reads, an editor edits as well, and only the owner shares and deletes', async () => {
    const { ann, bob, document } = await writers();
    const set = (role: string | null) =>
      kindOf(ann, SET, { input: { documentId: document, listenerId: bob.id, role } });
    expect(await set('READER')).toBe('SetDocumentMemberSuccess');
    expect(await textOf(bob, document)).toBe('Ann’s text');
    expect((await push(bob, document, [edit])).__typename).toBe('ForbiddenError');
    expect(await kindOf(bob, RENAME, { id: document, title: 'Mine' })).toBe('ForbiddenError');
    expect(await set('EDITOR')).toBe('SetDocumentMemberSuccess');
    expect((await push(bob, document, [edit])).__typename).toBe('PushUpdatesSuccess');
    expect(await kindOf(bob, RENAME, { id: document, title: 'Ours' })).toBe('RenameDocumentSuccess');
    expect(await kindOf(bob, DELETE, { id: document })).toBe('ForbiddenError');
    expect((await shared(bob, document, 'READER')).__typename).toBe('ForbiddenError');
    const { data } = await ask(
      bob.graphqlUrl,
      '{ documents { totalCount nodes { id title role owner { id } members { role listener { id } } } } }',
      {},
      bob.headers,
    );
    expect(data).toEqual({
      documents: {
        totalCount: 1,
        nodes: [
          {
            ...{ id: document, title: 'Ours', role: 'EDITOR', owner: { id: ann.id } },
            members: [{ role: 'EDITOR', listener: { id: bob.id } }],
          },
        ],
      },
    });
    expect(await kindOf(bob, SET, { input: { documentId: document, listenerId: bob.id } })).toBe(
      'SetDocumentMemberSuccess',
    );
    expect(await textOf(bob, document)).toBeNull();
    expect(await kindOf(ann, SET, { input: { documentId: document, listenerId: ann.id, role: 'READER' } })).toBe(
      'ConflictError',
    );
  });
});

describe('[DOCUMENT6] links', () => {
  it('let others join until they expire or are revoked, and never take a role away', async () => {
    const { server, ann, bob, cid, document } = await writers();
    const [editing, reading] = [await shared(ann, document, 'EDITOR'), await shared(ann, document, 'READER')];
    const join = (place: Place, secretOf: { link?: { secret: string } }) =>
      mutate(place, JOIN, { secret: secretOf.link!.secret });
    expect(await join(bob, editing)).toMatchObject({ document: { id: document, role: 'EDITOR' } });
    expect(await join(bob, reading)).toMatchObject({ document: { role: 'EDITOR' } });
    expect(await join(ann, reading)).toMatchObject({ document: { role: 'OWNER' } });
    await server.database.sql`update document_links set expires_at = now() - interval '1 second' where role = 'READER'`;
    expect((await join(cid, reading)).__typename).toBe('NotFoundError');
    expect(await mutate(ann, REVOKE, { id: document })).toMatchObject({ revoked: 1 });
    expect((await join(cid, editing)).__typename).toBe('NotFoundError');
    expect((await mutate(cid, JOIN, { secret: 'guessed' })).__typename).toBe('NotFoundError');
    const [row] = await server.database.sql<{ count: number }[]>`
      select count(*)::int as count from document_links where digest::text like ${`%${editing.link!.secret}%`}`;
    expect(row!.count).toBe(0);
    for (const expiresAt of ['2020-01-01T00:00:00Z', '2999-01-01T00:00:00Z'])
      expect((await shared(ann, document, 'READER', { expiresAt })).__typename).toBe('InvalidInputError');
  });
});

describe('[DOCUMENT9] versions', () => {
  it('are kept under names, and restored by a change that later edits survive', async () => {
    const { ann, bob, document } = await writers();
    await kindOf(ann, SET, { input: { documentId: document, listenerId: bob.id, role: 'READER' } });
    const { data } = await ask(ann.graphqlUrl, SAVE, { input: { documentId: document, name: 'first' } }, ann.headers);
    const { version } = (data as { saveDocumentVersion: { version: { id: string } } }).saveDocumentVersion;
    await push(ann, document, [edit]);
    expect(await textOf(ann, document)).toBe('edited Ann’s text');
    expect(await kindOf(bob, RESTORE, { id: version.id })).toBe('ForbiddenError');
    expect(await kindOf(ann, RESTORE, { id: version.id })).toBe('RestoreDocumentVersionSuccess');
    expect(await textOf(ann, document)).toBe('Ann’s text');
    await push(ann, document, [updateBy(docOf(9), (text) => text.insert(0, 'later '))]);
    expect(await textOf(ann, document)).toContain('later ');
    const query = 'query ($id: ID!) { document(id: $id) { versions { totalCount nodes { name author { id } } } } }';
    const listed = await ask(bob.graphqlUrl, query, { id: document }, bob.headers);
    expect(listed.data).toEqual({
      document: { versions: { totalCount: 1, nodes: [{ name: 'first', author: { id: ann.id } }] } },
    });
  });
});

describe('[DOCUMENT8] presence', () => {
  it('shows who is there, and forgets who has fallen silent or left', async () => {
    const { server, ann, bob, document } = await writers();
    await kindOf(ann, SET, { input: { documentId: document, listenerId: bob.id, role: 'READER' } });
    const say = (place: Place, clientId: number, state: string | null, clock = 1) =>
      kindOf(place, PRESENT, { input: { documentId: document, clientId, clock, state } });
    const present = async () => {
      const { data } = await firstOfStream(ann.graphqlUrl, PRESENCE, { id: document }, ann.headers);
      return (data as { documentPresence: { peers: unknown[] } }).documentPresence.peers;
    };
    expect(await say(bob, 4_000_000_000, '{"cursor":3}')).toBe('SetPresenceSuccess');
    expect(await present()).toEqual([{ clientId: 4_000_000_000, state: '{"cursor":3}', listener: { id: bob.id } }]);
    expect(await say(ann, 4_000_000_000, '{}')).toBe('ConflictError');
    expect(await say(ann, 1, '{}')).toBe('SetPresenceSuccess');
    expect(await present()).toHaveLength(2);
    await server.database.sql`update document_presence set at = at - interval '31 seconds' where client_id = 1`;
    expect(await present()).toHaveLength(1);
    expect(await say(bob, 4_000_000_000, null, 2)).toBe('SetPresenceSuccess');
    expect(await present()).toEqual([]);
    for (const state of ['', 'not JSON', '[]', 'null', `{"a":"${'x'.repeat(1_000)}"}`])
      expect(await say(ann, 1, state)).toBe('InvalidInputError');
    expect(await say(ann, 2 ** 32, '{}')).toBe('InvalidInputError');
    expect(await say(ann, 1.5, '{}')).toBe('InvalidInputError');
  });
});
