import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, onTestFinished } from 'vitest';
import { openLogStore } from '../../../src/drafts/drafts.ts';
import { hasNats, type Nats, startNats } from '../network/nats.ts';
import { DraftRoom } from './draft-room.ts';

/** The same tests with the logs in PostgreSQL and, where there is a NATS, in JetStream. */
export function describeOnBothLogs(tests: (open: () => Promise<DraftRoom>) => void): void {
  describe('with logs in PostgreSQL', () => tests(() => DraftRoom.open()));
  describe.runIf(hasNats)('with logs in JetStream', () => {
    let nats: Nats;
    beforeAll(async () => {
      nats = await startNats();
    });
    afterAll(() => nats.stop());
    tests(() => {
      const stream = `t-${randomUUID()}`;
      return DraftRoom.open(async (database, wakeups) => {
        const config = { kind: 'nats', url: nats.url, replicas: 1 } as const;
        const { store, release } = await openLogStore({ database, config, wakeups, stream });
        onTestFinished(release);
        return store;
      });
    });
  });
}
