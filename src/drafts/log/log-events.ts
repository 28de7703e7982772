import type { FinishReason, Token, Usage } from '../../ml/engine.ts';
import type { DraftEvent, DraftStatus } from '../contract.ts';
import type { Replacement } from '../text/passages.ts';

/** A token as stored in the log: [id, text, logprob, alternatives as [text, logprob]]. */
type LoggedToken = [number, string, number, [string, number][]];

/** Identifies a repetition: the caller's idempotency key and the digest of its input. */
export interface Repetition {
  key: string;
  input: string;
}

/** What the model has written: at the text's end or, with `at`, before the code point with that number. */
export type WrittenEvent =
  | { type: 'tokens'; text: string; tokens: LoggedToken[] }
  | { type: 'inserted'; at: number; text: string; tokens: LoggedToken[] };

/** What a person has changed, after the draft had ended. */
export interface EditEvent extends Replacement {
  type: 'edit';
  asked: Repetition | null;
}

/** The content of one entry of the log. Builds that do not know a type refuse the log ([LOG11]). */
export type LogEvent = WrittenEvent | EditEvent | StatusEvent;

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

/**
 * Log-probabilities get the precision that logits have, so that they are the same from memory and from the database.
 * @param at the code point before which they are inserted. Null appends them.
 */
export function logTokens(text: string, tokens: readonly Token[], at: number | null = null): WrittenEvent {
  const logged = tokens.map(({ id, text: own, logprob, alternatives }): LoggedToken => {
    const others = alternatives.map((other): [string, number] => [other.text, Math.fround(other.logprob)]);
    return [id, own, Math.fround(logprob), others];
  });
  return at === null ? { type: 'tokens', text, tokens: logged } : { type: 'inserted', at, text, tokens: logged };
}

export const isWritten = (event: LogEvent): event is WrittenEvent =>
  event.type === 'tokens' || event.type === 'inserted';

/** Where events leave a draft; null when they do not say. */
export function statusAfter(events: readonly LogEvent[]): Omit<StatusEvent, 'type'> | null {
  const last = events.findLast((event) => event.type === 'status');
  if (!last) return null;
  const { status, finishReason, usage, failure } = last;
  return { status, finishReason, usage, failure };
}

export function tokenIds(entries: readonly LogEntry[]): number[] {
  return entries.flatMap(({ event }) => (isWritten(event) ? event.tokens.map(([id]) => id) : []));
}

/** The fingerprints of what computed the tokens of a turn, by its entries. Null where none was recorded. */
export function fingerprintsOf(entries: readonly LogEntry[]): (string | null)[] {
  let now: string | null = null;
  const found = new Set<string | null>();
  for (const { event } of entries) {
    if (event.type === 'status' && event.status === 'GENERATING') now = event.usage.computedBy ?? null;
    else if (isWritten(event) && event.tokens.length > 0) found.add(now);
  }
  return [...found];
}

export const writtenText = (events: readonly LogEvent[]): string =>
  events.map((event) => (isWritten(event) ? event.text : '')).join('');

export function isTerminal(status: DraftStatus): boolean {
  return status === 'COMPLETED' || status === 'CANCELLED' || status === 'FAILED';
}

/** Whether a draft has ended with this event. It is not edited before. */
export const leavesEnded = (event: LogEvent): boolean =>
  event.type === 'edit' || (event.type === 'status' && isTerminal(event.status));

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
  if (isWritten(first.event)) return writtenStep(entries, from, cursorAt);
  const { sequence, epoch } = first;
  const place = { revision: sequence, cursor: cursorAt(first) };
  if (first.event.type === 'edit') {
    const { asked: _, ...edit } = first.event;
    return { event: { ...edit, ...place }, sequence, epoch };
  }
  const { failure: _, ...status } = first.event;
  return { event: { ...status, ...place }, sequence, epoch };
}

function writtenStep(
  entries: readonly LogEntry[],
  from: number,
  cursorAt: (position: LogPosition) => string,
): Step | null {
  const run = writtenRun(entries, from);
  const last = entries[from + run.length - 1];
  const [event] = run;
  if (!event || !last) return null;
  const { sequence, epoch } = last;
  const cursor = cursorAt(last);
  const written =
    event.type === 'tokens' ? new AppendedRun(run, sequence, cursor) : new InsertedRun(run, sequence, cursor, event.at);
  return { event: written, sequence, epoch };
}

/** Live readers rarely select the tokens, which are most of an event's bytes, so they are built on demand. */
abstract class WrittenRun {
  readonly cursor: string;
  readonly revision: number;
  readonly text: string;
  readonly #run: readonly WrittenEvent[];

  constructor(run: readonly WrittenEvent[], revision: number, cursor: string) {
    this.cursor = cursor;
    this.revision = revision;
    this.text = run.map((part) => part.text).join('');
    this.#run = run;
  }

  get tokens(): readonly Token[] {
    return this.#run.flatMap(tokensOf);
  }
}

class AppendedRun extends WrittenRun {
  readonly type = 'tokens';
}

class InsertedRun extends WrittenRun {
  readonly type = 'inserted';
  readonly at: number;

  constructor(run: readonly WrittenEvent[], revision: number, cursor: string, at: number) {
    super(run, revision, cursor);
    this.at = at;
  }
}

/** Neighbours are of one turn, because a status stands between two, and so they follow one another in the text too. */
function writtenRun(entries: readonly LogEntry[], from: number): WrittenEvent[] {
  const run: WrittenEvent[] = [];
  for (let tokens = 0; from + run.length < entries.length;) {
    const event = entries[from + run.length]?.event;
    if (!event || !isWritten(event)) break;
    tokens += event.tokens.length;
    if (run.length > 0 && tokens > COALESCED_TOKENS) break;
    run.push(event);
  }
  return run;
}

export const tokensOf = ({ tokens }: WrittenEvent): Token[] => tokens.map(toToken);

function toToken([id, text, logprob, others]: LoggedToken): Token {
  return { id, text, logprob, alternatives: others.map(([other, its]) => ({ text: other, logprob: its })) };
}
