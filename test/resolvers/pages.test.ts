import { describe, expect, it } from 'vitest';
import type { Database } from '../../src/db/client.ts';
import { encodeId, idOf } from '../../src/resolvers/global-id.ts';
import { addTracks, someTracks } from '../support/catalogue/catalogue.ts';
import { addDrafts } from '../support/drafts/drafts.ts';
import { ask, startListening, type TestListening } from '../support/listening.ts';
import { testDatabase } from '../support/postgres/database.ts';

interface Connection {
  edges: { cursor: string; node: { id: string } }[];
  nodes: { id: string }[];
  pageInfo: { hasNextPage: boolean; hasPreviousPage: boolean; startCursor: string | null; endCursor: string | null };
  totalCount: number;
}

const connection =
  '{ edges { cursor node { id } } nodes { id } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } totalCount }';

/** What a list is asked with, and where in the answer it is. */
interface List {
  document: string;
  of: (data: Record<string, unknown>) => Connection;
}

const tracksBy = (orderBy: string, search: string | null): List => ({
  document: `query ($first: Int, $after: String) { list: tracks(first: $first, after: $after, orderBy: ${orderBy}, search: ${JSON.stringify(search)}) ${connection} }`,
  of: (data) => data.list as Connection,
});
const ofViewer = (field: string): List => ({
  document: `query ($first: Int, $after: String) { viewer { list: ${field}(first: $first, after: $after) ${connection} } }`,
  of: (data) => (data.viewer as { list: Connection }).list,
});
const ofArtist = (id: string): List => ({
  document: `query ($first: Int, $after: String) { node(id: "${id}") { ... on Artist { list: tracks(first: $first, after: $after) ${connection} } } }`,
  of: (data) => (data.node as { list: Connection }).list,
});

async function read({ graphqlUrl }: TestListening, { document, of }: List, first: number, after: string | null) {
  const { data, errors } = await ask(graphqlUrl, document, { first, after });
  expect(errors).toBeUndefined();
  return of(data as Record<string, unknown>);
}

/** Reads a list to its end in pages of these sizes, checking each page's bounds; `between` happens after each page. */
async function readAll(
  server: TestListening,
  list: List,
  first: number,
  between: (page: number) => Promise<unknown> = () => Promise.resolve(),
): Promise<string[]> {
  const ids: string[] = [];
  let after: string | null = null;
  for (let number = 0; ; number++) {
    const page: Connection = await read(server, list, first, after);
    expect(page.nodes).toEqual(page.edges.map(({ node }) => node));
    expect(page.edges.length).toBe(page.pageInfo.hasNextPage ? first : Math.min(first, page.edges.length));
    expect(page.pageInfo.hasPreviousPage).toBe(after !== null);
    expect(page.pageInfo.startCursor).toBe(page.edges[0]?.cursor ?? null);
    expect(page.pageInfo.endCursor).toBe(page.edges.at(-1)?.cursor ?? null);
    ids.push(...page.nodes.map(({ id }) => id));
    if (!page.pageInfo.hasNextPage) return ids;
    after = page.pageInfo.endCursor;
    await between(number);
  }
}

interface Refusal {
  message: string;
  extensions: { code: string; field: string };
}

async function refusalOf({ graphqlUrl }: TestListening, { document }: List, first: number, after: string | null) {
  const { errors } = await ask(graphqlUrl, document, { first, after });
  return (errors as Refusal[] | undefined)?.map(({ extensions: { code, field } }) => `${code} ${field}`);
}

/** Many ties in every order: few titles, years and popularities, years that are not known. Lists take one recording of a song. */
async function crowd(database: Database, n: number, from = 0, songs = 5): Promise<string[]> {
  const tracks = someTracks(from + n)
    .slice(from)
    .map((track, i) => ({
      ...track,
      title: `Song ${(from + i) % songs}`,
      artist: `Artist ${(from + i) % 2}`,
      releaseYear: i % 4 === 0 ? null : 1990 + (i % 3),
    }));
  const { ids } = await addTracks(database, tracks);
  await database.sql`update tracks set popularity = (id % 7) / 3.0 * 0.1`;
  return ids.map((id) => encodeId('Track', id));
}

async function viewerId(database: Database): Promise<number> {
  const [row] = await database.sql<{ id: string }[]>`
    insert into listeners (external_id, display_name) values ('demo', 'demo')
    on conflict (external_id) do update set display_name = 'demo' returning id`;
  return Number(row!.id);
}

const searches = [
  ['POPULARITY', null],
  ['RELEASE_YEAR', null],
  ['TITLE', 'song'],
  ['RELEVANCE', 'song 1'],
  ['RELEVANCE', null],
] as const;

it('[PAGE1] `first` is 1–100 in every list', async () => {
  const database = await testDatabase();
  await crowd(database, 3);
  const server = await startListening({ database });
  for (const list of [
    tracksBy('TITLE', null),
    ofArtist(encodeId('Artist', 1)),
    ofViewer('feedback'),
    ofViewer('drafts'),
  ]) {
    for (const first of [1, 100]) expect(await refusalOf(server, list, first, null)).toBeUndefined();
    for (const first of [-1, 0, 101])
      expect(await refusalOf(server, list, first, null)).toEqual(['INVALID_INPUT first']);
  }
});

