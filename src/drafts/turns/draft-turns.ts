import { setMaxListeners } from 'node:events';
import type { Wakeups } from '../../lib/async/wakeups.ts';
import { type Sleep, systemSleep } from '../../lib/clock.ts';
import { InvalidInputError } from '../../lib/errors.ts';
import type { Logger } from '../../lib/log.ts';
import { StoredDataError } from '../../lib/stored-data.ts';
import type { Payer } from '../../listeners/listeners.ts';
import type { Engine, GenerationRequest, Ticket } from '../../ml/engine.ts';
import type { DraftLog } from '../log/draft-log.ts';
import { leavesTextInLog, textInLog } from '../log/edits.ts';
import { fingerprintsOf, isTerminal, tokenIds } from '../log/log-events.ts';
import type { Fence } from '../log/log-store.ts';
import { type DraftRecord, lastTurn, type Turn } from '../log/stored.ts';
import { Intake } from '../nodes/intake.ts';
import type { Node } from '../nodes/membership.ts';
import { type Ownership, UnreadableDraft } from '../nodes/ownership.ts';
import { joined, keptPassages } from '../text/passages.ts';
import { queueKey, takenKey } from '../wakeup-keys.ts';
import { type DraftWriterOptions, ended, noUsage, statusEvent, writeDraft } from './draft-writer.ts';
import { missingOpening, positionAfter } from './turn-events.ts';
import { requestOf } from './turn-request.ts';

/** The limit on drafts waiting in the database, for a node without an engine. */
export interface Backlog {
  queue: number;
}

export interface DraftTurnsOptions {
  ownership: Ownership;
  engine: Engine;
  log: DraftLog;
  wakeups: Wakeups;
  logger: Logger;
  node: Node;
  keepsAlternatives: boolean;
  /** Set if this node writes no drafts itself but leaves them to others ([OWN4]). */
  backlog?: Backlog | null;
  sleep?: Sleep;
}

/** What a turn begins with: see `DraftWriterOptions`. */
export type TurnStart = Pick<DraftWriterOptions, 'request' | 'before' | 'at' | 'followedBy'>;

/** A turn that is being written: from its beginning on, unless it is said what computed what it replays. */
type FencedTurn = TurnStart & Pick<DraftWriterOptions, 'fence'> & Partial<Pick<DraftWriterOptions, 'replayedFrom'>>;

/** A turn that is about to begin, on a reserved place. */
export interface BeginningTurn {
  draftId: string;
  ticket: Ticket;
  turn: TurnStart;
}

/** A turn that this node writes. */
interface Running {
  epoch: number;
  cancel: AbortController;
  started: boolean;
  done: Promise<void>;
}

/** The turns that this node writes: started, taken up after a crash, cancelled, or left at shutdown. */
export class DraftTurns implements AsyncDisposable {
  readonly #options: DraftTurnsOptions;
  readonly #shutdown = new AbortController();
  readonly #running = new Map<string, Running>();
  /** Turns that are being stored. They must not be taken for lost. */
  readonly #starting = new Set<string>();
  readonly #intake: Intake;

  constructor(options: DraftTurnsOptions) {
    this.#options = options;
    // Each draft that waits for the database adds a listener. Many listeners are not a leak here.
    setMaxListeners(0, this.shutdown);
    const { ownership, engine, node, wakeups, logger, sleep = systemSleep } = options;
    this.#intake = new Intake({
      ...{ ownership, engine, node, wakeups, logger, sleep, signal: this.shutdown },
      busy: () => [...this.#running.keys(), ...this.#starting],
      isFull: () => [...this.#running.values()].some(({ started }) => !started),
      takeUp: (claimed, ticket) =>
        this.#track(claimed.id, claimed.epoch, (running) => this.#takeUp(claimed, ticket, running)),
    });
  }

  /** Aborts when the process starts to shut down. */
  get shutdown(): AbortSignal {
    return this.#shutdown.signal;
  }

  /** The owner of drafts that start here and, if they have none, how many may wait. */
  get assignment(): { owner: string | null; queue: number | null } {
    const { node, backlog } = this.#options;
    return backlog ? { owner: null, queue: backlog.queue } : { owner: node.id, queue: null };
  }

