import { SignJWT } from 'jose';
import { describe, expect, it } from 'vitest';
import { addTracks, someTracks } from '../support/catalogue/catalogue.ts';
import { ask, startListening } from '../support/listening.ts';
import { testDatabase } from '../support/postgres/database.ts';
import { firstOfStream } from '../support/streams.ts';

const secret = 'a secret that is thirty-two bytes long, or longer';
const auth = { kind: 'secret', secret, issuer: null, audience: null } as const;

async function as(sub: string, roles?: string[]): Promise<Record<string, string>> {
  const token = new SignJWT({ sub, ...(roles && { roles }) })
    .setProtectedHeader({ alg: 'HS256' })
    .setExpirationTime('1h');
  return { authorization: `Bearer ${await token.sign(new TextEncoder().encode(secret))}` };
}

type Node = { id: string; __typename: string } | null;

/** Ann has feedback, a private draft and a shared one; the ids of them and of everything public. */
async function things() {
  const database = await testDatabase();
  await addTracks(database, someTracks(5));
  const server = await startListening({ database, config: { auth } });
  const ann = await as('ann');
  const tell = async (query: string, variables = {}, headers = ann) => {
    const { data, errors } = await ask(server.graphqlUrl, query, variables, headers);
    expect(errors).toBeUndefined();
    return data as Record<string, unknown>;
  };
  const { tracks, models, viewer } = await tell(
    '{ tracks(first: 1) { nodes { id artist { id } genres { id } } } models { id } viewer { id } }',
  );
  const [track] = (tracks as { nodes: { id: string; artist: { id: string }; genres: { id: string }[] }[] }).nodes;
  const [model] = models as { id: string }[];
  const { recordFeedback } = await tell(
    'mutation ($id: ID!) { recordFeedback(input: { trackId: $id, kind: LIKE }) { ... on RecordFeedbackSuccess { feedback { id } } } }',
    { id: track!.id },
  );
  const draft = async (visibility: string) => {
    const { startDraft } = await tell(
      'mutation ($visibility: DraftVisibility!) { startDraft(input: { kind: POEM, prompt: "rain", visibility: $visibility, sampling: { maxTokens: 2 } }) { ... on StartDraftSuccess { draft { id } } } }',
      { visibility },
    );
    return (startDraft as { draft: { id: string } }).draft.id;
  };
  const ids = {
    Track: track!.id,
    Artist: track!.artist.id,
    Genre: track!.genres[0]!.id,
    Model: model!.id,
    Listener: (viewer as { id: string }).id,
    Feedback: (recordFeedback as { feedback: { id: string } }).feedback.id,
    Draft: await draft('PRIVATE'),
  };
  return { ...server, ids, shared: await draft('SHARED') };
}

const nodesQuery = 'query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }';

describe('node', () => {
  it('[NODE1] finds objects of every type by id, one by one and together, in the order requested', async () => {
    const { graphqlUrl, ids, shared } = await things();
    const ann = await as('ann');
    for (const [type, id] of Object.entries(ids)) {
      const { data } = await ask(graphqlUrl, 'query ($id: ID!) { node(id: $id) { __typename id } }', { id }, ann);
      expect(data).toEqual({ node: { __typename: type, id } });
    }
    const asked = [shared, ...Object.values(ids), ids.Track].toReversed();
    const { data } = await ask(graphqlUrl, nodesQuery, { ids: asked }, ann);
    expect((data as { nodes: Node[] }).nodes.map((node) => node?.id)).toEqual(asked);
    expect((await ask(graphqlUrl, nodesQuery, { ids: [] }, ann)).data).toEqual({ nodes: [] });
  });

  it.each([
    ['another listener', undefined, ['Track', 'Artist', 'Genre', 'Model']],
    ['ANALYST', ['ANALYST'], ['Track', 'Artist', 'Genre', 'Model', 'Listener', 'Feedback']],
    ['SERVICE', ['SERVICE'], ['Track', 'Artist', 'Genre', 'Model', 'Listener', 'Feedback']],
    ['ADMIN', ['ADMIN'], ['Track', 'Artist', 'Genre', 'Model', 'Listener', 'Feedback', 'Draft']],
  ])('[NODE2] is null if the object is not visible to %s', async (_, roles, seen) => {
    const { graphqlUrl, ids, shared } = await things();
    const headers = await as('bob', roles);
    const { data, errors } = await ask(graphqlUrl, nodesQuery, { ids: [...Object.values(ids), shared] }, headers);
    expect(errors).toBeUndefined();
    const found = (data as { nodes: Node[] }).nodes;
    expect(
      found
        .slice(0, -1)
        .filter((node) => node !== null)
        .map(({ __typename }) => __typename),
    ).toEqual(seen);
    expect(found.at(-1)).toMatchObject({ __typename: 'Draft', id: shared });
  });
});