it('[PAGE4] a cursor of another list, or any other text, is refused', async () => {
  const database = await testDatabase();
  await crowd(database, 20);
  const server = await startListening({ database });
  const lists = [
    tracksBy('TITLE', null),
    tracksBy('RELEASE_YEAR', null),
    ...[1, 2].map((id) => ofArtist(encodeId('Artist', id))),
  ];
  const cursors = await Promise.all(
    lists.map(async (list) => (await read(server, list, 2, null)).pageInfo.endCursor ?? 'none'),
  );
  for (const [at, list] of lists.entries()) {
    for (const [from, cursor] of [...cursors, 'no cursor', ''].entries()) {
      const expected = from === at ? undefined : ['INVALID_INPUT after'];
      expect(await refusalOf(server, list, 2, cursor)).toEqual(expected);
    }
  }
});

describe('pages of tracks', () => {
  it.each(searches)(
    '[PAGE2] by %s, searching for %s, add up to the whole list for any page size',
    async (order, search) => {
      const database = await testDatabase();
      await crowd(database, 60);
      const server = await startListening({ database });
      const list = tracksBy(order, search);
      const whole = await read(server, list, 100, null);
      expect(whole.totalCount).toBe(whole.nodes.length);
      const ids = whole.nodes.map(({ id }) => id);
      expect(new Set(ids).size).toBe(whole.totalCount);
      expect(whole.totalCount).toBe(search === 'song 1' ? 36 : 60);
      for (const first of [1, 7, 12, 59, 60]) expect(await readAll(server, list, first)).toEqual(ids);
    },
  );

  it.each(searches)(
    '[PAGE2] by %s, searching for %s, do not shift while tracks are added and removed',
    async (order, search) => {
      const database = await testDatabase();
      await crowd(database, 60);
      const server = await startListening({ database });
      const list = tracksBy(order, search);
      const before = (await read(server, list, 100, null)).nodes.map(({ id }) => id);
      const gone = new Set<string>();
      const seen = await readAll(server, list, 5, async (page) => {
        // Rows everywhere in the order appear and vanish, the row that the last cursor names among them.
        if (page >= 8) return;
        await crowd(database, 10, 100 + page * 10);
        const read = before.slice(0, (page + 1) * 5).filter((id) => !gone.has(id));
        for (const id of [read.at(-1), before.at(-1 - page)]) {
          if (id === undefined) continue;
          gone.add(id);
          await database.sql`delete from tracks where id = ${Number(idOf('Track', id, 'id'))}`;
        }
      });
      expect(new Set(seen).size).toBe(seen.length);
      const stayed = before.filter((id) => !gone.has(id));
      expect(seen.filter((id) => stayed.includes(id))).toEqual(stayed);
    },
  );

  it('[PAGE2] of an artist add up to the whole list for any page size', async () => {
    const database = await testDatabase();
    await crowd(database, 60);
    const server = await startListening({ database });
    const list = ofArtist(encodeId('Artist', 1));
    const whole = await read(server, list, 100, null);
    expect(whole.totalCount).toBe(30);
    for (const first of [1, 7, 30]) {
      expect(await readAll(server, list, first)).toEqual(whole.nodes.map(({ id }) => id));
    }
  });
});

describe('pages of a listener', () => {
  it('[PAGE2] feedback of one instant is neither repeated nor skipped while events are added and removed', async () => {
    const database = await testDatabase();
    await crowd(database, 20);
    const listener = await viewerId(database);
    const add = (n: number, kind: string) => database.sql`insert into feedback (listener_id, track_id, kind, at)
      select ${listener}, 1 + n % 20, ${kind}::feedback_kind, '2026-01-01'::timestamptz + make_interval(secs => n / 10) from generate_series(1, ${n}) n`;
    await add(40, 'LIKE');
    const server = await startListening({ database });
    const list = ofViewer('feedback');
    const before = (await read(server, list, 100, null)).nodes.map(({ id }) => id);
    expect(before).toHaveLength(40);
    for (const first of [1, 9, 40]) expect(await readAll(server, list, first)).toEqual(before);
    const gone = new Set<string>();
    const seen = await readAll(server, list, 6, async (page) => {
      await add(5, 'PLAY');
      for (const id of [before[page * 6]!, before.at(-1 - page)!]) {
        gone.add(id);
        await ask(server.graphqlUrl, 'mutation ($id: ID!) { removeFeedback(id: $id) { __typename } }', { id });
      }
    });
    expect(new Set(seen).size).toBe(seen.length);
    const stayed = before.filter((id) => !gone.has(id));
    expect(seen.filter((id) => stayed.includes(id))).toEqual(stayed);
  });

  it('[PAGE2] drafts are neither repeated nor skipped while others are started and deleted', async () => {
    const database = await testDatabase();
    const listener = await viewerId(database);
    await addDrafts(database, listener, 25);
    // Several at once: the id then decides.
    await database.sql`update drafts set created_at = date_trunc('second', created_at)`;
    const server = await startListening({ database });
    const list = ofViewer('drafts');
    const before = (await read(server, list, 100, null)).nodes.map(({ id }) => id);
    expect(before).toHaveLength(25);
    for (const first of [1, 9, 25]) expect(await readAll(server, list, first)).toEqual(before);
    const gone = new Set<string>();
    const seen = await readAll(server, list, 4, async (page) => {
      const { errors } = await ask(
        server.graphqlUrl,
        'mutation { startDraft(input: { kind: POEM, prompt: "rain", sampling: { maxTokens: 1 } }) { __typename } }',
      );
      expect(errors).toBeUndefined();
      for (const id of [before[page * 4 + 3]!, before.at(-1 - page)!]) {
        gone.add(id);
        await ask(server.graphqlUrl, 'mutation ($id: ID!) { deleteDraft(id: $id) { __typename } }', { id });
      }
    });
    expect(new Set(seen).size).toBe(seen.length);
    const stayed = before.filter((id) => !gone.has(id));
    expect(seen.filter((id) => stayed.includes(id))).toEqual(stayed);
  });
});

