import { createSourceEventStream, type ExecutionArgs, type ExecutionResult, GraphQLError } from 'graphql';
import { withinTime } from '../lib/async/deadline.ts';
import { isPollable, LATER, OVER, type PollableIterator, type Polled } from '../lib/async/streams.ts';
import { DeadlineExceededError } from '../lib/errors.ts';
import { closeContext, type Context, EventContext } from '../resolvers/context.ts';
import { executionOf } from './documents/compiled-execution.ts';
import { selectionKey } from './documents/selection.ts';

export type Mask = (error: unknown) => GraphQLError;

/**
 * One event as one selection answers it, in the form that each transport sends. It is created once for all its readers.
 */
export class Answer {
  readonly result: ExecutionResult;
  readonly #cursor: string | null;
  #socketBytes: Buffer | null = null;
  #streamBytes: Buffer | null = null;

  /**
   * Approximate size as JSON in bytes if the answer is shared by several readers. Null if it was made for one reader.
   */
  readonly sharedBytes: number | null;

  /** @param cursor the event's position, for readers that resume after it */
  constructor(result: ExecutionResult, cursor: string | null = null, sharedBytes: number | null = null) {
    this.result = result;
    this.#cursor = cursor;
    this.sharedBytes = sharedBytes;
  }

  /** A WebSocket message of the protocol without its start `{"id":"…"`, which differs for each subscriber. */
  get socketBytes(): Buffer {
    return (this.#socketBytes ??= Buffer.from(`,"type":"next","payload":${this.#json()}}`));
  }

  /** A server-sent event. Its id is its cursor, which a browser sends when it reconnects ([SSE1]). */
  get streamBytes(): Buffer {
    const id = this.#cursor === null ? '' : `id: ${this.#cursor}\n`;
    return (this.#streamBytes ??= Buffer.from(`${id}event: next\ndata: ${this.#json()}\n\n`));
  }

  #json(): string {
    const { data, errors } = this.result;
    // Building an object and serialising it would take as long as serialising most data.
    if (!errors) return `{"data":${JSON.stringify(data)}}`;
    return JSON.stringify({ ...(data !== undefined && { data }), errors });
  }
}

/** Charges a subscription's events to its reader. */
export interface Meter {
  /** Milliseconds that the next event must wait until it can be paid for. 0 if it need not wait. */
  waitMs(): number;
  /** Charges one event. @param sharedBytes its size if it is shared by several readers, otherwise null */
  spend(sharedBytes: number | null): void;
  /** The subscription has ended. */
  end(): void;
  /** The result, or an error if it is too large, and its approximate size as JSON in bytes. */
  bounded(result: ExecutionResult): { result: ExecutionResult; bytes: number };
}

/**
 * A subscription's results. The transports read answers as bytes. For other callers it is the iterator of execution
 * results that GraphQL specifies.
 */
export class LiveResults implements AsyncIterableIterator<ExecutionResult> {
  readonly #events: AsyncIterator<unknown, unknown>;
  readonly #pollable: PollableIterator<unknown> | null;
  readonly #answer: (event: unknown) => Answer | Promise<Answer>;
  readonly #mask: Mask;
  readonly #meter: Meter | null;
  /** Ends the wait until the next event can be paid for. */
  #wake: (() => void) | null = null;
  #left = false;

  constructor(
    events: AsyncIterable<unknown>,
    answer: (event: unknown) => Answer | Promise<Answer>,
    mask: Mask,
    meter: Meter | null = null,
  ) {
    this.#meter = meter;
    this.#events = events[Symbol.asyncIterator]();
    this.#pollable = isPollable(this.#events) ? this.#events : null;
    this.#answer = answer;
    this.#mask = mask;
  }

  /** The next answer if it is available now. See `PollableIterator`. */
  pollAnswer(ready: () => void): Polled<Answer | Promise<Answer>> {
    const wait = this.#pollable ? (this.#meter?.waitMs() ?? 0) : 0;
    if (wait > 0) {
      this.#wakeAfter(wait, ready);
      return LATER;
    }
    const event = this.#pollable?.poll(ready) ?? OVER;
    if (event === LATER || event === OVER) return event;
    return this.#charged(this.#answer(event));
  }

  /** Null at the end. @throws GraphQLError, masked, if the source fails */
  async nextAnswer(): Promise<Answer | null> {
    try {
      for (let wait = this.#meter?.waitMs(); wait && !this.#left; wait = this.#meter?.waitMs()) {
        const ms = wait;
        await new Promise<void>((resolve) => this.#wakeAfter(ms, resolve));
      }
      const event = await this.#events.next();
      if (!event.done) return await this.#charged(this.#answer(event.value));
      this.#meter?.end();
      return null;
    } catch (error) {
      this.#meter?.end();
      throw this.#mask(error);
    }
  }

  #charged(answer: Answer | Promise<Answer>): Answer | Promise<Answer> {
    if (answer instanceof Promise) return answer.then((made) => this.#charged(made));
    this.#meter?.spend(answer.sharedBytes);
    return answer;
  }

  #wakeAfter(ms: number, ready: () => void): void {
    const timer = setTimeout(ready, ms);
    this.#wake = () => {
      clearTimeout(timer);
      ready();
    };
  }

