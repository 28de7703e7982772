import { mkdtemp, open, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { InvalidInputError, NotFoundError, OverloadedError, ServiceUnavailableError } from '../../src/lib/errors.ts';
import {
  defaultSampling,
  type Engine,
  type GenerationEvent,
  type GenerationRequest,
  type Sampling,
  type Ticket,
  type Token,
} from '../../src/ml/engine.ts';
import { temporaryFolder } from '../support/folder.ts';
import { entryFor, noEncoder, TINY, tinyEngine, writeTinyCatalogue } from '../support/tiny/tiny-engine.ts';

const sampling: Sampling = { ...defaultSampling, temperature: 1, maxTokens: 40, seed: 3 };
const never = new AbortController().signal;
const ask = (changes: Partial<Sampling> = {}, more: Partial<GenerationRequest> = {}): GenerationRequest => ({
  messages: [{ role: 'user', content: 'Write.' }],
  sampling: { ...sampling, ...changes },
  ...more,
});

interface Draft {
  text: string;
  tokens: Token[];
  finished: Extract<GenerationEvent, { type: 'finished' }> | null;
}

async function collect(events: AsyncIterable<GenerationEvent>): Promise<Draft> {
  const draft: Draft = { text: '', tokens: [], finished: null };
  for await (const event of events) {
    if (event.type === 'finished') draft.finished = event;
    if (event.type !== 'tokens') continue;
    draft.text += event.text;
    draft.tokens.push(...event.tokens);
  }
  return draft;
}

async function write(engine: Engine, request: GenerationRequest, signal = never): Promise<Draft> {
  return collect(engine.admit(TINY).generate(request, signal));
}

describe('engine', () => {
  let folder: string;
  let engine: Engine;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cadenza-'));
    engine = await tinyEngine(folder, { queue: 4, slots: 1 });
  });
  afterAll(async () => {
    await engine[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  /** Another engine on the same, already compiled model. */
  async function another(options: Parameters<typeof tinyEngine>[1] = {}): Promise<Engine> {
    const other = await tinyEngine(folder, { catalogueFile: join(folder, 'models.json'), ...options });
    onTestFinished(() => other[Symbol.asyncDispose]());
    return other;
  }

  it('lists the model of the catalogue as READY', () => {
    const shown = { id: TINY, status: 'READY', fetched: 1, failure: null, contextTokens: 512, license: null };
    expect(engine.models()[0]).toMatchObject(shown);
    expect(engine.defaultModel('TEXT_GENERATION')?.id).toBe(TINY);
    expect(engine.defaultModel('TUNE_GENERATION')?.id).toBe('tunes');
    expect(engine.defaultModel('RECOMMENDATION')).toBeNull();
    expect(() => engine.admit('nobody')).toThrow(NotFoundError);
  });

  it('[GEN1] writes the same text for the same seed, and another for another seed', async () => {
    const first = await write(engine, ask());
    expect(await write(engine, ask())).toMatchObject({ text: first.text, tokens: first.tokens });
    expect((await write(engine, ask({ seed: 4 }))).text).not.toBe(first.text);
    expect(first.finished?.usage).toMatchObject({ completionTokens: first.tokens.length });
  });

  it('[GEN1] writes the same text alone and among others, in any slot', async () => {
    const seeds = [1, 2, 3, 4, 5, 6, 7];
    const alone: Draft[] = [];
    for (const seed of seeds) alone.push(await write(engine, ask({ seed, maxTokens: 20 + seed })));
    const crowded = await another({ slots: 3, queue: 8 });
    const together = await Promise.all(seeds.map((seed) => write(crowded, ask({ seed, maxTokens: 20 + seed }))));
    expect(together.map(({ tokens }) => tokens)).toEqual(alone.map(({ tokens }) => tokens));
  });

  it('[GEN4] gives each token its log-probability and five others', async () => {
    const { tokens } = await write(engine, ask({ temperature: 0, repetitionPenalty: 1, maxTokens: 8 }));
    for (const { logprob, alternatives } of tokens) {
      expect(logprob).toBeLessThan(0);
      expect(alternatives).toHaveLength(5);
      expect(alternatives.every((other) => other.logprob <= logprob)).toBe(true);
    }
  });

  it('[GEN7] the tokens’ texts make up the text, without the stop string', async () => {
    const { text, tokens } = await write(engine, ask({ maxTokens: 120 }));
    expect(tokens.map((token) => token.text).join('')).toBe(text);
    const stop = text.slice(30, 33);
    const stopped = await write(engine, ask({ maxTokens: 120, stop: [stop] }));
    expect(stopped.text).toBe(text.slice(0, text.indexOf(stop)));
    expect(stopped.finished?.reason).toBe('STOP');
  });

  it('[GEN8] ends with LENGTH at maxTokens and with STOP at an end token', async () => {
    const short = await write(engine, ask({ maxTokens: 5 }));
    expect(short.finished).toMatchObject({ reason: 'LENGTH', usage: { completionTokens: 5 } });
    const drafts: Draft[] = [];
    for (let seed = 0; seed < 12; seed++) {
      drafts.push(await write(engine, ask({ seed, topK: 0, topP: 1, temperature: 2, maxTokens: 400 })));
    }
    const ended = drafts.filter(({ finished }) => finished?.reason === 'STOP');
    expect(ended.length).toBeGreaterThan(0);
    for (const { tokens } of ended) expect(tokens.length).toBeLessThan(400);
  });

  it('[GEN18] ends with TIME after its time limit, and keeps the text', async () => {
    const whole = await write(engine, ask({ maxTokens: 400 }));
    const cut = await write(engine, ask({ maxTokens: 400, maxSeconds: 0.001 }));
    expect(cut.finished).toMatchObject({ reason: 'TIME', usage: { completionTokens: cut.tokens.length } });
    expect(cut.tokens.length).toBeLessThan(whole.tokens.length);
    expect(whole.text.startsWith(cut.text)).toBe(true);
  });

  it('[GEN18] a draft whose time limit passes while it waits never starts, and affects no other', async () => {
    const ahead = write(engine, ask({ maxTokens: 400 }));
    const late = write(engine, ask({ maxSeconds: 0.001 }));
    expect((await late).finished).toMatchObject({ reason: 'TIME', usage: { completionTokens: 0, queueMs: null } });
    expect((await ahead).finished).toMatchObject({ reason: 'LENGTH' });
  });

  it('[GEN8] ends with CANCELLED within one token, and keeps the text', async () => {
    const whole = await write(engine, ask({ maxTokens: 300 }));
    const cancel = new AbortController();
    const seen: Token[] = [];
    let reason = '';
    let completion = 0;
    let atAbort = 0;
    for await (const event of engine.admit(TINY).generate(ask({ maxTokens: 300 }), cancel.signal)) {
      if (event.type === 'tokens') seen.push(...event.tokens);
      if (event.type === 'tokens' && !cancel.signal.aborted && seen.length >= 10) {
        atAbort = seen.length;
        cancel.abort();
      }
      if (event.type === 'finished') [reason, completion] = [event.reason, event.usage.completionTokens];
    }
    expect(reason).toBe('CANCELLED');
    // One token may have been under way, and up to three may have waited for a character's last byte.
    expect(completion - atAbort).toBeLessThanOrEqual(4);
    expect(seen.map(({ id }) => id)).toEqual(whole.tokens.slice(0, seen.length).map(({ id }) => id));
  });

  it('[GEN8] ends with CANCELLED when its reader leaves or its ticket is given back, and the next one runs', async () => {
    const ticket = engine.admit(TINY);
    const iterator = ticket.generate(ask({ maxTokens: 400 }), never)[Symbol.asyncIterator]();
    await iterator.next();
    await iterator.return?.();
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
    const given = engine.admit(TINY);
    const draft = collect(given.generate(ask({ maxTokens: 400 }), never));
    given[Symbol.dispose]();
    expect((await draft).finished?.reason).toBe('CANCELLED');
    expect((await write(engine, ask())).finished?.reason).toBe('LENGTH');
  });

  it('[GEN8] ends with ERROR if the model produces values that are not numbers', async () => {
    const broken = await temporaryFolder();
    const catalogueFile = await writeTinyCatalogue(broken);
    const source = join(broken, 'source.gguf');
    await breakLastWeights(source);
    await writeFile(catalogueFile, JSON.stringify({ models: [await entryFor(source), noEncoder] }));
    const other = await tinyEngine(broken, { catalogueFile });
    onTestFinished(() => other[Symbol.asyncDispose]());
    const { finished } = await write(other, ask());
    expect(finished).toMatchObject({ reason: 'ERROR', message: expect.stringContaining('not finite') as string });
    expect((await write(other, ask())).finished?.reason).toBe('ERROR');
  });

  it('[GEN9] continues bit for bit after a replay, wherever it was cut', async () => {
    const request = ask({ maxTokens: 24, stop: ['never to be seen'] });
    const whole = await write(engine, request);
    const recorded = whole.tokens.map(({ id }) => id);
    for (let done = 0; done <= recorded.length; done++) {
      const rest = await write(engine, { ...request, replay: recorded.slice(0, done) });
      const before = whole.tokens.slice(0, done);
      expect([...before, ...rest.tokens]).toEqual(whole.tokens);
      expect(before.map(({ text }) => text).join('') + rest.text).toBe(whole.text);
      expect(rest.finished?.reason).toBe(whole.finished?.reason);
      expect(rest.finished?.usage.completionTokens).toBe(whole.finished?.usage.completionTokens);
    }
  });

  it('[GEN10] serves drafts in order of arrival', async () => {
    const order: number[] = [];
    const drafts = [0, 1, 2, 3].map(async (number) => {
      for await (const event of engine.admit(TINY).generate(ask({ maxTokens: 10 }), never)) {
        if (event.type === 'started') order.push(number);
      }
      order.push(number);
    });
    await Promise.all(drafts);
    expect(order).toEqual([0, 0, 1, 1, 2, 2, 3, 3]);
  });

  it('[GEN10] [GEN23] refuses drafts beyond the limit, with the time to retry', async () => {
    const tickets: Ticket[] = Array.from({ length: 5 }, () => engine.admit(TINY));
    const refusal = refusalOf(engine);
    expect(refusal.retryAfterMs).toBeGreaterThan(0);
    expect(refusal.message).toContain('its queue of 4 drafts is full');
    tickets[0]?.[Symbol.dispose]();
    tickets[0]?.[Symbol.dispose]();
    tickets.push(engine.admit(TINY));
    refusalOf(engine);
    const [, second] = tickets;
    const draft = second && collect(second.generate(ask(), never));
    expect((await draft)?.finished?.reason).toBe('LENGTH');
    tickets.push(engine.admit(TINY));
    for (const ticket of tickets) ticket[Symbol.dispose]();
    Array.from({ length: 5 }, () => engine.admit(TINY)).forEach((ticket) => ticket[Symbol.dispose]());
  });

  it('[GEN10] a draft that is cancelled while it waits ends at once and never starts', async () => {
    const drafts = engine.admit(TINY).generate(ask({ maxTokens: 400 }), never);
    const running = drafts[Symbol.asyncIterator]();
    const cancel = new AbortController();
    const waiting = engine.admit(TINY).generate(ask(), cancel.signal)[Symbol.asyncIterator]();
    await running.next();
    cancel.abort();
    expect(await waiting.next()).toMatchObject({ value: { type: 'finished', reason: 'CANCELLED' } });
    await running.return?.();
    const late = await write(engine, ask(), AbortSignal.abort());
    expect(late).toMatchObject({ tokens: [], finished: { reason: 'CANCELLED' } });
  });

  it('a ticket can be used for one generation only', () => {
    const ticket = engine.admit(TINY);
    ticket.generate(ask({ maxTokens: 1 }), never);
    expect(() => ticket.generate(ask(), never)).toThrow('one generation');
  });

  it('[GEN12] refuses what does not fit the context, and sampling out of range', () => {
    const long = { messages: [{ role: 'user' as const, content: 'x'.repeat(400) }] };
    expect(() => engine.checkFits(TINY, ask({ maxTokens: 100 }, long))).toThrow(/maxTokens is 100.*has 512 tokens/);
    expect(() => engine.checkFits(TINY, ask({ maxTokens: 50 }, long))).not.toThrow();
    const ticket = engine.admit(TINY);
    expect(() => ticket.generate(ask({ maxTokens: 500 }), never)).toThrow(InvalidInputError);
    expect(() => ticket.generate(ask({ topP: 0 }), never)).toThrow('sampling.topP');
    ticket[Symbol.dispose]();
  });

  it('continues an unfinished answer', async () => {
    const messages = [...ask().messages, { role: 'assistant' as const, content: 'Once' }];
    const draft = await write(engine, ask({}, { messages, continueLast: true }));
    expect(draft.tokens.length).toBeGreaterThan(0);
    expect(() => engine.admit(TINY).generate(ask({}, { continueLast: true }), never)).toThrow(InvalidInputError);
  });

  it('when disposed, it ends running and waiting drafts without a result, so that they can be resumed', async () => {
    const other = await another();
    const running = collect(other.admit(TINY).generate(ask({ maxTokens: 450 }), never));
    const waiting = collect(other.admit(TINY).generate(ask(), never));
    const ends = [running, waiting].map((draft) => expect(draft).rejects.toThrow(ServiceUnavailableError));
    await other[Symbol.asyncDispose]();
    await Promise.all(ends);
    expect(() => other.admit(TINY)).toThrow();
  });

  function refusalOf(of: Engine): OverloadedError {
    try {
      of.admit(TINY)[Symbol.dispose]();
    } catch (error) {
      if (error instanceof OverloadedError) return error;
      throw error;
    }
    throw new Error('it was not refused');
  }
});

/** The file ends with the last norm's 32-bit floats: makes them so large that what is computed with them overflows. */
async function breakLastWeights(path: string): Promise<void> {
  const { size } = await stat(path);
  const handle = await open(path, 'r+');
  const huge = Buffer.alloc(256);
  for (let at = 0; at < huge.length; at += 4) huge.writeFloatLE(3e38, at);
  await handle.write(huge, 0, huge.length, size - huge.length);
  await handle.close();
}
