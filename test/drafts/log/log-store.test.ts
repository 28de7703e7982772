import { selectDrafts } from '../../../src/db/drafts/draft-queries.ts';
import { PostgresLog } from '../../../src/drafts/log/postgres/postgres-log.ts';
import { draftRecord } from '../../../src/drafts/log/stored.ts';
import { PostgresOwnership } from '../../../src/drafts/nodes/ownership.ts';
import { LocalWakeups } from '../../../src/lib/async/wakeups.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { createListeners } from '../../../src/listeners/listeners.ts';
import { itKeepsLogs } from '../../support/drafts/log-contract.ts';
import { MemoryCluster } from '../../support/drafts/memory-cluster.ts';
import { testDatabase } from '../../support/postgres/database.ts';

itKeepsLogs('PostgreSQL', async () => {
  const database = await testDatabase();
  const listeners = createListeners({ database, wakeups: new LocalWakeups(), clock: systemClock });
  return {
    store: new PostgresLog(database),
    ownership: new PostgresOwnership(database),
    listenerId: (await listeners.ensure('ann')).id,
    rowOf: async (id) => (await selectDrafts(database, [id])).map(draftRecord)[0],
  };
});

itKeepsLogs('memory', () => {
  const { store, ownership, drafts } = new MemoryCluster();
  return Promise.resolve({ store, ownership, listenerId: 1, rowOf: (id) => Promise.resolve(drafts.get(id)?.row) });
});
