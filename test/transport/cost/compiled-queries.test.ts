import { type DocumentNode, parse } from 'graphql';
import { beforeAll, describe, expect, it } from 'vitest';
import { Operations, textOf } from '../../../bench/worst/operations.ts';
import type { Database } from '../../../src/db/client.ts';
import { randomStream } from '../../../src/lib/random.ts';
import { encodeId } from '../../../src/resolvers/global-id.ts';
import { buildSchema } from '../../../src/schema/schema.ts';
import { CompiledQueries } from '../../../src/transport/documents/compiled-queries.ts';
import { addTracks, someTracks } from '../../support/catalogue/catalogue.ts';
import { type Answer, ask, startListening, type TestListening } from '../../support/listening.ts';
import { createDatabase } from '../../support/postgres/database.ts';

let database: Database;
let ids: string[];
beforeAll(async () => {
  database = await createDatabase();
  ids = (await addTracks(database, someTracks(30))).ids.map((id) => encodeId('Track', id));
  return () => database[Symbol.asyncDispose]();
});

const needModels = ['classifyText', 'sentiment', 'moodOf', 'embed', 'scoreText', 'translate', 'unexpectedWords'];
const compiling = { afterExecutions: 1, mostTokens: 10_000, everyMs: 0 };

/** What the interpreter answers, and then the code that the query is compiled to. */
async function bothAnswers(server: TestListening, query: string, variables = {}): Promise<[Answer, Answer]> {
  const interpreted = await ask(server.graphqlUrl, query, variables);
  return [comparable(interpreted), comparable(await ask(server.graphqlUrl, query, variables))];
}

/** Without where it failed: of several fields that fail beside each other, the first to be looked up is told. */
const withoutPlaces = ({ data, errors }: Answer) => ({
  data,
  codes: errors?.map(({ extensions }) => extensions?.code),
});

/** Without what differs each time. */
function comparable({ data, errors }: Answer): Answer {
  const text = JSON.stringify({ data, errors });
  const ids = /[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}/g;
  return JSON.parse(text.replace(ids, 'an id').replace(/"WyJ[\w-]+"/g, '"a cursor"')) as Answer;
}

