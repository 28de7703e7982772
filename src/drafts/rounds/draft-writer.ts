import type { RowChanges } from '../../db/queries/draft-log-queries.ts';
import type { Logger } from '../../lib/log.ts';
import type { FinishReason, GenerationEvent, GenerationRequest, Ticket, Usage } from '../../ml/engine.ts';
import type { DraftStatus } from '../contract.ts';
import type { DraftLog } from '../log/draft-log.ts';
import { type LogEvent, logTokens } from '../log/log-events.ts';
import type { Fence } from '../log/log-store.ts';

/** Maximum number of entries that wait for the database. Beyond it the engine waits too. */
const MOST_PENDING = 256;

export interface WriterOptions {
  log: DraftLog;
  logger: Logger;
  fence: Fence;
  request: GenerationRequest;
  /** Usage of the previous turns. */
  before: Usage;
  /** Aborts the generation. A cancellation ends the draft; a shutdown leaves it to be resumed. */
  cancel: AbortSignal;
  shutdown: AbortSignal;
  /** Called when the engine has started it. */
  onStarted: () => void;
}

/** Writes one turn from the engine into the log. Resolves when its end is recorded, or at shutdown. */
export async function writeDraft(ticket: Ticket, options: WriterOptions): Promise<void> {
  const { request, cancel, shutdown } = options;
  const appender = new Appender(options);
  try {
    for await (const event of ticket.generate(request, AbortSignal.any([cancel, shutdown]))) {
      if (shutdown.aborted || appender.lost) break;
      if (event.type === 'started') options.onStarted();
      await appender.take(entriesOf(event, options.before));
    }
    await appender.flushed();
  } catch (error) {
    if (shutdown.aborted) return;
    options.logger.error({ err: error, draft: options.fence.draftId }, 'a draft failed');
    await appender.end(ended('ERROR', options.before, error instanceof Error ? error.message : String(error)));
  }
}

interface Entry {
  event: LogEvent;
  set: RowChanges;
}

function entriesOf(event: GenerationEvent, before: Usage): Entry[] {
  switch (event.type) {
    case 'started': {
      const usage = { ...before, promptTokens: before.promptTokens + event.promptTokens };
      return [statusEntry('GENERATING', null, usage)];
    }
    case 'tokens':
      return [{ event: logTokens(event.text, event.tokens), set: {} }];
    case 'finished':
      return [ended(event.reason, addUsage(before, event.usage), event.message)];
  }
}

export function ended(reason: FinishReason, usage: Usage, failure?: string): Entry {
  const status = {
    STOP: 'COMPLETED',
    LENGTH: 'COMPLETED',
    TIME: 'COMPLETED',
    CANCELLED: 'CANCELLED',
    ERROR: 'FAILED',
  } as const;
  const entry = statusEntry(status[reason], reason, usage);
  return { ...entry, set: { ...entry.set, failure: reason === 'ERROR' ? (failure ?? 'the model failed') : null } };
}

export function statusEntry(status: DraftStatus, finishReason: FinishReason | null, usage: Usage): Entry {
  return { event: { type: 'status', status, finishReason, usage }, set: { status, finishReason, usage } };
}

function addUsage(a: Usage, b: Usage): Usage {
  return {
    promptTokens: a.promptTokens + b.promptTokens,
    completionTokens: a.completionTokens + b.completionTokens,
    queueMs: a.queueMs ?? b.queueMs,
    timeToFirstTokenMs: a.timeToFirstTokenMs ?? b.timeToFirstTokenMs,
    tokensPerSecond: b.tokensPerSecond ?? a.tokensPerSecond,
  };
}

/**
 * One append runs at a time, and what is sampled meanwhile goes into the next one. A lone token never waits, and the
 * end is written in the same statement as the last tokens.
 */
class Appender {
  readonly #log: DraftLog;
  readonly #shutdown: AbortSignal;
  #fence: Fence;
  #pending: Entry[] = [];
  #appending: Promise<void> | null = null;
  #failed = false;
  /** Whether another writer has taken the draft or it was deleted, so that nothing more can be written. */
  lost = false;

  constructor({ log, fence, shutdown }: WriterOptions) {
    this.#log = log;
    this.#fence = fence;
    this.#shutdown = shutdown;
  }

  /** Returns at once as long as the database keeps up. */
  async take(entries: readonly Entry[]): Promise<void> {
    this.#pending.push(...entries);
    if (!this.#appending) {
      this.#appending = this.#drain();
      // It rejects at shutdown and for rejected events, possibly while nobody awaits it.
      this.#appending.catch(() => (this.#failed = true));
    }
    if (this.#failed || this.#pending.length >= MOST_PENDING) await this.#appending;
  }

  async flushed(): Promise<void> {
    await this.#appending;
  }

  /** The last entry after a failure. Entries that could not be stored, and all later ones, are left out. */
  async end(entry: Entry): Promise<void> {
    await this.#appending?.catch(() => (this.#pending = []));
    this.#pending.push(entry);
    await this.#drain();
  }

  async #drain(): Promise<void> {
    while (this.#pending.length > 0 && !this.lost) {
      const batch = this.#pending;
      this.#pending = [];
      const set = Object.assign({}, ...batch.map((entry) => entry.set)) as RowChanges;
      const events = batch.map((entry) => entry.event);
      const moved = await this.#log.append(this.#fence, events, set, this.#shutdown);
      if (moved) this.#fence = moved;
      else this.lost = true;
    }
    this.#appending = null;
  }
}
