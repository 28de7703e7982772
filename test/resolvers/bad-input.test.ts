import { getNamedType, type GraphQLObjectType, isUnionType } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../../src/db/client.ts';
import { Disposal } from '../../src/lib/async/disposal.ts';
import { encodeCursor } from '../../src/lib/page.ts';
import { encodeId, idOf } from '../../src/resolvers/global-id.ts';
import { buildSchema } from '../../src/schema/schema.ts';
import { addTracks, someTracks } from '../support/catalogue/catalogue.ts';
import { argumentTable, type Fixture } from '../support/contract/argument-table.ts';
import { argumentsOf, callWith } from '../support/contract/operations.ts';
import { ASKED } from '../support/documents/assists.ts';
import { addDrafts } from '../support/drafts/drafts.ts';
import { type Answer, ask, startListening, type TestListening } from '../support/listening.ts';
import { createDatabase } from '../support/postgres/database.ts';
import { firstOfStream } from '../support/streams.ts';

const schema = buildSchema();
const lists = [
  'POPULARITY',
  'RELEASE_YEAR',
  'TITLE',
  'RELEVANCE',
  'artist',
  'albumsOfArtist',
  'album',
  'artists',
  'tags',
  'albums',
  'similar',
  'recommendations',
  'onboarding',
  'radio',
  'feedback',
  'tracksOfListener',
  'drafts',
  'apiKeys',
  'auditLog',
  'usage',
  'draft',
  'document',
  'documents',
  'versions',
  'assists',
];
const GROUP = '11111111-0000-4000-8000-000000000000';
const ends = new Disposal();
let database: Database;
let server: TestListening;
let fixture: Fixture;

beforeAll(async () => {
  database = ends.use(await createDatabase());
  const tracks = someTracks(30).map((track, i) => ({ ...track, album: { title: `Album ${i % 3}` } }));
  const { catalogue } = await addTracks(database, tracks);
  await catalogue.declareMetadataKeys([
    { name: 'bpm', type: 'NUMBER' },
    { name: 'mood', type: 'STRINGS' },
  ]);
  const [row] = await database.sql<{ id: string }[]>`
    insert into listeners (external_id, display_name) values ('demo', 'demo') returning id`;
  await database.sql`insert into feedback (listener_id, track_id, kind) select ${row!.id}, id, 'LIKE' from tracks where id < 6`;
  const [draft] = await addDrafts(database, Number(row!.id), 3);
  await database.sql`
    insert into api_keys (prefix, digest, name, owner_id, roles, origins, quota)
    select 'key ' || n, '', 'a key', ${row!.id}, '{LISTENER}', '{}', '{}' from generate_series(1, 3) n`;
  await database.sql`insert into audit_entries (action, outcome) select 'x', 'DONE' from generate_series(1, 3)`;
  await database.sql`
    insert into usage_days (day, listener_id) select '2026-11-01'::date + n, ${row!.id}::bigint from generate_series(1, 3) n`;
  // The newest one is a tune, so that a tune's fields can be reached.
  await database.sql`update drafts set kind = 'TUNE', group_id = ${GROUP}, alternative = 1 where id = ${draft!}`;
  const [document, version] = ['22222222-0000-4000-8000-000000000000', '33333333-0000-4000-8000-000000000000'];
  await database.sql`insert into documents (id, listener_id, title) values (${document}, ${row!.id}, 'T')`;
  await database.sql`
    insert into document_versions (id, document_id, name, state) values (${version}, ${document}, 'v', '\\x0000')`;
  await database.sql`
    insert into document_assists (id, document_id, listener_id, draft_ids, status, client_id, asked, ended_at)
    values (gen_random_uuid(), ${document}, ${row!.id}, '{}', 'WRITTEN', 1, ${JSON.stringify(ASKED)}::text::jsonb, now())`;
  fixture = {
    ...{ draft: encodeId('Draft', draft!), group: encodeId('DraftGroup', GROUP), cursors: {} },
    ...{ document: encodeId('Document', document), version: encodeId('DocumentVersion', version) },
  };
  server = await startListening({ database, onEnd: (end) => ends.defer(end) });
});

afterAll(() => ends[Symbol.asyncDispose]());

