import { type ClientOptions, GraphQLRequestError } from './client.ts';
import { overSocket, SocketClosed } from './over-socket.ts';
import type { DraftEvent, Line, Transport } from './transport.ts';

export interface FollowOptions {
  /** The cursor of the last known event. Without it, a snapshot comes first. */
  after?: string | null;
  /** Stays when the draft has ended, for what is changed and continued later. */
  keepOpen?: boolean;
  /** `overSocket` or `overSse`. */
  over?: Transport;
  /** Ends it at once, even while no events come. */
  signal?: AbortSignal;
  /** Called after each lost connection, before the next attempt, for example to show that it is reconnecting. */
  onBreak?: (error: unknown) => void;
  /** A connection that is silent for this long counts as dead. The server sends a heartbeat every 15 seconds. */
  silenceMs?: number;
}

/** Number of consecutive refused tokens after which it gives up. */
const MOST_REFUSALS = 3;

/**
 * A draft's events, each once and in order, through any number of disconnects and server restarts: each connection
 * continues after the cursor of the last event. It ends when the draft has ended, unless `keepOpen`. It throws the server's error for a
 * request that cannot succeed (no such draft, no permission, refused tokens).
 */
export async function* followDraft(
  options: ClientOptions,
  draftId: string,
  { after = null, keepOpen = false, over = overSocket, signal, onBreak, silenceMs = 30_000 }: FollowOptions = {},
): AsyncGenerator<DraftEvent> {
  let [cursor, failures, refusals] = [after, 0, 0];
  for (;;) {
    const line = new WatchedLine(silenceMs, signal);
    try {
      for await (const event of over(options, { draftId, after: cursor, keepOpen }, line)) {
        cursor = event.cursor;
        failures = 0;
        yield event;
      }
      return;
    } catch (error) {
      if (signal?.aborted) return;
      refusals = isRefusal(error) && !line.hasHeard ? refusals + 1 : 0;
      if (!isPassing(error) || refusals === MOST_REFUSALS) throw error;
      onBreak?.(error);
    } finally {
      line.close();
    }
    // Full jitter, so that a thousand readers of a restarted server do not all reconnect at the same instant.
    await pause(Math.random() * Math.min(5_000, 100 * 2 ** failures++), signal);
  }
}

/** The text to show after an event. */
export function textAfter(text: string, event: DraftEvent): string {
  switch (event.__typename) {
    case 'DraftSnapshot':
      return event.draft.text;
    case 'TokensAppended':
      return text + event.text;
    case 'TokensInserted':
      return spliced(text, event.at, event.at, event.text);
    case 'TextReplaced':
      return spliced(text, event.start, event.end, event.text);
    case 'DraftStatusChanged':
      return text;
  }
}

/** Positions count characters, which are code points; indices of a JavaScript string count halves of some. */
function spliced(text: string, start: number, end: number, replacement: string): string {
  const characters = Array.from(text);
  return characters.slice(0, start).join('') + replacement + characters.slice(end).join('');
}

/**
 * Ends a connection that has been silent for too long, because a connection can be dead without either side noticing.
 */
class WatchedLine implements Line {
  readonly silenceMs: number;
  readonly signal: AbortSignal;
  hasHeard = false;
  readonly #giveUp = new AbortController();
  #timer: ReturnType<typeof setTimeout>;

  constructor(silenceMs: number, outer: AbortSignal | undefined) {
    this.silenceMs = silenceMs;
    this.signal = outer ? AbortSignal.any([outer, this.#giveUp.signal]) : this.#giveUp.signal;
    this.#timer = this.#count();
  }

  readonly heard = (): void => {
    this.hasHeard = true;
    clearTimeout(this.#timer);
    this.#timer = this.#count();
  };

  close(): void {
    clearTimeout(this.#timer);
  }

  #count(): ReturnType<typeof setTimeout> {
    return setTimeout(() => this.#giveUp.abort(new Error('Nothing was heard for too long')), this.silenceMs);
  }
}

/** Error codes while the server or its database starts or stops, and after a token has expired. */
const PASSING_CODES = ['GOING_AWAY', 'SERVICE_UNAVAILABLE', 'UNAUTHENTICATED'];

const isRefusal = (error: unknown): boolean =>
  error instanceof SocketClosed
    ? error.code === 4403
    : error instanceof GraphQLRequestError && error.codes.includes('UNAUTHENTICATED');

/**
 * Whether to reconnect: yes, unless the server said that the request itself was wrong (4400–4499, except 4403 and
 * 4408).
 */
function isPassing(error: unknown): boolean {
  if (error instanceof GraphQLRequestError) return error.codes.every((code) => PASSING_CODES.includes(code));
  if (!(error instanceof SocketClosed)) return true;
  return error.code < 4400 || error.code > 4499 || error.code === 4403 || error.code === 4408;
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener('abort', done);
  });
}