  async next(): Promise<IteratorResult<ExecutionResult>> {
    const answer = await this.nextAnswer();
    return answer ? { done: false, value: answer.result } : { done: true, value: undefined };
  }

  async return(): Promise<IteratorResult<ExecutionResult>> {
    this.#left = true;
    this.#meter?.end();
    this.#wake?.();
    await this.#events.return?.();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

export type Subscribe = (args: ExecutionArgs, meter?: Meter) => Promise<LiveResults | ExecutionResult>;

/**
 * GraphQL's `subscribe`, with one difference that clients cannot observe: an event that several subscribers receive as
 * the same object is executed and serialised once for all that select the same fields. An execution that reads the
 * viewer is not shared, so no reader is sent what only another may see.
 */
export function createSubscribe(mask: Mask, mostMs: number): Subscribe {
  const answers = new SharedAnswers();
  return async (args, meter) => {
    const events = await createSourceEventStream(args);
    if (!(Symbol.asyncIterator in events)) return masked(events, mask);
    const key = selectionKey(args);
    const finish: Finish = (made) => {
      const { result, bytes } = meter?.bounded(made) ?? { result: made, bytes: 0 };
      return { result: masked(result, mask), bytes };
    };
    const how = { finish, mostMs };
    return new LiveResults(events, (event) => answerTo(event, args, answers.to(event), key, how), mask, meter);
  };
}

/** A cached answer, or the promise of one. It resolves to null if the execution depends on the viewer. */
type Shared = Answer | Promise<Answer | null>;

/** The cached answers of all events that are still referenced. */
class SharedAnswers {
  readonly #known = new WeakMap<object, Map<string, Shared>>();
  /** The readers of one draft usually receive the same event one after the other. */
  #last: { event: object; answers: Map<string, Shared> } | null = null;

  to(event: unknown): Map<string, Shared> {
    if (typeof event !== 'object' || event === null) return new Map();
    if (this.#last?.event === event) return this.#last.answers;
    const answers = this.#known.get(event) ?? new Map<string, Shared>();
    this.#known.set(event, answers);
    this.#last = { event, answers };
    return answers;
  }
}

/** Turns an execution result into what is sent, with its approximate size as JSON in bytes. */
type Finish = (result: ExecutionResult) => { result: ExecutionResult; bytes: number };

/** How an event is turned into an answer. */
interface Answering {
  finish: Finish;
  /** The time limit of one event's execution in milliseconds. */
  mostMs: number;
}

function answerTo(
  event: unknown,
  args: ExecutionArgs,
  shared: Map<string, Shared>,
  key: string,
  how: Answering,
): Answer | Promise<Answer> {
  const known = shared.get(key);
  if (known instanceof Answer) return known;
  if (known) return known.then((answer) => answer ?? answerAlone(event, args, how).answer);
  const { answer, context } = answerAlone(event, args, how);
  if (answer instanceof Answer) {
    if (!context.isPersonal) shared.set(key, answer);
    return answer;
  }
  const settled = answer.then((made) => (context.isPersonal ? null : made));
  shared.set(key, settled);
  settled.then(
    (made) => (made ? shared.set(key, made) : shared.delete(key)),
    () => shared.delete(key),
  );
  return answer;
}

function answerAlone(event: unknown, args: ExecutionArgs, { finish, mostMs }: Answering) {
  const context = new EventContext(args.contextValue as Context);
  const result = executionOf(args)(event, context);
  const toAnswer = (made: ExecutionResult): Answer => {
    const { result: finished, bytes } = finish(made);
    return new Answer(finished, cursorOf(event), context.isPersonal ? null : bytes);
  };
  return {
    answer: result instanceof Promise ? inTime(result, context, mostMs).then(toAnswer) : toAnswer(result),
    context,
  };
}

/** An event that takes too long is answered with an error, and the subscription goes on with the next ([EDGE7]). */
function inTime(result: Promise<ExecutionResult>, context: Context, ms: number): Promise<ExecutionResult> {
  const limit = { ms, message: `The event was not executed within ${ms / 1_000} seconds` };
  return withinTime(undefined, limit, (signal) => {
    signal.addEventListener('abort', () => closeContext(context, signal.reason), { once: true });
    return result;
  }).catch((error: unknown) => {
    if (!(error instanceof DeadlineExceededError)) throw error;
    return { errors: [new GraphQLError(error.message, { originalError: error })] };
  });
}

/** The cursor is needed even if it is not selected, so that every reader can resume. */
const cursorOf = (event: unknown): string | null =>
  typeof event === 'object' && event !== null && 'cursor' in event && typeof event.cursor === 'string'
    ? event.cursor
    : null;

function masked(result: ExecutionResult, mask: Mask): ExecutionResult {
  return result.errors ? { ...result, errors: result.errors.map(mask) } : result;
}
