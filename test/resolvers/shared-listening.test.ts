import { expect, it } from 'vitest';
import { encodeId } from '../../src/resolvers/global-id.ts';
import { bearer, withAuth } from '../support/access/auth.ts';
import { addTracks, someTracks } from '../support/catalogue/catalogue.ts';
import { ask, startListening } from '../support/listening.ts';
import { testDatabase } from '../support/postgres/database.ts';

interface Group {
  groupRecommendations: { members: { listener: { externalId: string }; explanation: { summary: string } }[] }[];
}

it('[GROUP1] [RADIO1] [SESSION1] over GraphQL: a group is for backends, a radio and a session for everybody', async () => {
  const database = await testDatabase();
  await addTracks(database, someTracks(20));
  await database.sql`
    insert into listeners (external_id, display_name) select name, name from unnest('{ann,bob}'::text[]) as n (name)`;
  const rows = await database.sql<{ id: number }[]>`select id::float8 as id from listeners order by external_id`;
  const listenerIds = rows.map(({ id }) => encodeId('Listener', id));
  const { graphqlUrl } = await startListening({ database, config: withAuth });
  const document = `query ($listenerIds: [ID!]!) {
    groupRecommendations(listenerIds: $listenerIds, first: 3) {
      track { title } rank score members { listener { externalId } score share explanation { summary } }
    }
  }`;
  const listener = await bearer({ sub: 'ann', roles: ['LISTENER'] });
  const refused = await ask(graphqlUrl, document, { listenerIds }, listener);
  expect(refused.errors?.map(({ extensions }) => extensions?.code)).toEqual(['FORBIDDEN']);
  const backend = await bearer({ sub: 'backend', roles: ['SERVICE'] });
  const { data, errors } = await ask(graphqlUrl, document, { listenerIds }, backend);
  expect(errors).toBeUndefined();
  const found = (data as unknown as Group).groupRecommendations;
  expect(found).toHaveLength(3);
  for (const { members } of found)
    expect(members.map(({ listener: { externalId } }) => externalId)).toEqual(['ann', 'bob']);

  const radio = `query ($after: String, $session: [ID!]) {
    radio(first: 4, after: $after, context: { session: $session }) { pageInfo { endCursor hasNextPage } nodes { track { id } } }
  }`;
  const played = new Set<string>();
  let after: string | null = null;
  for (let page = 1; page <= 4; page++) {
    const answer: { data?: Record<string, unknown> | null } = await ask(
      graphqlUrl,
      radio,
      { after, session: [...played].slice(-2) },
      listener,
    );
    const { pageInfo, nodes } = answer.data?.radio as {
      pageInfo: { endCursor: string; hasNextPage: boolean };
      nodes: { track: { id: string } }[];
    };
    expect(pageInfo.hasNextPage).toBe(true);
    for (const { track } of nodes) played.add(track.id);
    expect(played.size).toBe(4 * page);
    after = pageInfo.endCursor;
  }
});
