import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { OverloadedError } from '../../src/lib/errors.ts';
import { defaultSampling, type Engine, type GenerationRequest } from '../../src/ml/engine.ts';
import { ModelMemory, type Tenant } from '../../src/ml/model-memory.ts';
import { temporaryFolder } from '../support/folder.ts';
import { entryFor, TINY, tinyEngine, writeTinyCatalogue } from '../support/tiny-engine.ts';
import { writeFile } from 'node:fs/promises';

class Model implements Tenant {
  readonly name: string;
  idle = true;
  usedAt: number;
  slept = 0;

  constructor(name: string, usedAt = 0) {
    this.name = name;
    this.usedAt = usedAt;
  }

  sleep(): Promise<void> {
    this.slept++;
    return Promise.resolve();
  }
}

const demand = { weightBytes: 100, slotBytes: 10, slots: 8 };

describe('[GEN16] model memory', () => {
  it('gives slots as there is room for, and puts idle models to sleep for more, the least recently used first', () => {
    const memory = new ModelMemory(400);
    const [a, b, c] = [new Model('a', 2), new Model('b', 1), new Model('c', 3)];
    expect(memory.claim(a, demand).slots).toBe(8);
    expect(memory.claim(b, demand).slots).toBe(8);
    a.idle = false;
    expect(memory.claim(c, demand).slots).toBe(8);
    expect([a.slept, b.slept]).toEqual([0, 1]);
    expect(memory.bytesOf(b)).toBe(0);
    c.idle = false;
    expect(() => memory.claim(b, demand)).toThrow(OverloadedError);
    memory.release(c);
    expect(memory.claim(b, { ...demand, weightBytes: 190 }).slots).toBe(3);
  });

  it('waits for those that leave, and lets a model that is alone have a slot whatever it takes', async () => {
    const memory = new ModelMemory(150);
    const first = new Model('first');
    let leave = (): void => undefined;
    const leaving = new Promise<void>((resolve) => (leave = resolve));
    const slow: Tenant = { name: 'slow', idle: true, usedAt: 0, sleep: () => leaving };
    memory.claim(slow, demand);
    let free = false;
    const claim = memory.claim(first, demand);
    void claim.free.then(() => (free = true));
    await Promise.resolve();
    expect(free).toBe(false);
    leave();
    await claim.free;
    expect(new ModelMemory(1).claim(first, demand).slots).toBe(1);
  });
});

describe('[GEN16] an engine with little memory', () => {
  const sampling = {
    ...defaultSampling,
    temperature: 1,
    topK: 0,
    topP: 1,
    minP: 0,
    repetitionPenalty: 1,
    maxTokens: 20,
    seed: 1,
    stop: [],
  };
  const request: GenerationRequest = { messages: [{ role: 'user', content: 'Write.' }], sampling };

  async function textOf(engine: Engine, id: string): Promise<string> {
    let text = '';
    for await (const event of engine.admit(id).generate(request, new AbortController().signal)) {
      if (event.type === 'tokens') text += event.text;
    }
    return text;
  }

  async function twoModels(options: object): Promise<Engine> {
    const folder = await temporaryFolder();
    await writeTinyCatalogue(folder);
    const source = join(folder, 'source.gguf');
    const catalogueFile = join(folder, 'models.json');
    await writeFile(catalogueFile, JSON.stringify({ models: [await entryFor(source)] }));
    const first = await tinyEngine(folder, { catalogueFile });
    await first[Symbol.asyncDispose]();
    await writeFile(
      catalogueFile,
      JSON.stringify({ models: [await entryFor(source, undefined, 'other'), await entryFor(source)] }),
    );
    const engine = await tinyEngine(folder, { catalogueFile, ...options });
    onTestFinished(() => engine[Symbol.asyncDispose]());
    return engine;
  }

  it('writes with one model after the other, and the same', async () => {
    const engine = await twoModels({ memoryBytes: 2 ** 20, prefixBytes: 0, slots: 2 });
    const inMemory = () => engine.load().map(({ modelId }) => modelId);
    expect(inMemory()).toEqual([TINY]);
    const text = await textOf(engine, 'other');
    expect(inMemory()).toEqual(['other']);
    expect(await textOf(engine, TINY)).toBe(text);
    const ticket = engine.admit(TINY);
    expect(() => engine.admit('other')).toThrow(/no memory for Tiny/);
    ticket[Symbol.dispose]();
  });

  it('lets a model sleep that was opened at the start and never needed', async () => {
    const engine = await twoModels({ sleepAfterMs: 1 });
    await vi.waitFor(() => expect(engine.load()).toEqual([]));
  });

  it('lets a model sleep that nobody needs, and wakes it', async () => {
    const engine = await twoModels({ sleepAfterMs: 1 });
    const text = await textOf(engine, TINY);
    await vi.waitFor(() => expect(engine.load().map(({ modelId }) => modelId)).not.toContain(TINY));
    expect(engine.models().find(({ id }) => id === TINY)?.status).toBe('READY');
    expect(await textOf(engine, TINY)).toBe(text);
  });
});
