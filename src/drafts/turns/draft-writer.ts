import type { Logger } from '../../lib/log.ts';
import { countCodePoints } from '../../lib/text/code-points.ts';
import type { FinishReason, GenerationEvent, GenerationRequest, Ticket, Usage } from '../../ml/engine.ts';
import type { DraftStatus } from '../contract.ts';
import type { DraftLog } from '../log/draft-log.ts';
import { type LogEvent, logTokens, type StatusEvent } from '../log/log-events.ts';
import type { Fence } from '../log/log-store.ts';

/** Maximum number of events that wait for the database. Beyond it the engine waits too. */
const MOST_PENDING = 256;

export interface DraftWriterOptions {
  log: DraftLog;
  logger: Logger;
  fence: Fence;
  request: GenerationRequest;
  /** Usage of the previous turns. */
  before: Usage;
  /** The code point before which the next token is inserted. Null appends it. */
  at: number | null;
  /** The text after that place. */
  followedBy: string;
  /** The fingerprints of what computed the tokens that the request replays. Null where none was recorded. */
  replayedFrom: readonly (string | null)[];
  /** Whether the alternatives of each token are kept. */
  keepsAlternatives: boolean;
  /** Aborts the generation. A cancellation ends the draft; a shutdown leaves it to be resumed. */
  cancel: AbortSignal;
  shutdown: AbortSignal;
  /** Called when the engine has started it. */
  onStarted: () => void;
}

/** Writes one turn from the engine into the log. Resolves when its end is recorded, or at shutdown. */
export async function writeDraft(ticket: Ticket, options: DraftWriterOptions): Promise<void> {
  const { request, cancel, shutdown, keepsAlternatives } = options;
  const appender = new Appender(options);
  let { at, before } = options;
  let last = '';
  try {
    for await (const event of ticket.generate(request, AbortSignal.any([cancel, shutdown]))) {
      if (shutdown.aborted || appender.lost) break;
      if (event.type === 'started') {
        options.onStarted();
        before = computedBy(event.computedBy, options);
      }
      const kept = keepsAlternatives ? event : withoutAlternatives(event);
      const isJoined = event.type === 'finished' && at !== null && joins(last, options.followedBy);
      await appender.take([...(isJoined ? [logTokens(' ', [], at)] : []), ...loggedEvents(kept, before, at)]);
      if (event.type !== 'tokens') continue;
      if (at !== null) at += countCodePoints(event.text);
      if (event.text !== '') last = event.text;
    }
    await appender.flushed();
  } catch (error) {
    if (shutdown.aborted) return;
    options.logger.error({ err: error, draft: options.fence.draftId }, 'a draft failed');
    await appender.end(ended('ERROR', before, error instanceof Error ? error.message : String(error)));
  }
}

/** The usage before a turn with what computes it from now on, and whether that computes as what had begun it ([OWN1]). */
function computedBy(fingerprint: string, { before, replayedFrom, logger, fence }: DraftWriterOptions): Usage {
  const usage = { ...before, computedBy: fingerprint };
  if (replayedFrom.every((one) => one === fingerprint)) return usage;
  const seen = { draft: fence.draftId, fingerprint, replayedFrom };
  logger.info(seen, 'a draft goes on with another graph, runtime or kernels than it was begun with');
  return { ...usage, continuedElsewhere: true };
}

/** Whether two texts would become one word where they meet ([DRAFT17]). */
const joins = (before: string, after: string): boolean => /[\p{L}\p{N}]$/u.test(before) && /^[\p{L}\p{N}]/u.test(after);

function withoutAlternatives(event: GenerationEvent): GenerationEvent {
  if (event.type !== 'tokens') return event;
  return { ...event, tokens: event.tokens.map((token) => ({ ...token, alternatives: [] })) };
}

function loggedEvents(event: GenerationEvent, before: Usage, at: number | null): LogEvent[] {
  switch (event.type) {
    case 'started': {
      const usage = { ...before, promptTokens: before.promptTokens + event.promptTokens };
      return [statusEvent('GENERATING', null, usage)];
    }
    case 'tokens':
      return [logTokens(event.text, event.tokens, at)];
    case 'finished':
      return [ended(event.reason, addUsage(before, event.usage), event.message)];
  }
}

export function ended(reason: FinishReason, usage: Usage, failure = 'the model failed'): StatusEvent {
  const status = {
    STOP: 'COMPLETED',
    LENGTH: 'COMPLETED',
    TIME: 'COMPLETED',
    CANCELLED: 'CANCELLED',
    ERROR: 'FAILED',
  } as const;
  return { ...statusEvent(status[reason], reason, usage), failure: reason === 'ERROR' ? failure : null };
}

export function statusEvent(status: DraftStatus, finishReason: FinishReason | null, usage: Usage): StatusEvent {
  return { type: 'status', status, finishReason, usage, failure: null };
}

/** Before anything was written. */
export const noUsage: Usage = {
  promptTokens: 0,
  completionTokens: 0,
  queueMs: null,
  timeToFirstTokenMs: null,
  tokensPerSecond: null,
};

function addUsage(a: Usage, b: Usage): Usage {
  return {
    ...a,
    promptTokens: a.promptTokens + b.promptTokens,
    completionTokens: a.completionTokens + b.completionTokens,
    queueMs: a.queueMs ?? b.queueMs,
    timeToFirstTokenMs: a.timeToFirstTokenMs ?? b.timeToFirstTokenMs,
    tokensPerSecond: b.tokensPerSecond ?? a.tokensPerSecond,
    engineMs: (a.engineMs ?? 0) + (b.engineMs ?? 0),
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
  #pending: LogEvent[] = [];
  #appending: Promise<void> | null = null;
  #failed = false;
  /** Whether another writer has taken the draft or it was deleted, so that nothing more can be written. */
  lost = false;

  constructor({ log, fence, shutdown }: DraftWriterOptions) {
    this.#log = log;
    this.#fence = fence;
    this.#shutdown = shutdown;
  }

  /** Returns at once as long as the database keeps up. */
  async take(events: readonly LogEvent[]): Promise<void> {
    this.#pending.push(...events);
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

  /** The last event after a failure. Events that could not be stored, and all later ones, are left out. */
  async end(event: LogEvent): Promise<void> {
    await this.#appending?.catch(() => (this.#pending = []));
    this.#pending.push(event);
    await this.#drain();
  }

  async #drain(): Promise<void> {
    while (this.#pending.length > 0 && !this.lost) {
      const events = this.#pending;
      this.#pending = [];
      const moved = await this.#log.append(this.#fence, { type: 'progress', events }, this.#shutdown);
      if (moved) this.#fence = moved;
      else this.lost = true;
    }
    this.#appending = null;
  }
}
