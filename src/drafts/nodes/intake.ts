import { LocalWakeups, onEach, type Wakeups } from '../../lib/async/wakeups.ts';
import type { Sleep } from '../../lib/clock.ts';
import { OverloadedError } from '../../lib/errors.ts';
import type { Logger } from '../../lib/log.ts';
import type { Engine, Model, Ticket } from '../../ml/engine.ts';
import type { DraftRecord } from '../log/stored.ts';
import { queueKey } from '../wakeup-keys.ts';
import type { Node } from './membership.ts';
import type { ClaimSearch, Ownership, UnreadableDraft } from './ownership.ts';

/**
 * The queue is checked this often anyway, because a wake-up or a claim's answer may be lost with a connection. A draft that
 * is left to others is left to them from one check to the next.
 */
const LOOK_MS = 2_000;

export interface IntakeOptions {
  ownership: Ownership;
  engine: Engine;
  node: Node;
  wakeups: Wakeups;
  logger: Logger;
  sleep: Sleep;
  /** Ends the intake. */
  signal: AbortSignal;
  /** The drafts that this node is working on. Others that it owns were lost on the way to it. */
  busy: () => readonly string[];
  /**
   * Whether a draft of this node is already waiting for a slot, so that another one is better taken up by a free node.
   */
  isFull: () => boolean;
  takeUp: (claimed: DraftRecord | UnreadableDraft, ticket: Ticket) => void;
}

/** Takes up drafts without a writer as long as the engine has a free place ([OWN3]). */
export class Intake {
  readonly #options: IntakeOptions;
  readonly #kicks = new LocalWakeups();
  /** The drafts that were left to others at the last check, and those that were so at the one before as well. */
  #left: readonly string[] = [];
  #overdue: readonly string[] = [];

  constructor(options: IntakeOptions) {
    this.#options = options;
  }

  start(): void {
    const { wakeups, engine, signal, logger } = this.#options;
    void onEach(wakeups.changes(queueKey, signal), () => this.kick());
    void this.#lookNowAndAgain();
    for (const { id } of engine.models()) {
      engine.whenReady(id, signal).then(
        () => this.kick(),
        () => undefined,
      );
    }
    this.#work().catch((error: unknown) => logger.error({ err: error }, 'taking up drafts has failed for good'));
  }

  /** Call when something has changed that may allow taking up a draft. */
  kick(): void {
    this.#kicks.wake('');
  }

  async #work(): Promise<void> {
    const { signal } = this.#options;
    for await (const _ of this.#kicks.watch('', signal)) while (!signal.aborted && (await this.#takeOne()));
  }

  async #takeOne(): Promise<boolean> {
    const { isFull } = this.#options;
    if (isFull()) return false;
    for (const id of await this.#awaited()) {
      if (isFull()) return false;
      if (await this.#takeOneFor(id)) return true;
    }
    return false;
  }

  /** Found without reserving a place, which could open a model for which no draft waits and close another. */
  async #awaited(): Promise<string[]> {
    const ready = this.#ready();
    if (ready.length === 0) return [];
    return this.#options.ownership.awaited(this.#searchFor(ready)).catch((error: unknown) => {
      this.#unreadable(error);
      return [];
    });
  }

  #ready(): Model[] {
    return this.#options.engine.models().filter(({ status }) => status === 'READY');
  }

  #searchFor(models: readonly Model[]): ClaimSearch {
    const { node, busy } = this.#options;
    return {
      node: node.id,
      models: models.map(({ id, fingerprint = null }) => ({ id, fingerprint })),
      busy: busy(),
      overdue: this.#overdue,
    };
  }

  async #takeOneFor(model: string): Promise<boolean> {
    const { ownership, takeUp } = this.#options;
    const ticket = this.#admit(model);
    if (!ticket) return false;
    try {
      const row = await ownership.claim(this.#searchFor(this.#ready().filter(({ id }) => id === model)));
      if (row) takeUp(row, ticket);
      else ticket[Symbol.dispose]();
      return row !== null;
    } catch (error) {
      ticket[Symbol.dispose]();
      this.#unreadable(error);
      return false;
    }
  }

  #unreadable(error: unknown): void {
    this.#options.logger.warn({ err: error }, 'the queue of drafts cannot be read; trying again');
  }

  /** A place is reserved first, because a draft that is claimed without one would wait while another node is free. */
  #admit(model: string): Ticket | null {
    try {
      return this.#options.engine.admit(model);
    } catch (error) {
      if (error instanceof OverloadedError) this.#kickIn(error.retryAfterMs);
      return null;
    }
  }

  #kickIn(ms: number): void {
    this.#options.sleep(ms, this.#options.signal).then(
      () => this.kick(),
      () => undefined,
    );
  }

  async #lookNowAndAgain(): Promise<void> {
    const { sleep, signal } = this.#options;
    for (;;) {
      await sleep(LOOK_MS, signal).catch(() => undefined);
      if (signal.aborted) return;
      await this.#noteWhatIsLeft();
      this.kick();
    }
  }

  /** A draft that nodes with its fingerprint have left alone since the last check is anybody's ([OWN8]). */
  async #noteWhatIsLeft(): Promise<void> {
    const search = { ...this.#searchFor(this.#ready()), overdue: [] };
    // What cannot be read now is looked for again, at the next check.
    const left = await this.#options.ownership.leftToOthers(search).catch(() => []);
    this.#overdue = left.filter((id) => this.#left.includes(id));
    this.#left = left;
  }
}
