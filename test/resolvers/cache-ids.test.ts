import { beforeEach, describe, expect, it } from 'vitest';
import type { Database } from '../../src/db/client.ts';
import { addTracks, someTracks } from '../support/catalogue/catalogue.ts';
import { ask, startListening, type TestListening } from '../support/listening.ts';
import { testDatabase } from '../support/postgres/database.ts';
import { firstOfStream } from '../support/streams.ts';

interface Item {
  id: string;
  track: { id: string };
  explanation: { id: string; summary: string };
}

const ITEM = '{ id track { id } explanation { id summary } }';
const LIST = `query ($first: Int = 5, $after: String, $filter: TrackFilter) {
  recommendations(first: $first, after: $after, filter: $filter) { pageInfo { endCursor } nodes ${ITEM} } }`;
const WHY = `query ($id: ID!) { explanation(trackId: $id) { explanation { id } outweighedBy(first: 2) ${ITEM} } }`;
const SIMILAR = `query ($id: ID!) { track(id: $id) { similar(first: 3) { nodes ${ITEM} } } }`;

let database: Database;
let server: TestListening;
beforeEach(async () => {
  database = await testDatabase();
  await addTracks(database, someTracks(30));
  server = await startListening({ database });
});

async function list(variables = {}, { graphqlUrl } = server): Promise<{ nodes: Item[]; endCursor: string }> {
  const { data } = await ask(graphqlUrl, LIST, variables);
  const { nodes, pageInfo } = (data as { recommendations: { nodes: Item[]; pageInfo: { endCursor: string } } })
    .recommendations;
  return { nodes, ...pageInfo };
}

const whyNot = async (id: string) => {
  const { data } = await ask(server.graphqlUrl, WHY, { id });
  return (data as { explanation: { explanation: { id: string }; outweighedBy: Item[] } }).explanation;
};

const like = async (id: string) => {
  const mutation = 'mutation ($id: ID!) { setReaction(trackId: $id, reaction: LIKE) { __typename } }';
  const { data } = await ask(server.graphqlUrl, mutation, { id });
  expect(data).toEqual({ setReaction: { __typename: 'SetReactionSuccess' } });
};

const idsOf = (items: readonly Item[]) => items.flatMap(({ id, explanation }) => [id, explanation.id]);

describe('[NODE3] the ids of recommendations and explanations', () => {
  it('are the same for the same list, of any length, of a query and a subscription, and on every node', async () => {
    const { nodes } = await list();
    expect((await list({ first: 9 })).nodes.slice(0, 5)).toEqual(nodes);
    const { data } = await firstOfStream(
      server.graphqlUrl,
      `subscription { recommendations(first: 5) { nodes ${ITEM} } }`,
      {},
    );
    expect(data).toEqual({ recommendations: { nodes } });
    const other = await startListening({ database });
    expect((await list({}, other)).nodes).toEqual(nodes);
  });

  it('are the same for a later page, and for one question about a track', async () => {
    const { endCursor, nodes } = await list();
    const later = await list({ after: endCursor });
    expect((await list({ after: endCursor })).nodes).toEqual(later.nodes);
    const last = later.nodes.at(-1)!.track.id;
    expect(await whyNot(last)).toEqual(await whyNot(last));
    // What outweighs two tracks is the same.
    const another = await whyNot(later.nodes.at(-2)!.track.id);
    expect(another.outweighedBy).toEqual((await whyNot(last)).outweighedBy);
    const similar = () => ask(server.graphqlUrl, SIMILAR, { id: last });
    expect((await similar()).data).toEqual((await similar()).data);
    expect(nodes.length).toBe(5);
  });

  it('differ where the list, the track or the question differs', async () => {
    const { endCursor, nodes } = await list();
    const [first] = nodes;
    const pages = [
      nodes,
      (await list({ after: endCursor })).nodes,
      (await list({ filter: { excludeTrackIds: [nodes[4]!.track.id] } })).nodes,
    ];
    const why = await whyNot(nodes[3]!.track.id);
    const { data } = await ask(server.graphqlUrl, SIMILAR, { id: first!.track.id });
    const similar = (data as { track: { similar: { nodes: Item[] } } }).track.similar.nodes;
    await like(nodes[4]!.track.id);
    const after = await list();
    const all = [...[...pages, why.outweighedBy, similar, after.nodes].flatMap(idsOf), why.explanation.id];
    expect(all.length).toBeGreaterThan(40);
    expect(new Set(all).size).toBe(all.length);
  });

  it('are refused by node, which says whose they are', async () => {
    const [item] = (await list()).nodes;
    for (const [id, type] of [
      [item!.id, 'Recommendation'],
      [item!.explanation.id, 'Explanation'],
    ] as const) {
      const { errors } = await ask(server.graphqlUrl, 'query ($id: ID!) { node(id: $id) { id } }', { id });
      expect(errors?.map(({ message }) => message)).toEqual([
        `id is the id of a ${type}, which is not fetched by its id`,
      ]);
    }
  });
});
