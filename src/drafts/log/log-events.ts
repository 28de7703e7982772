import type { FinishReason, Token, Usage } from '../../ml/engine.ts';
import type { DraftEvent, DraftStatus } from '../contract.ts';

/** A token as stored in the log: [id, text, logprob, alternatives as [text, logprob]]. */
type LoggedToken = [number, string, number, [string, number][]];

/** The content of one entry of the log. */
export type LogEvent = { type: 'tokens'; text: string; tokens: LoggedToken[] } | StatusEvent;

export interface StatusEvent {
  type: 'status';
  status: DraftStatus;
  finishReason: FinishReason | null;
  usage: Usage;
  /** Why `status` is FAILED. */
  failure: string | null;
}

/**
 * Names an entry for good. Sequence numbers are given again when a log has lost its end (a restored backup, a standby
 * that was behind), but by a writer of another epoch. The position before the first entry has the epoch 0.
 */
export interface LogPosition {
  sequence: number;
  /** The epoch in which it was written. */
  epoch: number;
}

export interface LogEntry extends LogPosition {
  event: LogEvent;
}

export function logTokens(text: string, tokens: readonly Token[]): LogEvent {
  const logged = tokens.map(({ id, text: own, logprob, alternatives }): LoggedToken => {
    return [id, own, logprob, alternatives.map((other) => [other.text, other.logprob])];
  });
  return { type: 'tokens', text, tokens: logged };
}

/** Where events leave a draft; null when they do not say. */
export function statusAfter(events: readonly LogEvent[]): Omit<StatusEvent, 'type'> | null {
  const last = events.findLast((event) => event.type === 'status');
  if (!last) return null;
  const { status, finishReason, usage, failure } = last;
  return { status, finishReason, usage, failure };
}

export function tokenIds(entries: readonly LogEntry[]): number[] {
  return entries.flatMap(({ event }) => (event.type === 'tokens' ? event.tokens.map(([id]) => id) : []));
}

export function isTerminal(status: DraftStatus): boolean {
  return status === 'COMPLETED' || status === 'CANCELLED' || status === 'FAILED';
}

/** Maximum number of tokens in one event, for readers that are behind. */
export const COALESCED_TOKENS = 200;

/** A reader's next event, and its position in the log after it: the last entry included in the event. */
export interface Step extends LogPosition {
  event: DraftEvent;
}

/** The event that begins with the entry at `from`, with neighbouring tokens joined. Null if there is no such entry. */
export function stepFrom(
  entries: readonly LogEntry[],
  from: number,
  cursorAt: (position: LogPosition) => string,
): Step | null {
  const first = entries[from];
  if (!first) return null;
  if (first.event.type === 'status') {
    const { failure: _, ...event } = first.event;
    return { event: { ...event, cursor: cursorAt(first) }, sequence: first.sequence, epoch: first.epoch };
  }
  const run = tokenRun(entries, from);
  const { sequence, epoch } = entries[from + run.length - 1] ?? first;
  return { event: new TokensEvent(cursorAt({ sequence, epoch }), run), sequence, epoch };
}

type LoggedTokens = Extract<LogEvent, { type: 'tokens' }>;

/** Live readers rarely select the tokens, which are most of an event's bytes, so they are built on demand. */
class TokensEvent {
  readonly type = 'tokens';
  readonly cursor: string;
  readonly text: string;
  readonly #run: readonly LoggedTokens[];

  constructor(cursor: string, run: readonly LoggedTokens[]) {
    this.cursor = cursor;
    this.text = run.map((part) => part.text).join('');
    this.#run = run;
  }

  get tokens(): readonly Token[] {
    return this.#run.flatMap((part) => part.tokens.map(toToken));
  }
}

function tokenRun(entries: readonly LogEntry[], from: number): LoggedTokens[] {
  const run: LoggedTokens[] = [];
  for (let tokens = 0; from + run.length < entries.length;) {
    const event = entries[from + run.length]?.event;
    if (event?.type !== 'tokens') break;
    tokens += event.tokens.length;
    if (run.length > 0 && tokens > COALESCED_TOKENS) break;
    run.push(event);
  }
  return run;
}

function toToken([id, text, logprob, others]: LoggedToken): Token {
  return { id, text, logprob, alternatives: others.map(([other, its]) => ({ text: other, logprob: its })) };
}
