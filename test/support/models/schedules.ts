import { ServiceUnavailableError } from '../../../src/lib/errors.ts';
import { randomStream } from '../../../src/lib/random.ts';
import type { Engine, GenerationRequest, Token } from '../../../src/ml/engine.ts';

export interface Schedules {
  modelId: string;
  /** What drafts may be asked for; each one's text alone is what it must be in any company. */
  pool: readonly GenerationRequest[];
  /** A new engine: one that writes one draft at a time and remembers nothing, or a crowded one. */
  open: (options: { slots: number; prefixBytes: number }) => Promise<Engine>;
}

/** One draft of a schedule: what was recorded of it, whatever happened meanwhile. */
interface Written {
  request: GenerationRequest;
  tokens: Token[];
  end: string | null;
}

/** The tokens of every request of the pool, each written alone. */
export async function writeAlone({ modelId, pool, open }: Schedules): Promise<Token[][]> {
  await using engine = await open({ slots: 1, prefixBytes: 0 });
  const texts: Token[][] = [];
  for (const request of pool) {
    const written: Written = { request, tokens: [], end: null };
    await record(engine, modelId, written, () => undefined);
    texts.push(written.tokens);
  }
  return texts;
}

/**
 * Lets drafts arrive, be cancelled and be cut off by restarts in an order that the seed decides. Every draft that was not
 * cancelled must end with the tokens it has alone, and a cancelled one with a beginning of them.
 *
 * @returns what went wrong; null when nothing did
 */
export async function runSchedule(
  seed: number,
  schedules: Schedules,
  alone: readonly Token[][],
): Promise<string | null> {
  const { modelId, pool, open } = schedules;
  const random = randomStream(seed);
  const below = (bound: number) => Math.floor(random() * bound);
  const drafts: Written[] = [];
  const arrivals = 3 + below(10);
  let left = arrivals;
  while (left > 0 || drafts.some(({ end }) => end === null)) {
    const engine = await open({ slots: 1 + below(6), prefixBytes: below(2) * 2 ** 24 });
    const steps = new Countdown(below(3) === 0 ? Infinity : 5 + below(120));
    const writing = drafts
      .filter(({ end }) => end === null)
      .map((one) => record(engine, modelId, one, () => steps.tick()));
    while (left > 0 && !steps.over) {
      left--;
      const draft: Written = { request: pool[below(pool.length)]!, tokens: [], end: null };
      drafts.push(draft);
      const cancelAfter = below(4) === 0 ? below(12) : Infinity;
      writing.push(record(engine, modelId, draft, () => steps.tick(), cancelAfter));
      await Promise.race([steps.wait(below(8)), Promise.all(writing)]);
    }
    await Promise.race([steps.finished, Promise.all(writing)]);
    await engine[Symbol.asyncDispose]();
    await Promise.all(writing);
  }
  return drafts.map((draft) => problemOf(draft, alone[pool.indexOf(draft.request)]!)).find(Boolean) ?? null;
}

/** Writes a draft on from what is recorded of it, until it ends or the engine does. */
async function record(
  engine: Engine,
  modelId: string,
  draft: Written,
  tick: () => void,
  cancelAfter = Infinity,
): Promise<void> {
  const cancel = new AbortController();
  if (cancelAfter === 0) cancel.abort();
  const replay = draft.tokens.map(({ id }) => id);
  try {
    const request = { ...draft.request, replay, listener: draft.tokens.length % 3 };
    for await (const event of engine.admit(modelId).generate(request, cancel.signal)) {
      if (event.type === 'tokens') draft.tokens.push(...event.tokens);
      if (draft.tokens.length >= cancelAfter) cancel.abort();
      if (event.type === 'finished') draft.end = event.reason;
      tick();
    }
  } catch (error) {
    // The engine was closed: what was recorded is taken up by the next.
    if (!(error instanceof ServiceUnavailableError)) throw error;
  }
}

function problemOf({ tokens, end }: Written, alone: readonly Token[]): string | null {
  if (end === 'ERROR') return 'a draft ended with ERROR';
  const cancelled = end === 'CANCELLED';
  const expected = cancelled ? alone.slice(0, tokens.length) : alone;
  if (comparable(tokens, cancelled) === comparable(expected, cancelled)) return null;
  const text = (all: readonly Token[]) => all.map((token) => token.text).join('');
  return `${end}: ${JSON.stringify(text(tokens))} is not ${JSON.stringify(text(expected))}`;
}

/** A character that the cancellation left incomplete is shown as U+FFFD with the last token ([GEN6]). */
function comparable(tokens: readonly Token[], cancelled: boolean): string {
  const last = tokens.length - 1;
  return JSON.stringify(tokens.map((token, i) => (cancelled && i === last ? { ...token, text: '' } : token)));
}

/** Counts events, over all drafts: what happens next in a schedule happens after so many. */
class Countdown {
  readonly finished: Promise<void>;
  #left: number;
  #finish: () => void = () => undefined;
  #waiting: { left: number; resolve: () => void }[] = [];

  constructor(events: number) {
    this.#left = events;
    this.finished = new Promise((resolve) => (this.#finish = resolve));
  }

  get over(): boolean {
    return this.#left <= 0;
  }

  tick(): void {
    this.#left--;
    for (const one of this.#waiting) if (--one.left <= 0) one.resolve();
    if (this.over) this.#finish();
  }

  wait(events: number): Promise<void> {
    if (events === 0) return Promise.resolve();
    return Promise.race([this.finished, new Promise<void>((resolve) => this.#waiting.push({ left: events, resolve }))]);
  }
}
