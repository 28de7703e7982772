import { isTerminal, type LogEntry } from '../../../src/drafts/log/log-events.ts';
import type { LogAppend, LogStore } from '../../../src/drafts/log/log-store.ts';
import { randomStream } from '../../../src/lib/random.ts';
import { VirtualTime } from '../time/virtual-time.ts';
import type { History, Made } from './history.ts';
import { MemoryCluster } from './memory-cluster.ts';
import { SimulatedNode } from './simulated-node.ts';

const PATIENCE_MS = 600_000;

export interface SimulationOptions {
  nodes?: number;
  drafts?: number;
  /** Plants a fault into the store, to see whether it is found. */
  sabotage?: (store: LogStore, cluster: MemoryCluster) => LogStore;
}

/**
 * Nodes that write drafts in one process, on a network and a clock that are the seed's: answers and requests are lost, late and
 * doubled, nodes crash and come back, wall clocks jump, drafts are cancelled. The rooms' own code runs, on stores in memory.
 */
export class Simulation {
  readonly #random: () => number;
  readonly #time = new VirtualTime();
  readonly #cluster = new MemoryCluster();
  readonly #store: LogStore;
  readonly #nodes: SimulatedNode[] = [];
  readonly #options: Required<Omit<SimulationOptions, 'sabotage'>>;
  readonly #history: History = { drafts: [], made: [], readings: [], crashes: 0, faults: 0 };
  #stormy = true;
  #names = 0;

  constructor(seed: number, { nodes = 3, drafts = 3, sabotage }: SimulationOptions = {}) {
    this.#random = randomStream(seed);
    this.#options = { nodes, drafts };
    const store = sabotage?.(this.#cluster.store, this.#cluster) ?? this.#cluster.store;
    this.#store = recording(store, this.#history.made);
  }

  async run(): Promise<History> {
    for (let i = 0; i < this.#options.nodes; i++) this.#boot();
    for (let i = 0; i < this.#options.drafts; i++) this.#later(3_000, () => this.#start(i));
    for (let i = 0; i < 4; i++) this.#later(20_000, () => this.#crash());
    for (let i = 0; i < 2 * this.#options.drafts; i++) this.#later(15_000, () => this.#read());
    if (this.#random() < 0.3) this.#later(10_000, () => this.#cancel());
    this.#time.after(30_000, () => (this.#stormy = false));
    const isOver = (): boolean => {
      const rows = [...this.#cluster.drafts.values()].map(({ row }) => row);
      return rows.length === this.#options.drafts && rows.every(({ status }) => isTerminal(status));
    };
    await this.#time.runUntil(isOver, PATIENCE_MS);
    for (const node of this.#nodes) node.crash();
    for (const { id } of this.#history.drafts) {
      this.#history.readings.push({ draftId: id, entries: await this.#cluster.store.read(id, 0, 10_000) });
    }
    return this.#history;
  }

  #later(withinMs: number, happen: () => void): void {
    this.#time.after(this.#random() * withinMs, happen);
  }

  #anyNode(): SimulatedNode | undefined {
    const alive = this.#nodes.filter((node) => node.alive);
    return alive[Math.floor(this.#random() * alive.length)];
  }

  #boot(): void {
    const node: SimulatedNode = new SimulatedNode({
      ownership: this.#networked(this.#cluster.ownership, () => node.alive),
      store: this.#networked(this.#store, () => node.alive),
      time: this.#time,
      random: this.#random,
      newId: () => `node-${this.#names++}`,
      tell: (key) => {
        for (const other of this.#nodes) {
          if (other !== node && this.#random() < 0.8) this.#later(300, () => other.hear(key));
        }
      },
    });
    this.#nodes.push(node);
    void node.start();
  }

  #crash(): void {
    const node = this.#anyNode();
    if (!node) return;
    node.crash();
    this.#history.crashes++;
    this.#later(10_000, () => this.#boot());
  }

  /** As a client does it: again, with the same key, until it is told that the draft is there. */
  #start(i: number): void {
    const id = `draft-${i}`;
    const seed = Math.floor(this.#random() * 1_000_000);
    const tokens = 3 + Math.floor(this.#random() * 12);
    this.#history.drafts.push({ id, seed, tokens });
    let isThere = false;
    const attempt = (): void => {
      if (isThere) return;
      // An answer may never come: whom it was asked of has crashed.
      this.#time.after(5_000, attempt);
      void this.#anyNode()
        ?.begin(id, seed, tokens)
        .then((answer) => (isThere ||= answer))
        .catch(() => undefined);
    };
    attempt();
  }

  #cancel(): void {
    const { id } = this.#history.drafts[0] ?? {};
    if (id !== undefined && this.#cluster.drafts.has(id)) this.#anyNode()?.cancel(id);
  }

  #read(): void {
    const draft = this.#history.drafts[Math.floor(this.#random() * this.#history.drafts.length)];
    if (!draft) return;
    const entries: LogEntry[] = [];
    this.#history.readings.push({ draftId: draft.id, entries });
    const look = async (): Promise<void> => {
      const more = await this.#cluster.store.read(draft.id, entries.at(-1)?.sequence ?? 0, 3);
      entries.push(...more);
      if (this.#stormy) this.#later(2_000, () => void look());
    };
    void look();
  }

  /** Calls over a network: each way takes its time, and either may be lost; what is lost may still arrive, and twice. */
  #networked<Port extends object>(port: Port, isAlive: () => boolean): Port {
    const call = (method: (...args: unknown[]) => Promise<unknown>, args: unknown[]) =>
      new Promise((resolve, reject) => {
        const arrive = (answer: boolean): void => {
          const answered = method.apply(port, args);
          answered.then(
            (result) => answer && this.#later(20, () => isAlive() && resolve(result)),
            (error: unknown) =>
              answer && this.#later(20, () => isAlive() && reject(new Error('failed', { cause: error }))),
          );
        };
        const fate = this.#stormy ? this.#random() : 1;
        if (fate < 0.12) this.#history.faults++;
        if (fate < 0.12) this.#time.after(1_000 + this.#random() * 2_000, () => isAlive() && reject(new Error('lost')));
        if (fate < 0.04) return;
        this.#later(20, () => arrive(fate >= 0.08));
        // A duplicate on the network, or the request of a node that has died since.
        if (fate >= 0.05 && fate < 0.12) this.#later(4_000, () => arrive(false));
        if (fate >= 0.08 && fate < 0.12) this.#later(4_000, () => arrive(false));
      });
    return new Proxy(port, {
      get: (target, key) => {
        const method = Reflect.get(target, key) as (...args: unknown[]) => Promise<unknown>;
        return (...args: unknown[]) => call(method, args);
      },
    });
  }
}

/** Notes what is appended, as it is. */
function recording(store: LogStore, made: Made[]): LogStore {
  return new Proxy(store, {
    get: (target, key) => {
      const method = (Reflect.get(target, key) as (...args: unknown[]) => Promise<unknown>).bind(target);
      if (key !== 'append') return method;
      return async (append: LogAppend) => {
        const { draftId, epoch, sequence } = append.fence;
        const before = (await target.summaryOf(draftId))?.sequence;
        const result = await method(append);
        const after = (await target.summaryOf(draftId))?.sequence;
        if (before !== after) made.push({ draftId, epoch, sequence: sequence + 1, events: append.events });
        return result;
      };
    },
  });
}
