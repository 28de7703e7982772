import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ServiceUnavailableError } from '../../../src/lib/errors.ts';
import { randomStream } from '../../../src/lib/random.ts';
import { defaultSampling, type Engine, type GenerationRequest } from '../../../src/ml/engine.ts';
import { type Demand, MemoryBudget, type Tenant } from '../../../src/ml/writer/memory-budget.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { eventually } from '../../support/time/eventually.ts';
import { entryFor, noEncoder, TINY, tinyEngine } from '../../support/tiny/tiny-engine.ts';
import { writeTinyGguf } from '../../support/tiny/tiny-gguf.ts';

class Model implements Tenant {
  idle = true;
  usedAt: number;
  asked = 0;
  /** Granted; null while it waits. */
  slots: number | null = null;
  readonly #memory: MemoryBudget;
  readonly #leavesAtOnce: boolean;

  constructor(memory: MemoryBudget, usedAt = 0, leavesAtOnce = true) {
    this.#memory = memory;
    this.usedAt = usedAt;
    this.#leavesAtOnce = leavesAtOnce;
  }

  claim(wanted: Demand = demand): number | null {
    this.#memory.claim(this, wanted, (slots) => (this.slots = slots));
    return this.slots;
  }

  makeWay(): void {
    this.asked++;
    if (this.idle && this.#leavesAtOnce) queueMicrotask(() => this.leave());
  }

  leave(): void {
    this.slots = null;
    this.#memory.release(this);
  }
}

const demand: Demand = { weightBytes: 100, slotBytes: 10, slots: 8 };

describe('[GEN16] model memory', () => {
  it('grants as many slots as fit, and makes idle models give way, the least recently used first', async () => {
    const memory = new MemoryBudget(400);
    const [a, b, c] = [new Model(memory, 2), new Model(memory, 1), new Model(memory, 3)];
    expect([a.claim(), b.claim()]).toEqual([8, 8]);
    a.idle = false;
    expect(c.claim()).toBeNull();
    await eventually(() => expect(c.slots).toBe(8));
    expect([a.asked, b.asked]).toEqual([0, 1]);
    expect(memory.bytesOf(b)).toBe(0);
    c.leave();
    expect(b.claim({ ...demand, weightBytes: 190 })).toBe(3);
  });

  it('serves requests in order: busy models make way when they have written their drafts', () => {
    const memory = new MemoryBudget(200);
    const [a, b, c] = [new Model(memory, 1), new Model(memory), new Model(memory)];
    expect(a.claim()).toBe(8);
    a.idle = false;
    expect([b.claim(), c.claim()]).toEqual([null, null]);
    expect(a.asked).toBe(1);
    a.leave();
    expect([b.slots, c.slots]).toEqual([8, null]);
    a.claim();
    b.leave();
    expect([c.slots, a.slots]).toEqual([8, null]);
    a.leave();
    c.leave();
    expect(memory.bytesOf(a)).toBe(0);
  });

  it('waits for models that leave, and gives the only model a slot whatever its size', () => {
    const memory = new MemoryBudget(150);
    const [slow, first] = [new Model(memory, 0, false), new Model(memory)];
    slow.claim();
    expect(first.claim()).toBeNull();
    expect(slow.asked).toBe(1);
    slow.leave();
    expect(first.slots).toBe(5);
    expect(new Model(new MemoryBudget(1)).claim()).toBe(1);
  });
});

const sampling = { ...defaultSampling, temperature: 1, topK: 0, topP: 1, minP: 0, repetitionPenalty: 1, maxTokens: 20 };
const request = (seed: number, maxTokens = 20): GenerationRequest => ({
  messages: [{ role: 'user', content: 'Write.' }],
  sampling: { ...sampling, seed, maxTokens },
});

interface Written {
  text: string;
  end: string;
}

async function write(engine: Engine, id: string, asked: GenerationRequest, cancelAfter = Infinity): Promise<Written> {
  const written: Written = { text: '', end: 'nothing' };
  const cancel = new AbortController();
  for await (const event of engine.admit(id).generate(asked, cancel.signal)) {
    if (event.type === 'tokens') written.text += event.text;
    if (event.type === 'finished') written.end = event.reason;
    if (written.text.length >= cancelAfter) cancel.abort();
  }
  return written;
}

/** Of `models` tiny ones: memory for one that writes so many drafts at a time. */
const memoryForOne = { memoryBytes: 2 ** 20, prefixBytes: 0, slots: 2 };

/** An engine whose models' weights differ; all of them ready, or the first. */
async function engineWith(ids: readonly string[], options: object, ready = ids): Promise<Engine> {
  const folder = await temporaryFolder();
  const models: object[] = [];
  for (const [i, id] of ids.entries()) {
    const path = join(folder, 'models', id);
    await mkdir(path, { recursive: true });
    await writeTinyGguf(join(path, 'tiny.gguf'), { seed: i + 1 });
    models.push(await entryFor(join(path, 'tiny.gguf'), undefined, id));
  }
  const catalogueFile = join(folder, 'models.json');
  await writeFile(catalogueFile, JSON.stringify({ models: [...models, noEncoder] }));
  const engine = await tinyEngine(folder, { catalogueFile, id: ids[0]!, ...options });
  onTestFinished(() => engine[Symbol.asyncDispose]());
  for (const id of ready) await engine.whenReady(id);
  return engine;
}

describe('[GEN16] an engine with little memory', () => {
  const inMemory = (engine: Engine) => engine.load().map(({ modelId }) => modelId);

  it('writes with one model after the other, and the same texts', async () => {
    const engine = await engineWith(['other', TINY], memoryForOne);
    expect(inMemory(engine)).toEqual([TINY]);
    const { text } = await write(engine, 'other', request(1));
    expect(inMemory(engine)).toEqual(['other']);
    await write(engine, TINY, request(1));
    expect(inMemory(engine)).toEqual([TINY]);
    expect(await write(engine, 'other', request(1))).toEqual({ text, end: 'LENGTH' });
  });

  it('[GEN19] lets a draft wait for the model that has the memory, which accepts no more drafts meanwhile', async () => {
    const engine = await engineWith(['other', TINY], memoryForOne);
    const order: string[] = [];
    const note = (what: string) => (written: Written) => void order.push(`${what} ${written.end}`);
    const first = write(engine, TINY, request(1, 200)).then(note('first'));
    const second = write(engine, 'other', request(2)).then(note('second'));
    const third = write(engine, TINY, request(3, 10)).then(note('third'));
    await Promise.all([first, second, third]);
    expect(order).toEqual(['first LENGTH', 'second LENGTH', 'third LENGTH']);
  });

  it('[GEN8][GEN18] a draft that waits for memory can be cancelled, and ends at its time limit', async () => {
    const engine = await engineWith(['other', TINY], memoryForOne);
    using busy = engine.admit(TINY);
    const waiting = request(1);
    const ends = [
      write(engine, 'other', waiting, 0),
      write(engine, 'other', { ...waiting, sampling: { ...sampling, seed: 1, maxSeconds: 0.001 } }),
    ];
    const cancelled = new AbortController();
    const events = engine.admit('other').generate(waiting, cancelled.signal);
    cancelled.abort();
    const seen = [];
    for await (const event of events) seen.push(event);
    expect(seen).toMatchObject([{ type: 'finished', reason: 'CANCELLED', usage: { completionTokens: 0 } }]);
    expect(await ends[1]).toEqual({ text: '', end: 'TIME' });
    busy[Symbol.dispose]();
    expect((await ends[0]!).end).toBe('CANCELLED');
  });

  it('[GEN19] an unused place opens no model', async () => {
    const engine = await engineWith(['other', TINY], memoryForOne);
    const busy = engine.admit(TINY);
    engine.admit('other')[Symbol.dispose]();
    busy[Symbol.dispose]();
    await write(engine, TINY, request(1));
    expect(inMemory(engine)).toEqual([TINY]);
  });

  it.each([
    [2, 4],
    [8, 2],
  ])(
    '[GEN19] %d models take random turns, no draft is lost and each has the text it has alone',
    async (count, seeds) => {
      const ids = [TINY, ...Array.from({ length: count - 1 }, (_, i) => `other-${i}`)];
      const engine = await engineWith(ids, { ...memoryForOne, sleepAfterMs: 1, queue: 64 });
      const pool = ids.flatMap((id) => [5, 30].map((maxTokens) => ({ id, asked: request(7, maxTokens) })));
      const alone: Written[] = [];
      for (const { id, asked } of pool) alone.push(await write(engine, id, asked));
      expect(new Set(alone.map(({ text }) => text)).size).toBeGreaterThan(count);
      for (let seed = 1; seed <= seeds; seed++) {
        const random = randomStream(seed);
        const below = (bound: number) => Math.floor(random() * bound);
        const drafts: Promise<void>[] = [];
        for (let n = 0; n < 10; n++) {
          const which = below(pool.length);
          const { id, asked } = pool[which]!;
          const cancelAfter = below(4) === 0 ? below(3) : Infinity;
          const check = ({ text, end }: Written): void => {
            const told = `${seed}/${n}: ${end}`;
            expect(told).toBe(`${seed}/${n}: ${cancelAfter < Infinity && end === 'CANCELLED' ? end : 'LENGTH'}`);
            if (end === 'LENGTH') expect(text).toBe(alone[which]!.text);
          };
          drafts.push(write(engine, id, asked, cancelAfter).then(check));
          for (let ticks = below(6); ticks > 0; ticks--) await new Promise(setImmediate);
          if (below(3) === 0) await Promise.race(drafts);
        }
        await Promise.all(drafts);
      }
    },
  );

  it('[GEN19] can be disposed while a model waits for memory, and its drafts can be resumed', async () => {
    const engine = await engineWith([TINY, 'other'], memoryForOne, []);
    const busy = engine.admit(TINY);
    const statuses = () => engine.models().map(({ status }) => status);
    await eventually(() => expect(statuses()).toContain('COMPILING'));
    await engine[Symbol.asyncDispose]();
    const late = busy.generate(request(1), new AbortController().signal);
    await expect(late[Symbol.asyncIterator]().next()).rejects.toThrow(ServiceUnavailableError);
  });

  it('unloads a model that was opened at the start and never needed', async () => {
    const engine = await engineWith(['other', TINY], { sleepAfterMs: 1 });
    await eventually(() => expect(engine.load()).toEqual([]));
  });

  it('unloads an idle model, and opens it again', async () => {
    const engine = await engineWith(['other', TINY], { sleepAfterMs: 1 });
    const { text } = await write(engine, TINY, request(1));
    await eventually(() => expect(inMemory(engine)).not.toContain(TINY));
    expect(engine.models().find(({ id }) => id === TINY)?.status).toBe('READY');
    expect((await write(engine, TINY, request(1))).text).toBe(text);
  });
});
