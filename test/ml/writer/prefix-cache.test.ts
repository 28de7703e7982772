import { describe, expect, it } from 'vitest';
import type { Prefix } from '../../../src/ml/decoder/kv-cache.ts';
import { PrefixCache } from '../../../src/ml/writer/scheduler/prefix-cache.ts';

const BYTES = 4;
const upTo = (length: number, from = 0): number[] => Array.from({ length }, (_, i) => from + i);
const prefix = (length: number): Prefix => ({ length, bytes: length * BYTES, runs: [] });

function add(cache: PrefixCache, prompt: number[]): Prefix | null {
  let saved: Prefix | null = null;
  cache.add(prompt, BYTES, () => (saved = prefix(prompt.length)));
  return saved;
}

describe('prefix cache', () => {
  it('finds the longest common beginning, and leaves at least two tokens to process', () => {
    const cache = new PrefixCache(10_000);
    const short = add(cache, [...upTo(20), 99]);
    const long = add(cache, [...upTo(30), 98]);
    expect(cache.find([...upTo(25), 7, 7, 7])).toEqual({ prefix: long, length: 25 });
    expect(cache.find(upTo(30))).toEqual({ prefix: long, length: 28 });
    expect(cache.find([...upTo(20), 99, 1, 2])).toEqual({ prefix: short, length: 21 });
    expect(cache.find(upTo(17))).toBeNull();
    expect(cache.find([5, ...upTo(40)])).toBeNull();
    expect(cache).toMatchObject({ lookups: 5, hits: 3, tokensSaved: 25 + 28 + 21 });
  });

  it('keeps a prompt once: not if another covers it, and instead of one that it covers', () => {
    const cache = new PrefixCache(10_000);
    add(cache, upTo(20));
    add(cache, upTo(40));
    expect(cache.bytes).toBe(40 * BYTES);
    expect(add(cache, upTo(30))).toBeNull();
    expect(cache.bytes).toBe(40 * BYTES);
  });

  it('evicts the least recently used beyond its budget, and keeps nothing that does not fit', () => {
    const cache = new PrefixCache(60 * BYTES);
    const [first, second, third] = [upTo(25), upTo(25, 100), upTo(25, 200)];
    add(cache, first);
    add(cache, second);
    cache.find([...first, 1, 2]);
    add(cache, third);
    expect(cache.find([...second, 1, 2])).toBeNull();
    expect(cache.find([...first, 1, 2])?.length).toBe(25);
    expect(cache.bytes).toBe(50 * BYTES);
    expect(add(cache, upTo(61, 500))).toBeNull();
    expect(add(new PrefixCache(0), upTo(20))).toBeNull();
  });
});
