import { randomInt, randomUUID } from 'node:crypto';
import type { Database } from '../db/client.ts';
import { KeyedQueue } from '../lib/async/keyed-queue.ts';
import type { PollableIterator } from '../lib/async/streams.ts';
import type { Wakeups } from '../lib/async/wakeups.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/log.ts';
import { checkFirst, type Page, type PageArgs } from '../lib/page.ts';
import { checkRange } from '../lib/text/check-text.ts';
import { countCodePoints } from '../lib/text/code-points.ts';
import { may, type Viewer } from '../listeners/listeners.ts';
import type { Engine } from '../ml/engine.ts';
import type {
  ApplyRewriteInput,
  AssistDraftInput,
  AssistDrafts,
  BranchDraftInput,
  ContinueDraftInput,
  Draft,
  DraftEvent,
  DraftGroup,
  DraftMeter,
  DraftQuery,
  Drafts,
  FollowTime,
  GroupEvent,
  PlacedToken,
  RewriteDraftInput,
  StartDraftInput,
  UpdateDraftInput,
} from './contract.ts';
import { noSuchGroup } from './contract.ts';
import { DraftLists } from './draft-lists.ts';
import { eventCursor } from './log/draft-cursor.ts';
import { type AroundAppend, DraftLog } from './log/draft-log.ts';
import type { LogStore } from './log/log-store.ts';
import { PostgresLog } from './log/postgres/postgres-log.ts';
import type { Node } from './nodes/membership.ts';
import { PostgresOwnership } from './nodes/ownership.ts';
import { DraftTails } from './readers/draft-reader.ts';
import { followAlternatives } from './readers/group-reader.ts';
import { TailPoller } from './readers/tail-poller.ts';
import { DraftAccess, mayRead } from './requests/access.ts';
import { Assisting } from './requests/assisting.ts';
import { Branching } from './requests/branching.ts';
import { Changing } from './requests/changing.ts';
import { Choosing } from './requests/choosing.ts';
import { Continuing } from './requests/continuing.ts';
import { exportedDrafts } from './requests/exporting.ts';
import { NewDrafts } from './requests/new-drafts.ts';
import { type MostAtOnce, Places } from './requests/places.ts';
import { Removing } from './requests/removing.ts';
import { Rewriting } from './requests/rewriting.ts';
import { Starting } from './requests/starting.ts';
import { placedTokens } from './text/token-positions.ts';
import { type Backlog, DraftTurns } from './turns/draft-turns.ts';

export interface DraftsOptions {
  database: Database;
  engine: Engine;
  wakeups: Wakeups;
  clock: Clock;
  log: Logger;
  /** Draws seeds: a float in [0, 1). */
  random?: () => number;
  /** The storage of the logs; the database by default. */
  store?: LogStore;
  /** This process among the nodes of the database. By default it is the only one. */
  node?: Node;
  /** Set if this process leaves the writing to other nodes. */
  backlog?: Backlog | null;
  /** By default there is no limit. */
  mostAtOnce?: MostAtOnce;
  aroundAppend?: AroundAppend;
  /** False to keep no alternatives of tokens; true by default. */
  keepsAlternatives?: boolean;
  /** Without it drafts are not counted. */
  usage?: DraftMeter | null;
}

export function createDrafts(options: DraftsOptions): Drafts {
  return new DraftService(options);
}

/** Puts the parts together: what each request does is in `requests/`. */
class DraftService implements Drafts {
  readonly #database: Database;
  readonly #log: DraftLog;
  readonly #turns: DraftTurns;
  readonly #tails: DraftTails;
  readonly #lists: DraftLists;
  readonly #access: DraftAccess;
  readonly #starting: Starting;
  readonly #continuing: Continuing;
  readonly #changing: Changing;
  readonly #removing: Removing;
  readonly #choosing: Choosing;
  readonly #branching: Branching;
  readonly #rewriting: Rewriting;
  readonly #assisting: Assisting;