  /**
   * Records the start of turns with `record`, then writes each in the background, on its ticket's place.
   * @param record stores all of them or none, and returns their fences in the same order
   */
  async begin(beginning: readonly BeginningTurn[], record: () => Promise<readonly Fence[] | null>): Promise<boolean> {
    const { backlog, wakeups } = this.#options;
    for (const { draftId } of beginning) this.#starting.add(draftId);
    try {
      const fences = await record();
      for (const [i, { draftId, ticket, turn }] of beginning.entries()) {
        const fence = fences?.[i];
        if (fence && !backlog)
          this.#track(draftId, fence.epoch, (running) => this.#write(ticket, { fence, ...turn }, running));
        else ticket[Symbol.dispose]();
      }
      if (fences && backlog) wakeups.wake(queueKey);
      return fences !== null;
    } finally {
      for (const { draftId } of beginning) this.#starting.delete(draftId);
    }
  }

  /** From now on, takes up drafts that other processes left behind ([LOG5]), and drafts that wait for a place. */
  recover(): void {
    if (this.#options.backlog) return;
    this.#intake.start();
    void this.#cancelWhatIsTaken();
  }

  /** Ends a draft that is being written by this node, another one, or one that has died. */
  async cancel(draftId: string): Promise<void> {
    const running = this.#running.get(draftId);
    running?.cancel.abort();
    await running?.done;
    // Without an owner until its end is recorded, so that others take it up if this process dies in between. They may
    // also do so anyway.
    while (!(await this.#tryCancel(draftId)));
    this.#options.log.forget(draftId);
  }

  /** Ends the writing of drafts that were deleted, on whatever node. */
  abandon(draftIds: readonly string[]): void {
    for (const draftId of draftIds) this.#running.get(draftId)?.cancel.abort();
    this.#options.wakeups.wake(takenKey);
  }

  async #tryCancel(draftId: string): Promise<boolean> {
    const { log } = this.#options;
    const row = await this.#seize(draftId);
    if (!row || isTerminal(row.status)) return true;
    const fence = await log.take(draftId, row.epoch, this.shutdown);
    if (!fence) return isOver((await log.refresh([row]))[0]);
    const events = [statusEvent('CANCELLED', 'CANCELLED', row.usage)];
    return (await log.append(fence, { type: 'progress', events }, this.shutdown)) !== null;
  }

  /** Fences off the draft's writer and notifies it. */
  async #seize(draftId: string): Promise<DraftRecord | null> {
    const { ownership, wakeups, log } = this.#options;
    const row = await ownership.seize(null, draftId);
    wakeups.wake(takenKey);
    return row && ((await log.refresh([row]))[0] ?? null);
  }

  /**
   * Claims a draft that has ended, to append to its log as it was read.
   * @param payer of what is used from then on. Null: as before
   * @returns null if somebody has claimed it or appended since, or it is gone
   */
  async claimEnded({ id, epoch: before, sequence }: DraftRecord, payer: Payer | null = null): Promise<Fence | null> {
    const { ownership, log } = this.#options;
    await log.settle(id, this.shutdown);
    const epoch = await ownership.seizeUnchanged(this.assignment.owner, id, before, payer);
    if (epoch === null) return null;
    // The claim before this one may have been used up to now, and not any more.
    const now = await log.summaryOf(id);
    return now?.sequence === sequence ? { draftId: id, epoch, sequence } : null;
  }

  /** Leaves the drafts as recorded, for other nodes or the next start. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#shutdown.abort();
    await Promise.all([...this.#running.values()].map(({ done }) => done));
  }

  #track(draftId: string, epoch: number, write: (running: Running) => Promise<void>): void {
    const { logger, log } = this.#options;
    const running: Running = { epoch, cancel: new AbortController(), started: false, done: Promise.resolve() };
    this.#running.set(draftId, running);
    running.done = write(running)
      .catch((error: unknown) => {
        if (!this.shutdown.aborted) logger.error({ err: error, draft: draftId }, 'a turn of a draft failed');
      })
      .finally(() => {
        if (this.#running.get(draftId) === running) {
          this.#running.delete(draftId);
          log.forget(draftId);
        }
        this.#intake.kick();
      });
  }

  /**
   * Otherwise a writer would notice only at its next append that it has lost the draft, and use an engine's slot until
   * then.
   */
  async #cancelWhatIsTaken(): Promise<void> {
    const { wakeups, ownership } = this.#options;
    for await (const _ of wakeups.watch(takenKey, this.shutdown)) {
      const running = [...this.#running];
      if (running.length === 0) continue;
      const epochs = await ownership.epochsOf(running.map(([draftId]) => draftId)).catch(() => null);
      if (!epochs) continue;
      for (const [draftId, { epoch, cancel }] of running) if (epochs.get(draftId) !== epoch) cancel.abort();
    }
  }

  #write(ticket: Ticket, turn: FencedTurn, running: Running): Promise<void> {
    const { log, logger, keepsAlternatives } = this.#options;
    const { shutdown } = this;
    const onStarted = (): void => {
      running.started = true;
      this.#intake.kick();
    };
    const cancel = running.cancel.signal;
    return writeDraft(ticket, {
      log,
      logger,
      keepsAlternatives,
      replayedFrom: [],
      ...turn,
      cancel,
      shutdown,
      onStarted,
    });
  }

