import { setMaxListeners } from 'node:events';
import type { Wakeups } from '../../lib/async/wakeups.ts';
import { type Sleep, systemSleep } from '../../lib/clock.ts';
import type { Logger } from '../../lib/log.ts';
import type { Engine, GenerationRequest, Ticket, Usage } from '../../ml/engine.ts';
import type { DraftLog } from '../log/draft-log.ts';
import { isTerminal, tokenIds } from '../log/log-events.ts';
import type { Fence } from '../log/log-store.ts';
import { type DraftRecord, lastTurn, type Turn } from '../log/stored.ts';
import { Intake } from '../nodes/intake.ts';
import type { Node } from '../nodes/membership.ts';
import type { Ownership } from '../nodes/ownership.ts';
import { queueKey, takenKey } from '../wakeup-keys.ts';
import { ended, statusEvent, writeDraft } from './draft-writer.ts';
import { conversationOf } from './prompts.ts';
import { missingOpening, writtenTurns } from './turn-events.ts';

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
  /** Set if this node writes no drafts itself but leaves them to others ([OWN4]). */
  backlog?: Backlog | null;
  sleep?: Sleep;
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
      takeUp: (row, ticket) => this.#track(row.id, row.epoch, (running) => this.#takeUp(row, ticket, running)),
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

  /** Records the start of a turn with `record`, then writes it in the background, on the ticket's place. */
  async begin(
    draftId: string,
    ticket: Ticket,
    turn: { request: GenerationRequest; before: Usage },
    record: () => Promise<Fence | null>,
  ): Promise<boolean> {
    this.#starting.add(draftId);
    try {
      const fence = await record();
      if (fence && !this.#options.backlog) {
        this.#track(draftId, fence.epoch, (running) => this.#write(ticket, { fence, ...turn }, running));
      } else ticket[Symbol.dispose]();
      if (fence && this.#options.backlog) this.#options.wakeups.wake(queueKey);
      return fence !== null;
    } finally {
      this.#starting.delete(draftId);
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

  async #tryCancel(draftId: string): Promise<boolean> {
    const { log } = this.#options;
    const row = await this.seize(draftId, null);
    if (!row || isTerminal(row.status)) return true;
    const fence = await log.take(draftId, row.epoch, this.shutdown);
    if (!fence) return isOver((await log.refresh([row]))[0]);
    const events = [statusEvent('CANCELLED', 'CANCELLED', row.usage)];
    return (await log.append(fence, { type: 'progress', events }, this.shutdown)) !== null;
  }

  /** Fences off the draft's writer and notifies it. */
  async seize(draftId: string, owner = this.assignment.owner): Promise<DraftRecord | null> {
    const { ownership, wakeups, log } = this.#options;
    const row = await ownership.seize(owner, draftId);
    wakeups.wake(takenKey);
    return row && ((await log.refresh([row]))[0] ?? null);
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

  #write(
    ticket: Ticket,
    turn: { fence: Fence; request: GenerationRequest; before: Usage },
    running: Running,
  ): Promise<void> {
    const { log, logger } = this.#options;
    const { shutdown } = this;
    const onStarted = (): void => {
      running.started = true;
      this.#intake.kick();
    };
    return writeDraft(ticket, { log, logger, ...turn, cancel: running.cancel.signal, shutdown, onStarted });
  }

  /** Another model would continue with a different text. */
  #isReplaced({ modelId }: DraftRecord, { model }: Turn): boolean {
    const now = this.#options.engine.models().find(({ id }) => id === modelId)?.digest ?? null;
    return model !== null && now !== null && now !== model;
  }

  /** Continues at the end of the log: recorded tokens are decoded again, never sampled again ([LOG5]). */
  async #takeUp(row: DraftRecord, ticket: Ticket, running: Running): Promise<void> {
    const { log, logger } = this.#options;
    const signal = AbortSignal.any([running.cancel.signal, this.shutdown]);
    try {
      const taken = await log.take(row.id, row.epoch, signal);
      if (!taken) return;
      running.epoch = taken.epoch;
      const turn = lastTurn(row);
      logger.info({ draft: row.id, sequence: taken.sequence }, 'taking up a draft');
      const missing = missingOpening(row, taken.sequence);
      const fence = missing ? await log.append(taken, { type: 'progress', events: missing }, signal) : taken;
      if (!fence) return;
      const entries = await log.recall(row.id, row.textsUntil, signal);
      const { messages, continueLast } = conversationOf(row.kind, row.prompt, writtenTurns(row, entries));
      const replay = tokenIds(entries.filter((entry) => entry.sequence > turn.from));
      if (replay.length > 0 && this.#isReplaced(row, turn)) {
        const events = [ended('ERROR', row.usage, 'the model that began it has been replaced')];
        await log.append(fence, { type: 'progress', events }, signal);
        return;
      }
      // Drafts that were already started go first, because their readers have seen a beginning.
      const order = { listener: row.listenerId, priority: replay.length > 0 ? 1 : 0 };
      const request = { messages, continueLast, sampling: turn.sampling, replay, ...order };
      await this.#write(ticket, { fence, request, before: turn.before }, running);
    } finally {
      ticket[Symbol.dispose]();
    }
  }
}

const isOver = (row: DraftRecord | undefined): boolean => !row || isTerminal(row.status);