  constructor(options: DraftsOptions) {
    const { database, engine, wakeups, clock, log: logger } = options;
    const { random = () => randomInt(2 ** 32) / 2 ** 32, store = new PostgresLog(database) } = options;
    const { node = { id: randomUUID() }, backlog = null, keepsAlternatives = true } = options;
    const { mostAtOnce = { listener: Infinity, visitor: Infinity } } = options;
    this.#database = database;
    const log = (this.#log = new DraftLog({
      ...{ store, wakeups, clock, log: logger },
      ...(options.aroundAppend && { aroundAppend: options.aroundAppend }),
    }));
    this.#lists = new DraftLists(database, log);
    const ownership = new PostgresOwnership(database);
    const turns = (this.#turns = new DraftTurns({
      ...{ ownership, engine, log, wakeups, logger, node, backlog, keepsAlternatives },
    }));
    this.#tails = new DraftTails({
      read: ({ draftId, after, limit, epoch }) => log.read(draftId, after, limit, epoch),
      news: new TailPoller((wanted) => log.news(wanted), logger),
      summaryOf: (draftId) => log.summaryOf(draftId),
      ...{ wakeups, logger },
    });
    const access = (this.#access = new DraftAccess(database, log));
    const places = new Places(database, engine, turns, mostAtOnce, options.usage);
    const changing = new KeyedQueue<string>();
    const newDrafts = new NewDrafts({ access, places, log });
    this.#starting = new Starting({ access, places, newDrafts, random });
    this.#continuing = new Continuing({ access, places, log, turns, changing, random });
    const texts = (this.#changing = new Changing({ database, access, log, turns, wakeups, clock, changing }));
    this.#branching = new Branching({ access, places, newDrafts, random });
    this.#rewriting = new Rewriting({ access, places, log, newDrafts, texts, changing, random });
    this.#assisting = new Assisting({ access, places, newDrafts, random });
    this.#removing = new Removing({ database, access, log, turns, wakeups });
    this.#choosing = new Choosing({ database, access, log, turns, wakeups });
  }

  start(viewer: Viewer, input: StartDraftInput): Promise<Draft> {
    return this.#starting.start(viewer, input);
  }

  continue(viewer: Viewer, input: ContinueDraftInput): Promise<Draft> {
    return this.#continuing.continue(viewer, input);
  }

  branch(viewer: Viewer, input: BranchDraftInput): Promise<Draft> {
    return this.#branching.branch(viewer, input);
  }

  rewrite(viewer: Viewer, input: RewriteDraftInput): Promise<Draft> {
    return this.#rewriting.rewrite(viewer, input);
  }

  apply(viewer: Viewer, input: ApplyRewriteInput): Promise<Draft> {
    return this.#rewriting.apply(viewer, input);
  }

  assist(viewer: Viewer, input: AssistDraftInput, store: (begun: AssistDrafts) => Promise<void>): Promise<Draft> {
    return this.#assisting.assist(viewer, input, store);
  }

  childrenOf(viewer: Viewer, draftId: string, page: PageArgs): Promise<Page<Draft>> {
    return this.#lists.childrenOf(draftId, page, may(viewer, 'ADMIN') ? null : viewer.listener.id);
  }

  cancel(viewer: Viewer, draftId: string): Promise<Draft> {
    return this.#removing.cancel(viewer, draftId);
  }

  update(viewer: Viewer, input: UpdateDraftInput): Promise<Draft> {
    return this.#changing.update(viewer, input);
  }

  delete(viewer: Viewer, draftId: string): Promise<void> {
    return this.#removing.delete(viewer, draftId);
  }

  deleteOf(listenerId: number): Promise<number> {
    return this.#removing.deleteOf(listenerId);
  }

  everythingOf(listenerId: number): AsyncIterable<object> {
    return exportedDrafts(this.#database, this.#log, listenerId);
  }

  choose(viewer: Viewer, draftId: string): Promise<Draft> {
    return this.#choosing.choose(viewer, draftId);
  }

  groupsByIds(viewer: Viewer, ids: readonly string[]): Promise<Map<string, DraftGroup>> {
    return this.#choosing.groupsByIds(viewer, ids);
  }

  byIds(viewer: Viewer, ids: readonly string[]): Promise<Map<string, Draft>> {
    return this.#access.byIds(viewer, ids);
  }

  async ofListener(viewer: Viewer, listenerId: number, query: DraftQuery): Promise<Page<Draft>> {
    const sharedOnly = viewer.listener.id !== listenerId && !may(viewer, 'ADMIN');
    return this.#lists.of(listenerId, query, sharedOnly);
  }

  async tokensOf(draft: Draft, { from, first }: { from: number; first: number }): Promise<PlacedToken[]> {
    const { id, compacted, sequence, text } = draft;
    const [position, count] = [checkRange(from, 'from', 0, countCodePoints(text)), checkFirst(first)];
    const entries = (await this.#log.readAll(id, compacted)).filter((entry) => entry.sequence <= sequence);
    return placedTokens(text, entries)
      .filter(({ end }) => end > position)
      .slice(0, count);
  }

  cursorOf({ id, sequence, lastEpoch: epoch }: Draft): string {
    return eventCursor(id, { sequence, epoch });
  }

  follow(viewer: Viewer, draftId: string, after: string | null, time?: FollowTime): PollableIterator<DraftEvent> {
    return this.#tails.follow({
      draftId,
      after,
      mayRead: (summary) => mayRead(viewer, summary),
      load: () => this.#access.load(viewer, draftId),
      ...time,
    });
  }

  followGroup(
    viewer: Viewer,
    groupId: string,
    after: string | null,
    { keepOpen = false, signal }: FollowTime = {},
  ): AsyncIterableIterator<GroupEvent> {
    return followAlternatives({
      ...{ groupId, after, signal },
      load: async () => {
        const group = (await this.groupsByIds(viewer, [groupId])).get(groupId);
        if (!group) throw noSuchGroup(groupId);
        return group;
      },
      follow: (draftId, from) => this.follow(viewer, draftId, from, { keepOpen }),
    });
  }

  recover(): void {
    this.#turns.recover();
  }

  deleteFinished(before: Date, limit: number): Promise<number> {
    return this.#removing.deleteFinished(before, limit);
  }

  compact(before: Date, limit: number): Promise<number> {
    return this.#log.compact(before, limit);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#turns[Symbol.asyncDispose]();
  }
}