  /** A node that writes nothing admits a draft without knowing whether the model can keep its form. */
  #fits({ modelId }: DraftRecord, request: GenerationRequest): boolean {
    try {
      this.#options.engine.checkFits(modelId, request);
      return true;
    } catch (error) {
      if (error instanceof InvalidInputError) return false;
      throw error;
    }
  }

  /** Another model would continue with a different text. */
  #isReplaced({ modelId }: DraftRecord, { model }: Turn): boolean {
    const now = this.#options.engine.models().find(({ id }) => id === modelId)?.digest ?? null;
    return model !== null && now !== null && now !== model;
  }

  /** What cannot be read cannot be continued, by any node. Its readers are told once ([LOG11]). */
  async #takeUp(claimed: DraftRecord | UnreadableDraft, ticket: Ticket, running: Running): Promise<void> {
    const signal = AbortSignal.any([running.cancel.signal, this.shutdown]);
    try {
      if (claimed instanceof UnreadableDraft) await this.#giveUp(claimed.id, running, claimed.damage, signal);
      else await this.#resume(claimed, ticket, running, signal);
    } catch (error) {
      if (!(error instanceof StoredDataError)) throw error;
      await this.#giveUp(claimed.id, running, error, signal);
    } finally {
      ticket[Symbol.dispose]();
    }
  }

  async #giveUp(draftId: string, { epoch }: Running, damage: StoredDataError, signal: AbortSignal): Promise<void> {
    const { log, logger } = this.#options;
    logger.error({ err: damage, draft: draftId }, 'a draft cannot be read and ends as failed');
    const fence = await log.take(draftId, epoch, signal);
    const events = [ended('ERROR', noUsage, 'its stored data cannot be read')];
    if (fence) await log.append(fence, { type: 'progress', events }, signal);
  }

  /** Continues at the end of the log: recorded tokens are decoded again, never sampled again ([LOG5]). */
  async #resume(row: DraftRecord, ticket: Ticket, running: Running, signal: AbortSignal): Promise<void> {
    const { log, logger } = this.#options;
    const taken = await log.take(row.id, row.epoch, signal);
    if (!taken) return;
    running.epoch = taken.epoch;
    const turn = lastTurn(row);
    logger.info({ draft: row.id, sequence: taken.sequence }, 'taking up a draft');
    const missing = missingOpening(row, taken.sequence);
    const fence = missing ? await log.append(taken, { type: 'progress', events: missing }, signal) : taken;
    if (!fence) return;
    const entries = await log.recall(row.id, row.textsUntil, signal);
    const kept = leavesTextInLog(row) ? textInLog(row, entries) : row;
    const written = entries.filter((entry) => entry.sequence > turn.from);
    const replay = tokenIds(written);
    if (replay.length > 0 && this.#isReplaced(row, turn)) {
      const events = [ended('ERROR', row.usage, 'the model that began it has been replaced')];
      await log.append(fence, { type: 'progress', events }, signal);
      return;
    }
    // Drafts that were already started go first, because their readers have seen a beginning.
    const order = { listener: row.listenerId, priority: replay.length > 0 ? 1 : 0 };
    const asked = { ...(await requestOf(row, kept)), replay, ...order };
    const request = turn.verse?.byDefault && !this.#fits(row, asked) ? { ...asked, verse: null } : asked;
    const at = positionAfter(
      turn,
      written.map(({ event }) => event),
    );
    const followedBy = joined(keptPassages(kept).after);
    const replayedFrom = fingerprintsOf(written);
    await this.#write(ticket, { fence, request, before: turn.before, at, followedBy, replayedFrom }, running);
  }
}

const isOver = (row: DraftRecord | undefined): boolean => !row || isTerminal(row.status);
