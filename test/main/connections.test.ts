import { expect, test } from 'vitest';
import { addTracks, someTracks } from '../support/catalogue/catalogue.ts';
import { testDatabase } from '../support/postgres/database.ts';
import { startServer } from '../support/server.ts';

const READERS = 100;
const ROUNDS = 4;

test('[DB13] a node has at most eight connections, however many requests it serves at once', async () => {
  const database = await testDatabase({ connections: 1 });
  const { ids } = await addTracks(database, someTracks(60));
  const server = await startServer({ DATABASE_URL: database.url });
  const ask = async (query: string) => {
    const headers = { 'content-type': 'application/json', 'x-listener-id': `reader ${Math.random()}` };
    const response = await fetch(`${server.url}/graphql`, { method: 'POST', headers, body: JSON.stringify({ query }) });
    return ((await response.json()) as { errors?: unknown }).errors;
  };
  const like = (id: number) =>
    `mutation { recordFeedback(input: { trackId: "${btoa(`Track:${id}`).replaceAll('=', '')}", kind: LIKE }) { __typename } }`;
  const asked = Array.from({ length: READERS * ROUNDS }, (_, i) =>
    [
      like(ids[i % ids.length] ?? 0),
      '{ recommendations(first: 5) { nodes { score } } }',
      `{ tracks(search: "title ${i % 60}") { totalCount } }`,
    ].at(i % 3),
  );
  let most = 0;
  const asking = new AbortController();
  const counting = (async () => {
    while (!asking.signal.aborted) {
      const [row] = await database.sql<[{ n: number }]>`
        select count(*)::int as n from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`;
      most = Math.max(most, row.n);
    }
  })();
  for (let round = 0; round < ROUNDS; round++) {
    const now = asked.slice(round * READERS, (round + 1) * READERS);
    expect((await Promise.all(now.map((query) => ask(query ?? '')))).filter(Boolean)).toEqual([]);
  }
  asking.abort();
  await counting;
  expect(most).toBeLessThanOrEqual(8);
  // It used what it may: the requests did wait for each other's connections.
  expect(most).toBeGreaterThan(4);
});
