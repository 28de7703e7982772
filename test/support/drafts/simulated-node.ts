import { DraftLog } from '../../../src/drafts/log/draft-log.ts';
import type { LogStore } from '../../../src/drafts/log/log-store.ts';
import { Membership } from '../../../src/drafts/nodes/membership.ts';
import type { Ownership } from '../../../src/drafts/nodes/ownership.ts';
import { DraftTurns } from '../../../src/drafts/turns/draft-turns.ts';
import { conversationOf } from '../../../src/drafts/turns/prompts.ts';
import { LocalWakeups, type Wakeups } from '../../../src/lib/async/wakeups.ts';
import type { Clock, Sleep } from '../../../src/lib/clock.ts';
import { silentLogger } from '../../../src/lib/log.ts';
import type { Engine, GenerationEvent, GenerationRequest, Model, Ticket } from '../../../src/ml/engine.ts';
import type { VirtualTime } from '../time/virtual-time.ts';
import { tokenAt } from './history.ts';
import { firstEvents, firstTurn, newDraft, samplingOf, unused } from './new-draft.ts';

const HOUR = 3_600_000;

interface SimulatedNodeOptions {
  ownership: Ownership;
  store: LogStore;
  time: VirtualTime;
  random: () => number;
  newId: () => string;
  tell: (key: string) => void;
}

/** One process of the simulated cluster: the rooms' own code on simulated stores, time and engine. */
export class SimulatedNode {
  readonly #options: SimulatedNodeOptions;
  readonly #local = new LocalWakeups();
  readonly #engine: Engine;
  readonly #sleep: Sleep;
  readonly #clock: Clock;
  #turns: DraftTurns | null = null;
  #log: DraftLog | null = null;
  alive = true;

  constructor(options: SimulatedNodeOptions) {
    const { time, random } = options;
    this.#options = options;
    this.#sleep = time.sleeper(() => this.alive);
    this.#clock = { now: () => time.now + Math.floor(random() * 3 - 1) * HOUR, monotonic: () => time.now };
    this.#engine = new SimulatedEngine(this.#sleep, random, random() < 0.5 ? 'some' : 'others');
  }

  async start(): Promise<void> {
    const { ownership, store, newId } = this.#options;
    const wakeups: Wakeups = {
      wake: (key) => {
        this.#local.wake(key);
        this.#options.tell(key);
      },
      wakeHere: (key) => this.#local.wake(key),
      watch: (key, signal) => this.#local.watch(key, signal),
      changes: (key, signal) => this.#local.changes(key, signal),
    };
    const [log, sleep, models] = [silentLogger, this.#sleep, () => this.#engine.models()];
    const join = (): Promise<Membership> =>
      Membership.join({ ownership, wakeups, log, models, sleep, newId }).catch(async () => {
        await sleep(500);
        return join();
      });
    const node = await join();
    this.#log = new DraftLog({ store, wakeups, clock: this.#clock, log, sleep });
    const engine = this.#engine;
    this.#turns = new DraftTurns({
      ownership,
      engine,
      log: this.#log,
      wakeups,
      logger: log,
      node,
      sleep,
      keepsAlternatives: true,
    });
    this.#turns.recover();
  }

  /** @returns whether the draft is there now */
  async begin(id: string, seed: number, maxTokens: number): Promise<boolean> {
    const [draftTurns, log] = [this.#turns, this.#log];
    if (!draftTurns || !log) return false;
    const ticket = this.#engine.admit('scripted');
    const sampling = samplingOf({ maxTokens, seed });
    const turns = [firstTurn(sampling)];
    const draft = newDraft({ id, sampling, turns, idempotencyKey: id, owner: draftTurns.assignment.owner });
    const request = {
      ...conversationOf({ kind: 'POEM', prompt: 'rain', origin: null }, [{ instruction: null, text: '' }]),
      sampling,
    };
    const turn = { request, before: unused, at: null, followedBy: '' };
    await draftTurns.begin([{ draftId: id, ticket, turn }], async () => {
      const made = await log.create([{ draft, events: firstEvents() }]);
      return made ? [{ draftId: id, epoch: 1, sequence: 1 }] : null;
    });
    return true;
  }

  cancel(id: string): void {
    void this.#turns?.cancel(id).catch(() => undefined);
  }

  hear(key: string): void {
    if (this.alive) this.#local.wake(key);
  }

  crash(): void {
    this.alive = false;
  }
}

/** Two drafts at a time, a token now and then; each a function of seed and position. */
class SimulatedEngine implements Engine {
  readonly #sleep: Sleep;
  readonly #random: () => number;
  readonly #fingerprint: string;

  constructor(sleep: Sleep, random: () => number, fingerprint: string) {
    this.#fingerprint = fingerprint;
    this.#sleep = sleep;
    this.#random = random;
  }

  models(): Model[] {
    const facts = { version: '1', license: null, parameters: null, contextTokens: null, fetched: 1, failure: null };
    const name = { id: 'scripted', digest: null, name: 'Scripted', executionProvider: 'CPU', status: 'READY' } as const;
    return [{ ...facts, ...name, task: 'TEXT_GENERATION', fingerprint: this.#fingerprint }];
  }

  defaultModel = (): Model | null => this.models()[0] ?? null;
  whenReady = (): Promise<void> => Promise.resolve();
  load = (): [] => [];
  checkFits = (): void => undefined;
  admit = (): Ticket => ({
    generate: (request, signal) => this.#generate(request, signal),
    [Symbol.dispose]: () => undefined,
  });
  [Symbol.asyncDispose] = (): Promise<void> => Promise.resolve();

  async *#generate(request: GenerationRequest, signal: AbortSignal): AsyncGenerator<GenerationEvent> {
    const { seed, maxTokens } = request.sampling;
    yield { type: 'started', promptTokens: 1, computedBy: this.#fingerprint };
    for (let i = request.replay?.length ?? 0; i < maxTokens; i++) {
      await this.#sleep(20 + this.#random() * 400, signal).catch(() => undefined);
      if (signal.aborted) {
        yield { type: 'finished', reason: 'CANCELLED', usage: unused };
        return;
      }
      const id = tokenAt(seed, i);
      yield { type: 'tokens', text: `${id} `, tokens: [{ id, text: `${id} `, logprob: -1, alternatives: [] }] };
    }
    yield { type: 'finished', reason: 'LENGTH', usage: unused };
  }
}