/** A cursor of each list that has any. */
async function cursorsOf(url: string): Promise<Record<string, string>> {
  const end = '{ pageInfo { endCursor } }';
  const { data } = await ask(
    url,
    `query ($draft: ID!, $track: ID!, $document: ID!) {
      ${lists
        .slice(0, 4)
        .map((order) => `${order}: tracks(first: 2, search: "title", orderBy: ${order}) ${end}`)
        .join(' ')}
      track(id: $track) {
        similar(first: 2) ${end}
        artist { tracks(first: 2) ${end} albumsOfArtist: albums(first: 2) ${end} }
        album { tracks(first: 2) ${end} }
      }
      artists(first: 2) ${end}
      tags(first: 2) ${end}
      albums(first: 2) ${end}
      recommendations(first: 2) ${end}
      onboarding { recommendations(first: 2) ${end} }
      radio(first: 2) ${end}
      viewer { feedback(first: 2) ${end} tracksOfListener: tracks(mark: LIKED, first: 2) ${end} drafts(first: 2) ${end} }
      apiKeys(first: 2) ${end}
      auditLog(first: 2) ${end}
      usage(from: "2026-11-01", to: "2026-11-30", first: 2) ${end}
      draft(id: $draft) { cursor }
      document(id: $document) { cursor }
      documents(first: 2) ${end}
      of: document(id: $document) { versions(first: 2) ${end} assists(first: 2) ${end} }
    }`,
    { draft: fixture.draft, track: encodeId('Track', 1), document: fixture.document },
  );
  const found = [...JSON.stringify(data).matchAll(/"(?:endCursor|cursor)":"([\w-]+)"/g)].map(([, cursor]) => cursor!);
  const names = [
    ...lists.slice(0, 4),
    'similar',
    'artist',
    'albumsOfArtist',
    'album',
    'artists',
    'tags',
    'albums',
    'recommendations',
    'onboarding',
    'radio',
    'feedback',
    'tracksOfListener',
    'drafts',
    'apiKeys',
    'auditLog',
    'usage',
    'draft',
    'document',
    'documents',
    'versions',
    'assists',
  ];
  expect(found).toHaveLength(names.length);
  const draftGroup = encodeCursor(`draft-group:${GROUP}`, [1, 1, ...Array.from({ length: 7 }, () => [-1, 0]).flat()]);
  const id = idOf('Draft', fixture.draft, 'id');
  const children = encodeCursor(`children:${id}`, [0, id]);
  return { ...Object.fromEntries(names.map((name, i) => [name, found[i]!])), draftGroup, children };
}

// ── Asking ──

/** Where a field of each type is reached from an operation's root. */
const track = `track(id: "${encodeId('Track', 1)}")`;
const explained = `explanation(trackId: "${encodeId('Track', 20)}")`;
const reach: Record<string, (call: string) => string> = {
  Query: (call) => call,
  Mutation: (call) => call,
  Subscription: (call) => call,
  Track: (call) => `${track} { ${call} }`,
  Artist: (call) => `${track} { artist { ${call} } }`,
  Album: (call) => `${track} { album { ${call} } }`,
  Analytics: (call) => `analytics { ${call} }`,
  Finding: (call) => `analyseText(text: "the the") { findings { ${call} } }`,
  Onboarding: (call) => `onboarding { ${call} }`,
  Listener: (call) => `viewer { ${call} }`,
  Document: (call) => `document(id: "${fixture.document}") { ${call} }`,
  Draft: (call) => `draft(id: "${fixture.draft}") { ${call} }`,
  Tune: (call) => `viewer { drafts(first: 1) { nodes { tune { ${call} } } } }`,
  Explanation: (call) => `${explained} { explanation { ${call} } }`,
  TrackExplanation: (call) => `${explained} { ${call} }`,
  Reason: (call) => `${explained} { explanation { reasons { ${call} } } }`,
};
const reasonTypes = ['HistoryReason', 'PreferenceReason', 'PopularityReason'];

function embed(type: string, declarations: string, call: string): string {
  const kind = type === 'Mutation' || type === 'Subscription' ? type.toLowerCase() : 'query';
  const inner = reasonTypes.includes(type) ? reach.Reason!(`... on ${type} { ${call} }`) : reach[type]!(call);
  return `${kind} ${declarations} { ${inner} }`;
}

interface Outcome {
  /** The error's type or code; null when it was taken. */
  what: string | null;
  field: unknown;
  id?: unknown;
}

function outcomeOf({ data, errors }: Answer): Outcome {
  if (errors) {
    const { code, field, id } = errors[0]?.extensions ?? {};
    return { what: String(code), field, id };
  }
  const [result] = Object.values(data ?? {}) as ({ __typename?: string; field?: string; id?: string } | null)[];
  return result?.__typename?.endsWith('Error')
    ? { what: result.__typename, field: result.field, id: result.id }
    : { what: null, field: undefined };
}

/** A stream that has nothing more to tell ends, which is an answer too. */
const firstOrEnd: typeof firstOfStream = (...args) =>
  firstOfStream(...args).catch((error: unknown) => {
    if (/event: complete/.test(String(error))) return { data: {} };
    throw error;
  });