describe('private data', () => {
  it('[NODE2] a shared draft shows its owner, but none of their preferences, feedback or other drafts', async () => {
    const { graphqlUrl, shared, ids } = await things();
    const bob = await as('bob');
    const owner = (fields: string) => `query ($id: ID!) { draft(id: $id) { text owner { ${fields} } } }`;
    const { data } = await ask(
      graphqlUrl,
      owner('displayName drafts { totalCount nodes { id } }'),
      { id: shared },
      bob,
    );
    expect(data).toMatchObject({
      draft: { owner: { displayName: 'ann', drafts: { totalCount: 1, nodes: [{ id: shared }] } } },
    });
    for (const field of ['externalId', 'preferences { tags }', 'feedback { totalCount }']) {
      const { errors } = await ask(graphqlUrl, owner(field), { id: shared }, bob);
      expect(errors?.map(({ extensions }) => extensions?.code)).toEqual(['FORBIDDEN']);
    }
    expect((await ask(graphqlUrl, owner('id'), { id: ids.Draft }, bob)).data).toEqual({ draft: null });
  });

  it("[NODE2] another's draft cannot be changed: FORBIDDEN if it is shared, NOT_FOUND if it is not", async () => {
    const { graphqlUrl, shared, ids } = await things();
    const bob = await as('bob');
    const changes = {
      cancelDraft: 'mutation ($id: ID!) { cancelDraft(id: $id) { __typename } }',
      deleteDraft: 'mutation ($id: ID!) { deleteDraft(id: $id) { __typename } }',
      updateDraft: 'mutation ($id: ID!) { updateDraft(input: { draftId: $id, title: "mine" }) { __typename } }',
      continueDraft: 'mutation ($id: ID!) { continueDraft(input: { draftId: $id }) { __typename } }',
    };
    for (const [name, mutation] of Object.entries(changes)) {
      const outcome = async (id: string) => (await ask(graphqlUrl, mutation, { id }, bob)).data;
      expect(await outcome(shared)).toEqual({ [name]: { __typename: 'ForbiddenError' } });
      expect(await outcome(ids.Draft)).toEqual({ [name]: { __typename: 'NotFoundError' } });
    }
    const still = await ask(graphqlUrl, nodesQuery, { ids: [shared, ids.Draft] }, await as('ann'));
    expect((still.data as { nodes: Node[] }).nodes.map((node) => node?.id)).toEqual([shared, ids.Draft]);
  });

  it("[FB3] another's feedback can be neither removed nor recorded", async () => {
    const { graphqlUrl, ids } = await things();
    const bob = await as('bob');
    const remove = 'mutation ($id: ID!) { removeFeedback(id: $id) { __typename } }';
    expect((await ask(graphqlUrl, remove, { id: ids.Feedback }, bob)).data).toEqual({
      removeFeedback: { __typename: 'NotFoundError' },
    });
    const record =
      'mutation ($listener: ID!, $track: ID!) { recordFeedback(input: { listenerId: $listener, trackId: $track, kind: HIDE }) { __typename } }';
    const variables = { listener: ids.Listener, track: ids.Track };
    expect((await ask(graphqlUrl, record, variables, bob)).data).toEqual({
      recordFeedback: { __typename: 'ForbiddenError' },
    });
    const { data } = await ask(graphqlUrl, '{ viewer { feedback { nodes { id kind } } } }', {}, await as('ann'));
    expect(data).toEqual({ viewer: { feedback: { nodes: [{ id: ids.Feedback, kind: 'LIKE' }] } } });
  });

  it('[NODE2] the list of another listener cannot be paged through', async () => {
    const { graphqlUrl } = await things();
    const first = await ask(
      graphqlUrl,
      '{ recommendations(first: 2) { pageInfo { endCursor } } }',
      {},
      await as('ann'),
    );
    const after = (first.data as { recommendations: { pageInfo: { endCursor: string } } }).recommendations.pageInfo
      .endCursor;
    const next = 'query ($after: String) { recommendations(first: 2, after: $after) { requestId } }';
    const { errors } = await ask(graphqlUrl, next, { after }, await as('bob'));
    expect(errors).toMatchObject([{ extensions: { code: 'INVALID_INPUT', field: 'after' } }]);
    expect((await ask(graphqlUrl, next, { after }, await as('ann'))).errors).toBeUndefined();
  });

  it('[DRAFT3] the events of a private draft are not sent to others', async () => {
    const { graphqlUrl, ids, shared } = await things();
    const follow = 'subscription ($id: ID!) { draftEvents(draftId: $id) { __typename } }';
    const bob = await as('bob');
    const refused = await firstOfStream(graphqlUrl, follow, { id: ids.Draft }, bob);
    expect(refused.errors).toMatchObject([{ extensions: { code: 'NOT_FOUND', id: ids.Draft } }]);
    const allowed = await firstOfStream(graphqlUrl, follow, { id: shared }, bob);
    expect(allowed.data).toEqual({ draftEvents: { __typename: 'DraftSnapshot' } });
  });
});
