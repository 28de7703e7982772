import type { DraftLogConfig } from '../../config.ts';
import type { Database } from '../../db/client.ts';
import type { Wakeups } from '../../lib/async/wakeups.ts';
import { parseStoredJson } from '../../lib/stored-data.ts';
import { SubjectLog } from '../../nats/subject-log.ts';
import { draftKey } from '../wakeup-keys.ts';
import { JetStreamLog } from './jetstream-log.ts';
import type { LogStore } from './log-store.ts';
import { PostgresLog } from './postgres-log.ts';
import { storedMessage } from './stored.ts';

const STREAM = 'cadenza-drafts';
const decode = (json: string) => parseStoredJson(storedMessage, json, 'a message of a draft’s log');

export interface LogStoreOptions {
  database: Database;
  place: DraftLogConfig;
  /** Wakes readers when JetStream pushes new events. */
  wakeups: Wakeups;
  stream?: string;
}

/** @throws StartupError if it cannot be reached */
export async function openLogStore(
  options: LogStoreOptions,
): Promise<{ store: LogStore; release: () => Promise<void> }> {
  const { database, place, wakeups, stream = STREAM } = options;
  if (place.kind === 'postgres') return { store: new PostgresLog(database), release: () => Promise.resolve() };
  const messages = await SubjectLog.open({ ...place, stream, decode });
  const store = new JetStreamLog(database, messages, (draftId) => wakeups.wakeHere(draftKey(draftId)));
  return {
    store,
    release: async () => {
      store[Symbol.dispose]();
      await messages[Symbol.asyncDispose]();
    },
  };
}
