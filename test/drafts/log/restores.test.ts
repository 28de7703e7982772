import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { connect, type Database } from '../../../src/db/client.ts';
import { startCluster } from '../../../src/db/embedded/embedded.ts';
import { migrateToLatest } from '../../../src/db/migrations.ts';
import { openWakeups } from '../../../src/db/wakeups.ts';
import { createDrafts, type Draft, type DraftEvent, type Drafts, openLogStore } from '../../../src/drafts/drafts.ts';
import { Disposal } from '../../../src/lib/async/disposal.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { silentLogger } from '../../../src/lib/log.ts';
import { createListeners, type Viewer } from '../../../src/listeners/listeners.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { ScriptedEngine, scriptedText } from '../../support/models/scripted-engine.ts';
import { hasNats, type Nats, startNats } from '../../support/network/nats.ts';
import { testDatabase } from '../../support/postgres/database.ts';
import { backUp } from '../../support/postgres/database-backup.ts';
import { eventually } from '../../support/time/eventually.ts';

const LENGTH = 40;

/** A node on a database, with its logs there or in NATS, until it is disposed of. */
async function nodeOn(database: Database, granted: number, nats?: Nats) {
  const disposal = new Disposal();
  const wakeups = disposal.use(await openWakeups(database, silentLogger));
  const config = nats ? ({ kind: 'nats', url: nats.url, replicas: 1 } as const) : ({ kind: 'postgres' } as const);
  const { store, release } = await openLogStore({ database, config, wakeups });
  disposal.defer(release);
  const engine = new ScriptedEngine({ granted });
  const parts = { database, wakeups, clock: systemClock, log: silentLogger };
  const drafts = disposal.use(createDrafts({ ...parts, engine, store }));
  const listener = await createListeners(parts).ensure('ann');
  const ann: Viewer = { listener, roles: new Set(['LISTENER']) };
  drafts.recover();
  const tokensOf = async (id: string) => (await drafts.byIds(ann, [id])).get(id)?.usage.completionTokens;
  return {
    ...{ drafts, engine, ann },
    start: () => drafts.start(ann, { kind: 'POEM', prompt: 'Snow', sampling: { maxTokens: LENGTH, seed: 5 } }),
    untilWritten: (id: string, tokens: number) => eventually(async () => expect(await tokensOf(id)).toBe(tokens)),
    dispose: () => disposal[Symbol.asyncDispose](),
  };
}

const textOf = (engine: ScriptedEngine, { sampling }: Draft, maxTokens = LENGTH): string =>
  scriptedText({ messages: engine.requests[0]?.messages ?? [], sampling: { ...sampling, maxTokens } });

/** A reader that shows what it gets as a client does: the text, and what it was told by snapshots. */
class Screen {
  readonly reasons: string[] = [];
  readonly #events: AsyncIterator<DraftEvent>;
  text: string;
  cursor: string | null;

  constructor(drafts: Drafts, ann: Viewer, id: string, after: Pick<Screen, 'text' | 'cursor'> | null = null) {
    this.text = after?.text ?? '';
    this.cursor = after?.cursor ?? null;
    this.#events = drafts.follow(ann, id, this.cursor)[Symbol.asyncIterator]();
  }

  /** Reads until that text is shown, or until the end. */
  async until(text: string | null): Promise<this> {
    while (text === null || this.text !== text) {
      const next = await this.#events.next();
      if (next.done) break;
      this.#show(next.value);
    }
    return this;
  }

  #show(event: DraftEvent): void {
    this.cursor = event.cursor;
    if (event.type === 'tokens') this.text += event.text;
    if (event.type !== 'snapshot') return;
    this.text = event.draft.text;
    this.reasons.push(event.reason);
  }

  leave(): Promise<unknown> {
    return this.#events.return?.() ?? Promise.resolve();
  }
}

it('[LOG13] after the data folder was copied back, a cursor of what was lost gets a snapshot, and earlier ones go on', async () => {
  const directory = await temporaryFolder();
  const [folder, copy] = [join(directory, 'postgres'), join(directory, 'backup')];
  /** One life of a server on the folder. */
  const life = async <Result>(granted: number, work: (node: Awaited<ReturnType<typeof nodeOn>>) => Promise<Result>) => {
    const cluster = await startCluster({ directory: folder, settings: { fsync: 'off' } });
    await migrateToLatest(cluster.url());
    const database = connect(cluster.url());
    const node = await nodeOn(database, granted);
    try {
      return await work(node);
    } finally {
      await node.dispose();
      await database[Symbol.asyncDispose]();
      await cluster.stop();
    }
  };

  const { draft, early } = await life(5, async (node) => {
    const draft = await node.start();
    const early = await new Screen(node.drafts, node.ann, draft.id).until(textOf(node.engine, draft, 5));
    node.engine.grant(5);
    await node.untilWritten(draft.id, 10);
    return { draft, early };
  });
  // With owners and permissions, as PostgreSQL insists on.
  execFileSync('cp', ['-a', folder, copy]);
  const late = await life(10, async (node) => {
    await node.untilWritten(draft.id, 20);
    return new Screen(node.drafts, node.ann, draft.id).until(textOf(node.engine, draft, 20));
  });
  execFileSync('rm', ['-r', folder]);
  execFileSync('mv', [copy, folder]);
  // Each life notes that the draft was taken up: from now on events have other numbers than in what was lost.
  await life(0, (node) => eventually(() => expect(node.engine.requests).toHaveLength(1)));
  await life(12, async (node) => {
    await node.untilWritten(draft.id, 22);
    const lost = await new Screen(node.drafts, node.ann, draft.id, late).until(textOf(node.engine, draft, 22));
    expect(lost.reasons).toEqual(['DIVERGED']);
    // The log is longer than the cursor again.
    const [again, kept] = [late, early].map((at) => new Screen(node.drafts, node.ann, draft.id, at));
    node.engine.grant(Infinity);
    for (const screen of [lost, again!, kept!])
      expect((await screen.until(null)).text).toBe(textOf(node.engine, draft));
    expect(again?.reasons).toEqual(['DIVERGED']);
    expect(kept?.reasons).toEqual([]);
  });
}, 240_000);

