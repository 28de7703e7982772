import { randomUUID } from 'node:crypto';
import type { Wakeups } from '../../lib/async/wakeups.ts';
import { type Sleep, systemSleep } from '../../lib/clock.ts';
import type { Forecast } from '../../lib/fair-share.ts';
import type { Logger } from '../../lib/log.ts';
import type { Model } from '../../ml/engine.ts';
import { queueKey } from '../wakeup-keys.ts';
import type { NodeSight, Ownership } from './ownership.ts';

const BEAT_MS = 1_000;
/**
 * Number of checks in a row without a heartbeat after which a node is declared dead: fewer where its connection to the
 * database was seen to go as well, as that of a killed process does at once.
 */
const SILENT_LOOKS = { connected: 4, gone: 2 };

/** This process among the nodes. */
export interface Node {
  readonly id: string;
}

export interface MembershipOptions {
  ownership: Ownership;
  wakeups: Wakeups;
  log: Logger;
  /** The models that this node's engine can write with now. */
  models: () => readonly Model[];
  sleep?: Sleep;
  newId?: () => string;
}

/** What this node has seen of another since it last could not look. */
interface Silence {
  beat: number;
  /** Number of checks in which the beat was the same. */
  looks: number;
  /** Whether it was connected in any of the checks. */
  wasConnected: boolean;
}

/**
 * This node's membership: it sends heartbeats, and removes nodes that send none ([OWN2]). Clocks are never compared. A
 * node counts its own checks in which another's beat has not changed, and a failed check does not count, because an
 * unavailable database affects all nodes.
 */
export class Membership implements Node, AsyncDisposable {
  readonly #options: Required<MembershipOptions>;
  readonly #closing = new AbortController();
  readonly #silences = new Map<string, Silence>();
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

  /** A new id after the node was declared dead, because what the first one owned is no longer its own. */
  get id(): string {
    return this.#id;
  }

  /**
   * The models of the other nodes. A model of several nodes has the most advanced status and the slots of all of them.
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

  /** Leaves in order: the drafts that this node was writing are free at once. */
  async [Symbol.asyncDispose](): Promise<void> {
    const { ownership, wakeups, log } = this.#options;
    this.#closing.abort();
    await this.#beating;
    try {
      await ownership.bury(this.#id, null);
      wakeups.wake(queueKey);
    } catch (error) {
      log.warn(
        { err: error },
        'This node could not announce its departure; the others will notice it by its missing heartbeats',
      );
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
        log.warn({ err: error }, 'The heartbeat could not be sent; trying again');
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

  /** The others declared this node dead, for example after a long suspension. Its drafts may belong to them by now. */
  async #rejoin(): Promise<void> {
    const { ownership, models, newId, log } = this.#options;
    log.warn('The other nodes declared this one dead; it continues as a new node');
    this.#silences.clear();
    this.#id = newId();
    await ownership.join(this.#id, models());
  }

  async #judge({ id, beat, isConnected }: NodeSight): Promise<void> {
    const before = this.#silences.get(id);
    const looks = before?.beat === beat ? before.looks + 1 : 0;
    const wasConnected = isConnected || before?.wasConnected === true;
    this.#silences.set(id, { beat, looks, wasConnected });
    if (looks < SILENT_LOOKS[wasConnected && !isConnected ? 'gone' : 'connected']) return;
    this.#silences.delete(id);
    if (!(await this.#options.ownership.bury(id, beat))) return;
    this.#options.log.warn({ node: id }, 'A node has died; its drafts will be taken up');
    this.#options.wakeups.wake(queueKey);
  }
}

function together(one: Forecast | undefined, other: Forecast | undefined): Forecast | undefined {
  if (!one || !other) return one ?? other;
  const endsMs = [...one.endsMs, ...other.endsMs].sort((a, b) => a - b);
  return { stepMs: Math.max(one.stepMs, other.stepMs), endsMs };
}
