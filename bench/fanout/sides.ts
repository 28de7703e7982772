import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { connect, type Database } from '../../src/db/client.ts';
import { startCluster } from '../../src/db/embedded/embedded.ts';
import { openWakeups } from '../../src/db/wakeups.ts';
import { draftKey } from '../../src/drafts/wakeup-keys.ts';
import { acquiring, type Disposal } from '../../src/lib/async/disposal.ts';
import type { Wakeups } from '../../src/lib/async/wakeups.ts';
import { silentLogger } from '../../src/lib/log.ts';
import { type ServerProcess, startCadenza, startServer, stop } from '../support/processes.ts';
import { type Publish, textOf } from './work.ts';

/** One of those that are compared: a server, and the way events get into it. */
export interface Side extends AsyncDisposable {
  name: 'ours' | 'yoga' | 'ws';
  server: ServerProcess;
  protocol: 'graphql' | 'bare';
  /** Makes drafts; their ids as readers name them. */
  begin(drafts: number): Promise<string[]>;
  /** One more event for each draft. */
  publish(drafts: readonly string[], step: number): Promise<void>;
}

/** A peer is told of each step by IPC and has no log. */
export async function startPeer(name: 'yoga' | 'ws'): Promise<Side> {
  const server = await startServer(['--import', 'tsx', `bench/peers/fanout-${name}.ts`], { NODE_ENV: 'production' });
  return {
    name,
    server,
    protocol: name === 'ws' ? 'bare' : 'graphql',
    begin: (drafts) => Promise.resolve(Array.from({ length: drafts }, () => randomUUID())),
    publish: (drafts, step) => {
      server.process.send({ drafts, step } satisfies Publish);
      return Promise.resolve();
    },
    [Symbol.asyncDispose]: () => stop(server.process),
  };
}

/**
 * Our whole server over PostgreSQL, on which nothing is written: this process plays the node that writes. It appends to the
 * log, all drafts of a step in one statement, and wakes the readers' node by NOTIFY, as nodes do.
 */
export function startOurs(folder: string): Promise<Side> {
  return acquiring(async (disposal) => {
    const cluster = await startCluster({ directory: join(folder, 'postgres') });
    disposal.defer(() => cluster.stop());
    const url = cluster.url();
    const server = await startCadenza({
      dataDir: folder,
      env: { DATABASE_URL: url, CADENZA_DEMO: 'off', CADENZA_ROLE: 'api' },
    });
    disposal.defer(() => stop(server.process));
    return writingTo(disposal, server, url);
  });
}

async function writingTo(disposal: Disposal, server: ServerProcess, url: string): Promise<Side> {
  const database = disposal.use(connect(url));
  const wakeups = disposal.use(await openWakeups(database, silentLogger));
  return {
    name: 'ours',
    server,
    protocol: 'graphql',
    begin: async (drafts) => (await insertDrafts(database, drafts)).map(globalId),
    publish: async (drafts, step) => append(database, wakeups, drafts.map(localId), step),
    [Symbol.asyncDispose]: () => disposal[Symbol.asyncDispose](),
  };
}

const globalId = (id: string): string => Buffer.from(`Draft:${id}`).toString('base64url');
const localId = (global: string): string => Buffer.from(global, 'base64url').toString().slice('Draft:'.length);

async function insertDrafts({ sql }: Database, drafts: number): Promise<string[]> {
  const [sampling, usage] = [{ seed: 1 }, { promptTokens: 0, completionTokens: 0 }];
  const turns = [{ instruction: null, sampling, from: 0, before: usage }];
  const rows = await sql<{ id: string }[]>`
    with listener as (
      insert into listeners (external_id, display_name) values (${randomUUID()}, 'Writer') returning id
    )
    insert into drafts (id, listener_id, kind, title, prompt, visibility, status, model_id, sampling, turns, usage, sequence)
    select gen_random_uuid(), listener.id, 'POEM', 'Draft', 'snow', 'SHARED', 'GENERATING', 'bench', ${JSON.stringify(sampling)}::jsonb,
      ${JSON.stringify(turns)}::jsonb, ${JSON.stringify(usage)}::jsonb, 0
    from listener, generate_series(1, ${drafts})
    returning id`;
  return rows.map(({ id }) => id);
}

async function append({ sql }: Database, wakeups: Wakeups, drafts: readonly string[], step: number): Promise<void> {
  const text = textOf(step);
  const runnersUp = ['snow', 'rain', 'light', 'sea', 'night'].map((word) => [word, -2.5]);
  const event = JSON.stringify({ type: 'tokens', text, tokens: [[7, text, -0.5, runnersUp]] });
  await sql`
    with moved as (
      update drafts set sequence = sequence + 1 where id in (select d::uuid from jsonb_array_elements_text(${JSON.stringify(drafts)}::jsonb) as d)
      returning id, sequence
    )
    insert into draft_events (draft_id, sequence, event) select id, sequence, ${event}::jsonb from moved`;
  for (const draft of drafts) wakeups.wake(draftKey(draft));
}
