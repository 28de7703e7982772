import type { DraftLogConfig } from '../config.ts';
import type { Database } from '../db/client.ts';
import { SubjectLog } from '../nats/subject-log.ts';
import { JetStreamLog } from './jetstream-log.ts';
import type { LogStore } from './log-store.ts';
import { PostgresLog } from './postgres-log.ts';

const STREAM = 'cadenza-drafts';

/** @throws StartupError when it cannot be reached */
export async function openLogStore(
  database: Database,
  place: DraftLogConfig,
  stream = STREAM,
): Promise<{ store: LogStore; release: () => Promise<void> }> {
  if (place.kind === 'postgres') return { store: new PostgresLog(database), release: () => Promise.resolve() };
  const messages = await SubjectLog.open({ ...place, stream });
  return { store: new JetStreamLog(database, messages), release: () => messages[Symbol.asyncDispose]() };
}
