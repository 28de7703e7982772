import { expect, test } from 'vitest';
import { bearer, secretAuth } from '../support/access/tokens.ts';
import { addTracks, someTracks } from '../support/catalogue/catalogue.ts';
import { ask, startListening } from '../support/listening.ts';
import { testDatabase } from '../support/postgres/database.ts';

const BATCH = `mutation ($input: [FeedbackInput!]!) { recordFeedbackBatch(input: $input) {
  __typename ... on Error { message } ... on RecordFeedbackBatchSuccess { recorded } ... on InvalidInputError { field }
  ... on NotFoundError { id } } }`;

test('[FB9] a backend records feedback by its own ids of listeners and tracks, or nothing of it', async () => {
  const database = await testDatabase();
  await addTracks(database, someTracks(2));
  const server = await startListening({ database, config: { auth: secretAuth } });
  const as = async (input: object[], roles: string[]) => {
    const answer = await ask(server.graphqlUrl, BATCH, { input }, await bearer('app', { roles }));
    expect(answer.errors).toBeUndefined();
    return (answer.data as { recordFeedbackBatch: unknown }).recordFeedbackBatch;
  };
  const like = (track: string, listener?: string) => ({
    ...{ kind: 'LIKE', trackExternalId: track, idempotencyKey: `${listener} ${track}` },
    ...(listener !== undefined && { listenerExternalId: listener }),
  });
  const rows = async () =>
    (
      await database.sql<{ who: string; what: string }[]>`
        select l.external_id as who, t.external_id as what from feedback f
        join listeners l on l.id = f.listener_id join tracks t on t.id = f.track_id order by who, what`
    ).map(({ who, what }) => `${who} ${what}`);

  expect(await as([like('t0', 'ann'), like('t9', 'bob')], ['SERVICE'])).toMatchObject({
    __typename: 'NotFoundError',
    id: 't9',
    message: expect.stringContaining('input.1.trackExternalId') as string,
  });
  expect(await database.sql`select from listeners where external_id in ('ann', 'bob')`).toHaveLength(0);
  const batch = [like('t0', 'ann'), like('t1', 'ann'), like('t1', 'bob'), like('t0')];
  expect(await as(batch, ['SERVICE'])).toMatchObject({ recorded: 4 });
  expect(await rows()).toEqual(['ann t0', 'ann t1', 'app t0', 'bob t1']);

  expect(await as([like('t0', 'ann')], ['LISTENER'])).toMatchObject({ __typename: 'ForbiddenError' });
  expect(await as([{ kind: 'LIKE' }], ['SERVICE'])).toMatchObject({ field: 'input.0.trackId' });
  expect(await as([like('t0', ' ann')], ['SERVICE'])).toMatchObject({ field: 'input.0.listenerExternalId' });
  expect(await rows()).toHaveLength(4);
});