describe('pages of recommendation lists', () => {
  const page =
    '{ requestId edges { cursor node { rank track { id } } } nodes { rank } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } }';
  interface Page {
    requestId: string;
    edges: { cursor: string; node: { rank: number; track: { id: string } } }[];
    pageInfo: Connection['pageInfo'];
  }

  async function readList(
    server: TestListening,
    document: string,
    first: number,
    between: (page: Page) => Promise<unknown>,
  ) {
    const pages: Page[] = [];
    for (let after: string | null = null; ;) {
      const { data, errors } = await ask(server.graphqlUrl, document, { first, after });
      expect(errors).toBeUndefined();
      const list: Page = (data as { list?: Page }).list ?? (data as { track: { list: Page } }).track.list;
      expect(list.pageInfo.hasPreviousPage).toBe(after !== null);
      expect(list.pageInfo.endCursor).toBe(list.edges.at(-1)?.cursor ?? null);
      pages.push(list);
      if (!list.pageInfo.hasNextPage) return pages;
      after = list.pageInfo.endCursor;
      await between(list);
    }
  }

  it('[REC7] recommendations are one list under one requestId, whatever is recorded meanwhile', async () => {
    const database = await testDatabase();
    const all = await crowd(database, 60, 0, 60);
    const server = await startListening({ database });
    const document = `query ($first: Int, $after: String) { list: recommendations(first: $first, after: $after, diversity: 0.5) ${page} }`;
    const react =
      'mutation ($id: ID!, $kind: FeedbackKind!, $requestId: ID!) { recordFeedback(input: { trackId: $id, kind: $kind, requestId: $requestId }) { __typename } }';
    let said = 0;
    const pages = await readList(server, document, 7, async ({ edges, requestId }) => {
      for (const [at, kind] of [
        [0, 'LIKE'],
        [1, 'HIDE'],
      ] as const) {
        const { data } = await ask(server.graphqlUrl, react, { id: edges[at]!.node.track.id, kind, requestId });
        expect(data).toEqual({ recordFeedback: { __typename: 'RecordFeedbackSuccess' } });
        said++;
      }
      // What would have come next is hidden too: the list was made before.
      const unseen = all.filter((id) => !edges.some(({ node }) => node.track.id === id)).at(-1);
      await ask(server.graphqlUrl, react, { id: unseen, kind: 'HIDE', requestId });
    });
    expect(said).toBeGreaterThan(10);
    expect(new Set(pages.map(({ requestId }) => requestId)).size).toBe(1);
    const entries = pages.flatMap(({ edges }) => edges.map(({ node }) => node));
    expect(entries.map(({ rank }) => rank)).toEqual(entries.map((_, i) => i + 1));
    expect(entries.map(({ track }) => track.id).toSorted()).toEqual(all.toSorted());
    const next = await ask(server.graphqlUrl, `query { list: recommendations(first: 100) ${page} }`);
    expect((next.data as { list: Page }).list.edges.length).toBeLessThan(60 - said);
  });

  it('[PAGE2] similar tracks are the same for any page size', async () => {
    const database = await testDatabase();
    const all = await crowd(database, 30, 0, 30);
    const server = await startListening({ database });
    const document = `query ($first: Int, $after: String) { track(id: "${all[0]}") { list: similar(first: $first, after: $after) ${page} } }`;
    const cut = async (first: number) =>
      (await readList(server, document, first, () => Promise.resolve())).flatMap(({ edges }) =>
        edges.map(({ node }) => node.track.id),
      );
    const whole = await cut(100);
    expect(whole.toSorted()).toEqual(all.slice(1).toSorted());
    for (const first of [1, 4, 29]) expect(await cut(first)).toEqual(whole);
  });
});