/** Everything that a caller could have changed; what reading leaves behind (served lists) is not among it. */
async function contents(): Promise<unknown> {
  const tables = [
    'albums',
    'album_artists',
    'metadata_keys',
    'track_artists',
    'track_details',
    'artists',
    'genres',
    'tags',
    'tracks',
    'track_genres',
    'track_tags',
    'listeners',
    'listener_genres',
  ];
  const more = [
    'listener_artists',
    'feedback',
    'verdicts',
    'drafts',
    'draft_events',
    'documents',
    'document_updates',
    'document_members',
    'document_links',
    'document_versions',
  ];
  return Promise.all(
    [...tables, ...more].map(
      (table) =>
        database.sql`select ${table}::text as name, md5(string_agg(t::text, ',' order by t::text)) from ${database.sql(table)} t`,
    ),
  );
}

describe('[ERR3] [ERR5] [FIND6] every argument', () => {
  const spoilt = Buffer.from('["x"]').toString('base64url');
  const placeholder = Object.fromEntries(lists.map((list) => [list, spoilt]));
  const table = argumentTable({
    ...{ draft: '', group: '', document: '', version: '' },
    cursors: { ...placeholder, draftGroup: spoilt, children: spoilt },
  });
  const coordinates = Object.entries(table).flatMap(([field, { of }]) =>
    Object.keys(of).map((path) => `${field}(${path})`),
  );

  const partsOf = (coordinate: string): [type: string, field: string, path: string] => {
    const [, type, field, path] = /^(\w+)\.(\w+)\((.+)\)$/.exec(coordinate)!;
    return [type!, field!, path!];
  };

  it('is in the table', () => {
    expect(coordinates.toSorted()).toEqual(argumentsOf(schema).toSorted());
    expect(coordinates.length).toBeGreaterThan(100);
  });

  it.each(coordinates)(
    '%s refuses what is out of bounds with a typed error, and changes nothing',
    async (coordinate) => {
      const { graphqlUrl } = server;
      const [type, field, path] = partsOf(coordinate);
      const { args = {}, of } = argumentTable({ ...fixture, cursors: await cursorsOf(graphqlUrl) })[
        `${type}.${field}`
      ]!;
      const { refused, uncoercible, missing, harmless = [] } = of[path]!;
      const base = path.startsWith('search') || field !== 'tracks' ? args : { search: 'title', ...args };
      const send = async (value: unknown) => {
        const call = callWith(schema, coordinate, base, value, (declarations, text) => embed(type, declarations, text));
        const tell = type === 'Subscription' ? firstOrEnd : ask;
        return { ...outcomeOf(await tell(graphqlUrl, call.document, call.variables)), path: call.path };
      };
      const typed = typesOfResult(type, field);
      const before = await contents();

      for (const { value, at = '' } of refused) {
        const { what, field: named, path: sent } = await send(value);
        const told = `${coordinate} ← ${JSON.stringify(value).slice(0, 200)}`;
        expect([told, what, named]).toEqual([told, typed ? 'InvalidInputError' : 'INVALID_INPUT', `${sent}${at}`]);
      }
      for (const value of uncoercible) {
        const { what } = await send(value);
        const told = `${coordinate} ← ${JSON.stringify(value).slice(0, 200)}`;
        expect([told, ['BAD_USER_INPUT', 'INVALID_INPUT'].includes(what!) ? 'refused' : what]).toEqual([
          told,
          'refused',
        ]);
      }
      if (missing && missing.becomes !== 'nothing') {
        const { what, id } = await send(missing.value);
        const codes: Record<string, string> = { NotFoundError: 'NOT_FOUND', InvalidInputError: 'INVALID_INPUT' };
        expect(what).toBe(typed ? missing.becomes : codes[missing.becomes]);
        if (missing.becomes === 'NotFoundError') expect([id]).toEqual([missing.value].flat());
      }
      expect(await contents()).toEqual(before);

      if (missing?.becomes === 'nothing') expect((await send(missing.value)).what).toBeNull();
      for (const value of harmless) {
        const { what } = await send(value);
        const told = `${coordinate} ← ${JSON.stringify(value).slice(0, 200)}`;
        expect([told, what === 'INTERNAL_SERVER_ERROR' ? what : 'answered']).toEqual([told, 'answered']);
      }
      // What was begun would change the next case's document.
      await expect.poll(() => database.sql`select from document_assists where ended_at is null`).toHaveLength(0);
    },
  );
});

