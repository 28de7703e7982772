import { setTimeout as delay } from 'node:timers/promises';
import type { Database } from '../db/client.ts';
import * as queries from '../db/draft-queries.ts';
import { OverloadedError } from '../lib/errors.ts';
import type { Logger } from '../lib/log.ts';
import type { Engine, GenerationRequest, Sampling, Ticket, Usage } from '../ml/engine.ts';
import type { DraftLog, Fence } from './draft-log.ts';
import { statusEntry, writeDraft } from './draft-writer.ts';
import { isTerminal, tokenIds, type LogEntry, type LogEvent } from './log-events.ts';
import { conversationOf, type Round } from './prompts.ts';

/** One round of a draft as its row keeps it. */
export interface Turn {
  instruction: string | null;
  sampling: Sampling;
  /** The log's position when the round began: its tokens come after. */
  from: number;
  /** Usage of the rounds before. */
  before: Usage;
}

export interface DraftRoundsOptions {
  database: Database;
  engine: Engine;
  log: DraftLog;
  logger: Logger;
}

/** The rounds of generation that this process writes: begun, taken up after a death, cancelled, left at a stop. */
export class DraftRounds implements AsyncDisposable {
  readonly #database: Database;
  readonly #engine: Engine;
  readonly #log: DraftLog;
  readonly #logger: Logger;
  readonly #shutdown = new AbortController();
  readonly #running = new Map<string, { cancel: AbortController; done: Promise<void> }>();

  constructor({ database, engine, log, logger }: DraftRoundsOptions) {
    this.#database = database;
    this.#engine = engine;
    this.#log = log;
    this.#logger = logger;
  }

  /** Aborts when the process begins to end. */
  get shutdown(): AbortSignal {
    return this.#shutdown.signal;
  }

  /** Writes a round in the background, on the place in the queue that the ticket is. */
  begin(ticket: Ticket, fence: Fence, request: GenerationRequest, before: Usage): void {
    this.#track(fence.draftId, (cancel) => this.#write(ticket, fence, request, before, cancel));
  }

  /** Takes up what other processes were writing when they died ([LOG5]). */
  async recover(): Promise<void> {
    const ids = await queries.selectUnfinished(this.#database.db);
    if (ids.length > 0) this.#logger.info({ drafts: ids.length }, 'taking up drafts that were being written');
    for (const id of ids) this.#track(id, (cancel) => this.#takeUp(id, cancel));
  }

  /** Ends a draft that is being written, here or by a process that is gone. */
  async cancel(draftId: string): Promise<void> {
    const running = this.#running.get(draftId);
    running?.cancel.abort();
    await running?.done;
    const raised = await queries.raiseEpoch(this.#database.db, draftId);
    if (!raised || isTerminal(raised.status)) return;
    const { event, set } = statusEntry('CANCELLED', 'CANCELLED', raised.usage as Usage);
    const fence = { draftId, epoch: raised.epoch, sequence: raised.sequence };
    await this.#log.append(fence, [event], set, this.shutdown);
    this.#log.forget(draftId);
  }

  /** Leaves what is being written where it is recorded, for the next start to take up. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#shutdown.abort();
    await Promise.all([...this.#running.values()].map(({ done }) => done));
  }

  #track(draftId: string, write: (cancel: AbortSignal) => Promise<void>): void {
    const cancel = new AbortController();
    const done = write(cancel.signal)
      .catch((error: unknown) => {
        if (!this.shutdown.aborted) this.#logger.error({ err: error, draft: draftId }, 'a draft could not be written');
      })
      .finally(() => {
        if (this.#running.get(draftId)?.cancel !== cancel) return;
        this.#running.delete(draftId);
        this.#log.forget(draftId);
      });
    this.#running.set(draftId, { cancel, done });
  }

  #write(ticket: Ticket, fence: Fence, request: GenerationRequest, before: Usage, cancel: AbortSignal): Promise<void> {
    const { shutdown } = this;
    return writeDraft(ticket, { log: this.#log, logger: this.#logger, fence, request, before, cancel, shutdown });
  }

  /** Goes on where the log ends: recorded tokens are decoded again, never sampled again ([LOG5]). */
  async #takeUp(draftId: string, cancel: AbortSignal): Promise<void> {
    const signal = AbortSignal.any([cancel, this.shutdown]);
    const row = await queries.raiseEpoch(this.#database.db, draftId);
    const turns = row?.turns as Turn[] | undefined;
    const turn = turns?.at(-1);
    if (!row || !turns || !turn || isTerminal(row.status)) return;
    await this.#engine.whenReady(row.modelId, signal);
    const entries = await this.#log.readAll(draftId, 0);
    const { messages, continueLast } = conversationOf(row.kind, row.prompt, roundsOf(turns, entries));
    const replay = tokenIds(entries.filter((entry) => entry.sequence > turn.from));
    const request = { messages, continueLast, sampling: turn.sampling, replay };
    const ticket = await this.#admitWhenFree(row.modelId, signal);
    await this.#write(ticket, { draftId, epoch: row.epoch, sequence: row.sequence }, request, turn.before, cancel);
  }

  async #admitWhenFree(modelId: string, signal: AbortSignal): Promise<Ticket> {
    for (;;) {
      try {
        return this.#engine.admit(modelId);
      } catch (error) {
        if (!(error instanceof OverloadedError)) throw error;
        await delay(error.retryAfterMs, undefined, { signal });
      }
    }
  }
}

/** The rounds with what was written in each, the separator before a round not being part of it. */
export function roundsOf(turns: readonly Turn[], entries: readonly LogEntry[]): Round[] {
  return turns.map(({ instruction, from }, i) => {
    const until = turns[i + 1]?.from ?? Infinity;
    const own = entries.filter(({ sequence, event }) => sequence > from && sequence <= until && hasTokens(event));
    return { instruction, text: own.map(({ event }) => (event.type === 'tokens' ? event.text : '')).join('') };
  });
}

const hasTokens = (event: LogEvent): boolean => event.type === 'tokens' && event.tokens.length > 0;
