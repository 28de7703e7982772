import type { DraftLogConfig } from '../../config.ts';
import type { Database } from '../../db/client.ts';
import { type DraftLogKind, settleDraftLog } from '../../db/nodes/installation.ts';
import type { Wakeups } from '../../lib/async/wakeups.ts';
import { StartupError } from '../../lib/errors.ts';
import { draftKey } from '../wakeup-keys.ts';
import { JetStreamLog } from './jetstream/jetstream-log.ts';
import { SealedMessages } from './jetstream/sealed-messages.ts';
import type { LogStore } from './log-store.ts';
import { PostgresLog } from './postgres/postgres-log.ts';
import { storedMessage } from './stored.ts';

export interface LogStoreOptions {
  database: Database;
  config: DraftLogConfig;
  /** Wakes readers when JetStream pushes new events. */
  wakeups: Wakeups;
  stream?: string;
}

/** A draft that is continued elsewhere than where it was begun would lose its beginning. */
const elsewhere: Record<DraftLogKind, string> = {
  postgres:
    'The logs of the drafts in this database are in PostgreSQL, and CADENZA_LOG=nats names NATS JetStream: ' +
    'drafts would lose their texts. Start with CADENZA_LOG=postgres, as the other nodes do.',
  nats:
    'The logs of the drafts in this database are in NATS JetStream, and CADENZA_LOG=postgres names PostgreSQL: ' +
    'drafts would lose their texts. Start with CADENZA_LOG=nats and CADENZA_NATS_URL, as the other nodes do.',
};

const moving: Record<DraftLogKind, string> = {
  postgres:
    'The logs of the drafts in this database are being moved to PostgreSQL. Finish that with ' +
    '`npm run logs -- move nats postgres`, or give it up with `npm run logs -- move postgres nats`.',
  nats:
    'The logs of the drafts in this database are being moved to NATS JetStream. Finish that with ' +
    '`npm run logs -- move postgres nats`, or give it up with `npm run logs -- move nats postgres`.',
};

interface OpenLogStore {
  store: LogStore;
  /** Whether what holds the logs answers within that time. Null if that is the database. */
  answersWithin: ((ms: number) => Promise<boolean>) | null;
  release: () => Promise<void>;
}

/** @throws StartupError if it cannot be reached, or if the logs are of the other kind ([LOG12]) */
export async function openLogStore(options: LogStoreOptions): Promise<OpenLogStore> {
  const { database, config, wakeups } = options;
  const installation = await settleDraftLog(database, config.kind);
  if (installation.movesTo) throw new StartupError(moving[installation.movesTo]);
  if (installation.draftLog !== config.kind) throw new StartupError(elsewhere[installation.draftLog]);
  if (config.kind === 'postgres')
    return { store: new PostgresLog(database), answersWithin: null, release: () => Promise.resolve() };
  // Several installations may share one NATS.
  const { stream = `cadenza-${installation.id}` } = options;
  const messages = await SealedMessages.open({ ...config, database, stream, shape: storedMessage });
  const store = new JetStreamLog(database, messages, (draftId) => wakeups.wakeHere(draftKey(draftId)));
  return {
    store,
    answersWithin: (ms) => messages.answersWithin(ms),
    release: async () => {
      store[Symbol.dispose]();
      await messages[Symbol.asyncDispose]();
    },
  };
}
