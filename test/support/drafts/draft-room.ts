import { onTestFinished } from 'vitest';
import type { Database, DatabaseOptions } from '../../../src/db/client.ts';
import { createDrafts, type Draft, type DraftEvent, type Drafts } from '../../../src/drafts/drafts.ts';
import type { LogStore } from '../../../src/drafts/log/log-store.ts';
import { PostgresLog } from '../../../src/drafts/log/postgres/postgres-log.ts';
import { LocalWakeups } from '../../../src/lib/async/wakeups.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { silentLogger } from '../../../src/lib/log.ts';
import { randomStream } from '../../../src/lib/random.ts';
import { createListeners, type Role, type Viewer } from '../../../src/listeners/listeners.ts';
import { type Script, ScriptedEngine } from '../models/scripted-engine.ts';
import { testDatabase } from '../postgres/database.ts';

/** One database, and any number of nodes that keep drafts in it. */
export class DraftRoom {
  readonly database: Database;
  readonly wakeups = new LocalWakeups();
  readonly #open: (wakeups: LocalWakeups) => Promise<LogStore>;

  private constructor(database: Database, open: (wakeups: LocalWakeups) => Promise<LogStore>) {
    this.database = database;
    this.#open = open;
  }

  /** @param open the storage of the logs; the database by default */
  static async open(
    open?: (database: Database, wakeups: LocalWakeups) => Promise<LogStore>,
    options: DatabaseOptions = {},
  ): Promise<DraftRoom> {
    const database = await testDatabase(options);
    return new DraftRoom(
      database,
      (wakeups) => open?.(database, wakeups) ?? Promise.resolve(new PostgresLog(database)),
    );
  }

  async node(script: Script = {}, tamper: (store: LogStore) => LogStore = (store) => store) {
    const engine = new ScriptedEngine(script);
    const { database, wakeups } = this;
    const options = { database, wakeups, clock: systemClock, log: silentLogger, random: randomStream(5) };
    const store = tamper(await this.#open(wakeups));
    const drafts = createDrafts({ ...options, engine, store });
    onTestFinished(() => drafts[Symbol.asyncDispose]());
    return { engine, drafts, store };
  }

  async viewer(externalId: string, ...roles: Role[]): Promise<Viewer> {
    const options = { database: this.database, wakeups: new LocalWakeups(), clock: systemClock };
    return { listener: await createListeners(options).ensure(externalId), roles: new Set(roles) };
  }
}

/** The draft when it has ended. */
export async function ended(drafts: Drafts, viewer: Viewer, { id }: Pick<Draft, 'id'>): Promise<Draft> {
  for await (const _ of drafts.follow(viewer, id, null));
  return present(drafts, viewer, { id });
}

export async function present(drafts: Drafts, viewer: Viewer, { id }: Pick<Draft, 'id'>): Promise<Draft> {
  const draft = (await drafts.byIds(viewer, [id])).get(id);
  if (!draft) throw new Error(`there is no draft ${id}`);
  return draft;
}

/** A reader's text after an event, by code points. */
export function textAfterEvent(text: string, event: DraftEvent): string {
  const characters = Array.from(text);
  switch (event.type) {
    case 'snapshot':
      return event.draft.text;
    case 'tokens':
      return text + event.text;
    case 'inserted':
      return characters.toSpliced(event.at, 0, event.text).join('');
    case 'edit':
      return characters.toSpliced(event.start, event.end - event.start, event.text).join('');
    case 'status':
      return text;
  }
}