it('[LOG13] a standby that was behind takes over: readers who had seen more are told, and the text is whole', async () => {
  const database = await testDatabase();
  const node = await nodeOn(database, 10);
  onTestFinished(node.dispose);
  const draft = await node.start();
  await node.untilWritten(draft.id, 10);
  const takeOver = await backUp(database);
  const screens = [1, 2].map(() => new Screen(node.drafts, node.ann, draft.id));
  node.engine.grant(10);
  for (const screen of screens) await screen.until(textOf(node.engine, draft, 20));
  const [live, left] = screens;
  await left?.leave();
  await takeOver();
  node.engine.grant(Infinity);
  for (const screen of [live!, new Screen(node.drafts, node.ann, draft.id, left)]) {
    expect((await screen.until(null)).text).toBe(textOf(node.engine, draft));
    expect(screen.reasons.at(-1)).toBe('DIVERGED');
  }
});

describe.runIf(hasNats && process.env.TEST_NATS_URL === undefined)('with NATS', () => {
  let nats: Nats;
  beforeAll(async () => {
    nats = await startNats();
  });
  afterAll(() => nats.stop());

  const begun = async () => {
    const database = await testDatabase();
    const node = await nodeOn(database, 10, nats);
    onTestFinished(node.dispose);
    const draft = await node.start();
    await node.untilWritten(draft.id, 10);
    return { database, node, draft };
  };

  it('[LOG13] a stream that was restored: readers who had seen more are told, and the text is whole', async () => {
    const { node, draft } = await begun();
    const restore = await nats.backUp!();
    await node.untilWritten(draft.id, 10);
    const live = new Screen(node.drafts, node.ann, draft.id);
    node.engine.grant(10);
    await live.until(textOf(node.engine, draft, 20));
    await restore();
    node.engine.grant(Infinity);
    expect((await live.until(null)).text).toBe(textOf(node.engine, draft));
    expect(live.reasons.at(-1)).toBe('DIVERGED');
  });

  it('[LOG13] a finished draft whose stream lost its end keeps its text and can be continued', async () => {
    const { node, draft } = await begun();
    const restore = await nats.backUp!();
    await node.untilWritten(draft.id, 10);
    node.engine.grant(Infinity);
    const whole = await new Screen(node.drafts, node.ann, draft.id).until(null);
    // The restore may come before the end has been noted in the database, or after.
    await restore();
    const more = { draftId: draft.id, instruction: 'More', sampling: { maxTokens: 4 } };
    const continued = await eventually(() => node.drafts.continue(node.ann, more));
    const again = await new Screen(node.drafts, node.ann, draft.id, whole).until(null);
    expect(continued.text.startsWith(textOf(node.engine, draft))).toBe(true);
    expect(again.text.startsWith(`${whole.text}\n\n`)).toBe(true);
    expect((await node.drafts.byIds(node.ann, [draft.id])).get(draft.id)).toMatchObject({
      ...{ status: 'COMPLETED', text: again.text },
    });
  });

  it('[LOG13] a database older than its stream: drafts get what the stream has, and go on after it', async () => {
    const { database, node, draft } = await begun();
    const restore = await backUp(database);
    node.engine.grant(10);
    await node.untilWritten(draft.id, 20);
    await node.dispose();
    // Two nodes have taken it since the backup: the stream's epochs are later than the database's.
    for (const tokens of [24, 28]) {
      const next = await nodeOn(database, 4, nats);
      await next.untilWritten(draft.id, tokens);
      await next.dispose();
    }
    await restore();
    await eventually(() => database.sql`select 1`);
    const last = await nodeOn(database, Infinity, nats);
    onTestFinished(last.dispose);
    const screen = await new Screen(last.drafts, last.ann, draft.id).until(null);
    expect(screen.text).toBe(textOf(last.engine, draft));
    const continued = await last.drafts.continue(last.ann, { draftId: draft.id, sampling: { maxTokens: 2 } });
    expect(continued.text.startsWith(screen.text)).toBe(true);
  });
});
