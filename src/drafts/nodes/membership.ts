import { randomUUID } from 'node:crypto';
import type { Wakeups } from '../../lib/async/wakeups.ts';
import { type Sleep, systemSleep } from '../../lib/clock.ts';
import type { Forecast } from '../../lib/fair-share.ts';
import type { Logger } from '../../lib/log.ts';
import type { Model } from '../../ml/engine.ts';
import { queueKey } from '../wakeup-keys.ts';
import type { NodeSight, Ownership } from './ownership.ts';

const BEAT_MS = 1_000;
/** Looks in a row at which a node has shown no sign of life before it is held for dead. */
const SILENT_LOOKS = 4;

/** Who writes on this process's behalf. */
export interface Node {
  readonly id: string;
}

export interface MembershipOptions {
  ownership: Ownership;
  wakeups: Wakeups;
  log: Logger;
  /** What this node's engine writes with, as it is at the moment. */
  models: () => readonly Model[];
  sleep?: Sleep;
  newId?: () => string;
}

/**
 * This node among the others: shows signs of life, and buries nodes that show none ([OWN2]). Nobody compares times of day:
 * a node counts its own looks at a beat that does not move, and a look that fails counts for nothing, since a database that is
 * away is so for everybody.
 */
export class Membership implements Node, AsyncDisposable {
  readonly #options: Required<MembershipOptions>;
  readonly #closing = new AbortController();
  readonly #silences = new Map<string, { beat: number; looks: number }>();
  #id: string;
  #others: readonly NodeSight[] = [];
  #beating: Promise<void> = Promise.resolve();

  private constructor(options: MembershipOptions) {
    this.#options = { sleep: systemSleep, newId: randomUUID, ...options };
    this.#id = this.#options.newId();
  }

  static async join(options: MembershipOptions): Promise<Membership> {
    const membership = new Membership(options);
    await options.ownership.join(membership.#id, options.models());
    await membership.#look();
    membership.#beating = membership.#beat();
    return membership;
  }

  /** Another one after the node was held for dead: what the first one had is not its any more. */
  get id(): string {
    return this.#id;
  }

  /**
   * What the engines of the other nodes write with; a model of several nodes is as far as the one that is ahead, and its slots are
   * those of all.
   */
  models(): readonly Model[] {
    const models = new Map<string, Model>();
    for (const model of this.#others.flatMap((node) => node.models)) {
      const known = models.get(model.id);
      const ahead = known?.status === 'READY' ? known : model;
      const forecast = together(known?.forecast, model.forecast);
      models.set(model.id, { ...ahead, ...(forecast && { forecast }) });
    }
    return [...models.values()];
  }

  /** Leaves in order: what this node was writing is free at once. */
  async [Symbol.asyncDispose](): Promise<void> {
    const { ownership, wakeups, log } = this.#options;
    this.#closing.abort();
    await this.#beating;
    try {
      await ownership.bury(this.#id, null);
      wakeups.wake(queueKey);
    } catch (error) {
      log.warn({ err: error }, 'The other nodes could not be told that this one leaves; they will notice');
    }
  }

  async #beat(): Promise<void> {
    const { sleep, log } = this.#options;
    const { signal } = this.#closing;
    for (;;) {
      await sleep(BEAT_MS, signal).catch(() => undefined);
      if (signal.aborted) return;
      try {
        await this.#look();
      } catch (error) {
        this.#silences.clear();
        log.warn({ err: error }, 'No sign of life could be given to the other nodes; trying again');
      }
    }
  }

  async #look(): Promise<void> {
    const { ownership, models } = this.#options;
    const nodes = await ownership.beat(this.#id, models());
    this.#others = nodes.filter(({ id }) => id !== this.#id);
    if (this.#others.length === nodes.length) await this.#rejoin();
    else for (const node of this.#others) await this.#judge(node);
  }

  /** The others held us for dead, as after a long pause of the whole process. Whatever we had may be theirs by now. */
  async #rejoin(): Promise<void> {
    const { ownership, models, newId, log } = this.#options;
    log.warn('The other nodes held this one for dead; it goes on as another');
    this.#silences.clear();
    this.#id = newId();
    await ownership.join(this.#id, models());
  }

  async #judge({ id, beat }: NodeSight): Promise<void> {
    const before = this.#silences.get(id);
    const looks = before?.beat === beat ? before.looks + 1 : 0;
    this.#silences.set(id, { beat, looks });
    if (looks < SILENT_LOOKS) return;
    this.#silences.delete(id);
    if (!(await this.#options.ownership.bury(id, beat))) return;
    this.#options.log.warn({ node: id }, 'A node has died; what it was writing is taken up');
    this.#options.wakeups.wake(queueKey);
  }
}

function together(one: Forecast | undefined, other: Forecast | undefined): Forecast | undefined {
  if (!one || !other) return one ?? other;
  const endsMs = [...one.endsMs, ...other.endsMs].sort((a, b) => a - b);
  return { stepMs: Math.max(one.stepMs, other.stepMs), endsMs };
}
