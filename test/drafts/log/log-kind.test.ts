import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import type { Database } from '../../../src/db/client.ts';
import { settleDraftLog } from '../../../src/db/nodes/installation.ts';
import { openLogStore } from '../../../src/drafts/drafts.ts';
import { LocalWakeups } from '../../../src/lib/async/wakeups.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { StartupError } from '../../../src/lib/errors.ts';
import { createListeners } from '../../../src/listeners/listeners.ts';
import { firstEvents, newDraft, oneToken } from '../../support/drafts/new-draft.ts';
import { testDatabase } from '../../support/postgres/database.ts';

/** Nobody is there: what is refused is refused before it is asked for. */
const nats = { kind: 'nats', url: 'nats://127.0.0.1:1', replicas: 1 } as const;
const postgres = { kind: 'postgres' } as const;

const open = (database: Database, config: typeof nats | typeof postgres) =>
  openLogStore({ database, config, wakeups: new LocalWakeups() });

async function beginDraft(database: Database) {
  const ann = await createListeners({ database, wakeups: new LocalWakeups(), clock: systemClock }).ensure('ann');
  const { store } = await open(database, postgres);
  const draft = newDraft({ listenerId: ann.id });
  await store.create([{ draft, events: firstEvents() }]);
  const fence = { draftId: draft.id, epoch: 1, sequence: 1 };
  await store.append({ type: 'progress', fence, events: [oneToken('kept')], at: new Date() });
  return { store, draft };
}

it('[LOG12] a node that is told to keep logs elsewhere than where they are does not start, and says what to do', async () => {
  const database = await testDatabase();
  const { store, draft } = await beginDraft(database);
  const refused = open(database, nats);
  await expect(refused).rejects.toBeInstanceOf(StartupError);
  await expect(refused).rejects.toThrow(/in PostgreSQL.*Start with CADENZA_LOG=postgres/);
  await open(database, postgres);
  const read = await store.read(draft.id, 0, 10);
  expect(read.map(({ event }) => (event.type === 'tokens' ? event.text : ''))).toEqual(['', 'kept']);
});

it('[LOG12] the same the other way', async () => {
  const database = await testDatabase();
  expect(await settleDraftLog(database, 'nats')).toMatchObject({ draftLog: 'nats' });
  await database.sql`insert into nodes (id, models) values (${randomUUID()}, '[]'), (${randomUUID()}, '[]')`;
  await expect(open(database, postgres)).rejects.toThrow(/in NATS JetStream.*Start with CADENZA_LOG=nats/);
  expect(await settleDraftLog(database, 'nats')).toMatchObject({ draftLog: 'nats' });
});

it('[LOG12] logs from before this was noted are where their events are', async () => {
  const database = await testDatabase();
  await beginDraft(database);
  await database.sql`delete from installation`;
  await expect(open(database, nats)).rejects.toThrow('in PostgreSQL');
});

it('[LOG12] without drafts and other nodes the other kind of log may be chosen, and the installation stays the same', async () => {
  const database = await testDatabase();
  const { id } = await settleDraftLog(database, 'postgres');
  expect(await settleDraftLog(database, 'nats')).toEqual({ id, draftLog: 'nats', movesTo: null });
  expect(await settleDraftLog(database, 'postgres')).toEqual({ id, draftLog: 'postgres', movesTo: null });
  const other = await testDatabase();
  expect((await settleDraftLog(other, 'nats')).id).not.toBe(id);
});