describe('[ERR3] a literal beyond the range of numbers', () => {
  const startDraft = (sampling: string) =>
    `mutation { startDraft(input: { kind: POEM, prompt: "rain", sampling: { ${sampling} } }) { __typename ... on InvalidInputError { field } } }`;
  it.each([
    ['diversity', (n: string) => `{ recommendations(diversity: ${n}) { requestId } }`],
    [
      'input.genres.0.weight',
      (n: string) =>
        `mutation { setPreferences(input: { genres: [{ genre: "jazz", weight: ${n} }] }) { __typename ... on InvalidInputError { field } } }`,
    ],
    ...[
      'temperature',
      'topP',
      'minP',
      'repetitionPenalty',
      'presencePenalty',
      'frequencyPenalty',
      'dryMultiplier',
      'dryBase',
      'xtcProbability',
      'xtcThreshold',
      'maxSeconds',
    ].map((name) => [`input.sampling.${name}`, (n: string) => startDraft(`${name}: ${n}`)] as const),
  ] as const)('%s is out of bounds', async (field, document) => {
    const { graphqlUrl } = server;
    for (const number of ['1e999', '-1e999']) {
      const { what, field: named } = outcomeOf(await ask(graphqlUrl, document(number)));
      expect(['InvalidInputError', 'INVALID_INPUT']).toContain(what);
      expect(named).toBe(field);
    }
  });
});

describe('[ERR3] unusual but valid text', () => {
  const odd = [
    'null',
    'a"b',
    "a'b",
    'a\\\\b',
    '{x}',
    'a,b',
    '%',
    '_',
    '$1',
    '${x}',
    '\u202e',
    '👩‍👩‍👧',
    'ﷺ',
    '\ufeff',
    '%00',
    '\\u0000',
    '"',
  ];

  it('is kept as it was sent', async () => {
    const { graphqlUrl } = server;
    const set = `mutation ($tags: [String!]) { setPreferences(input: { tags: $tags }) {
      ... on SetPreferencesSuccess { preferences { tags } } ... on Error { message } } }`;
    const kept = odd.map((tag) => tag.trim()).filter((tag) => tag !== '');
    expect((await ask(graphqlUrl, set, { tags: kept })).data).toEqual({
      setPreferences: { preferences: { tags: kept } },
    });
    const upsert = `mutation ($input: [TrackInput!]!) { upsertTracks(input: $input) { __typename } }`;
    const input = kept.map((text, i) => ({
      externalId: text,
      title: text,
      artist: text,
      album: { title: text },
      tags: [text, `${i}`],
    }));
    expect((await ask(graphqlUrl, upsert, { input })).data).toEqual({
      upsertTracks: { __typename: 'UpsertTracksSuccess' },
    });
    const find = `query ($search: String) { tracks(search: $search, first: 100) { nodes { title artist { name } album { title } tags { name } } } }`;
    for (const [i, text] of kept.entries()) {
      const { data } = await ask(graphqlUrl, find, { search: text });
      expect((data as { tracks: { nodes: unknown[] } }).tracks.nodes).toContainEqual({
        ...{ title: text, artist: { name: text }, album: { title: text } },
        tags: expect.arrayContaining([{ name: text }, { name: `${i}` }]) as unknown,
      });
    }
  });

  it('may have the maximum length, however long it is in UTF-8 or after normalisation', async () => {
    const { graphqlUrl } = server;
    const longest = (n: number, from: number) =>
      Array.from({ length: n }, (_, i) => String.fromCodePoint(from + i)).join('');
    // U+1D15E and its neighbours become three characters each by NFC, of four bytes.
    const notes = Array.from({ length: 500 }, (_, i) => String.fromCodePoint(0x1d15e + ((i * i) % 7))).join('');
    const names = [longest(500, 0x20000), notes];
    const input = names.map((name, i) => ({
      ...{ externalId: longest(200, 0x20000 + i), title: name, artist: name, album: { title: name } },
      ...{ genres: [longest(100, 0x20000 + i * 100), 'ﷺ'.repeat(100)], tags: [longest(100, 0x20000)] },
    }));
    const upsert = `mutation ($input: [TrackInput!]!) { upsertTracks(input: $input) { __typename ... on Error { message } } }`;
    expect((await ask(graphqlUrl, upsert, { input })).data).toEqual({
      upsertTracks: { __typename: 'UpsertTracksSuccess' },
    });
  });
});

/** The members of the field's result where failures are among them. */
function typesOfResult(type: string, field: string): string[] | null {
  const result = getNamedType((schema.getType(type) as GraphQLObjectType).getFields()[field]!.type);
  return isUnionType(result) && type === 'Mutation' ? result.getTypes().map(({ name }) => name) : null;
}