describe('[SERVE12] a query that comes often', () => {
  it('is answered as at first, for random operations', async () => {
    const server = await startListening({ database, compiling, cost: { budget: 1e9, staffBudget: 1e9 } });
    const known = ids.slice(0, 5).map((id) => `"${id}"`);
    const bad = { id: ['"nonsense"', `"${encodeId('Track', 999_999)}"`], after: ['"x"'] };
    const countBad = (text: string): number =>
      [...bad.id, ...bad.after].flatMap((one) => text.split(one).slice(1)).length;
    const pools = {
      ...{ id: [...known, ...bad.id], ids: known, trackId: known },
      ...{
        seedTrackIds: known,
        unlikeTrackIds: known,
        session: known,
        externalId: ['"demo"'],
        search: ['"title"'],
        text: ['"jazz"'],
        after: bad.after,
      },
      // Above 0 every list is a new one.
      ...{ notServedForHours: ['0'] },
    };
    const shape = {
      depth: 7,
      width: 4,
      lengths: [1, 2, 5],
      pools,
      // Nor what counts these very requests, nor what needs a model: of two fields that fail for want of one, either may be
      // the first.
      without: ['offPolicyEstimate', 'models', 'analytics', 'usage', ...needModels],
    };
    const operations = new Operations(buildSchema(), randomStream(7), shape);
    const seen = { data: 0, errors: 0 };
    for (let i = 0; i < 100; i++) {
      const text = textOf(operations.draw());
      const [interpreted, compiled] = await bothAnswers(server, text);
      const told = countBad(text) > 1 ? withoutPlaces : (answer: Answer) => answer;
      expect(told(compiled), text).toEqual(told(interpreted));
      if (interpreted.data) seen.data++;
      if (interpreted.errors) seen.errors++;
    }
    expect(seen.data).toBeGreaterThan(20);
    expect(seen.errors).toBeGreaterThan(5);
  });

  it.each([
    ['a field that fails', '{\r\n  track(id: "nonsense") {\n id }\n}', {}],
    [
      'two that fail, and one that does not',
      '{ a: track(id: "x") { id } b: track(id: "y") { id } genres { slug } }',
      {},
    ],
    ['a variable of the wrong type', 'query ($n: Int) { tracks(first: $n) { totalCount } }', { n: 'three' }],
    ['a variable that is missing', 'query ($n: Int!) { tracks(first: $n) { totalCount } }', {}],
    ['a variable out of bounds', 'query ($n: Int!) { tracks(first: $n) { totalCount } }', { n: -1 }],
    ['fields that are left out', 'query ($no: Boolean!) { genres { slug name @include(if: $no) } }', { no: false }],
    [
      'a list that is null because of each of its items',
      '{ explanation(trackId: "LAST") { outweighedBy { track { a: similar(after: "bad") { requestId } } } } }',
      {},
    ],
    [
      'lists at several places that are null, one because of two errors',
      `{
        a: explanation(trackId: "LAST") { outweighedBy { track { a: similar(after: "bad") { requestId } b: similar(after: "worse") { requestId } } } }
        b: explanation(trackId: "LAST") { outweighedBy(first: 1000) { rank } }
        c: explanation(trackId: "LAST") { outweighedBy { rank } }
      }`,
      {},
    ],
    [
      'an answer that is null as a whole',
      '{ recommendations { nodes { track { similar(after: "bad") { requestId } } } } }',
      {},
    ],
    ['its own types', '{ __schema { queryType { name } } __type(name: "Track") { fields { name } } }', {}],
    ['an operation that is not there', 'query A { genres { slug } } query B { viewer { id } }', {}],
  ])('has the answer that it had at first: %s', async (_, query, variables) => {
    const server = await startListening({ database, compiling });
    const [interpreted, compiled] = await bothAnswers(server, query.replaceAll('LAST', ids[20]!), variables);
    expect(compiled).toEqual(interpreted);
  });

  it('has one error for each place that is null, with the path of the field that failed', async () => {
    const server = await startListening({ database, compiling });
    const query = `{ explanation(trackId: "${ids[20]}") { outweighedBy { track { similar(after: "bad") { requestId } } } } }`;
    for (const { data, errors } of await bothAnswers(server, query)) {
      expect(data).toEqual({ explanation: null });
      expect(errors?.map(({ path }) => path)).toEqual([['explanation', 'outweighedBy', 0, 'track', 'similar']]);
    }
  });

  it.each([
    ['that has come less often', { afterExecutions: 2, mostTokens: 1_000, everyMs: 0 }, [false, false, true, true]],
    ['that is too long', { afterExecutions: 0, mostTokens: 3, everyMs: 0 }, [false, false]],
    ['that comes right after another', { afterExecutions: 1, mostTokens: 1_000, everyMs: 1e9 }, [false, true, true]],
  ])('is compiled, and one %s is not', (_, limits, expected) => {
    const schema = buildSchema();
    const queries = new CompiledQueries(limits);
    const isCompiled = (document: DocumentNode): boolean => queries.of({ schema, document }) !== null;
    const document = parse('{ genres { slug } }');
    expect(expected.map(() => isCompiled(document))).toEqual(expected);
    const another = parse('{ genres { name } }');
    if (limits.everyMs > 0) expect([1, 2, 3].map(() => isCompiled(another))).toEqual([false, false, false]);
  });

  it('is answered with what is now', async () => {
    const server = await startListening({ compiling });
    const query = '{ tracks { totalCount } }';
    await bothAnswers(server, query);
    await addTracks(server.database, someTracks(3));
    expect((await ask(server.graphqlUrl, query)).data).toEqual({ tracks: { totalCount: 3 } });
  });
});
