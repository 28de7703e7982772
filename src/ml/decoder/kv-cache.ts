import type { ModelShape } from '../compile/compile.ts';
import { allocate, type Elements, type Memory } from '../ort/memory.ts';
import type { Session, Value } from '../ort/session.ts';

/** Keys and values of the first tokens of a text, copied out of a slot. */
export interface Prefix {
  readonly length: number;
  readonly bytes: number;
  /** In the decoder's own order. */
  readonly runs: readonly Elements[];
}

/**
 * Keys and values of `slots` texts of up to `capacity` tokens: for each layer and part one buffer of [slots, kv_heads,
 * capacity, head_dim] in the device's memory, which every run reads and writes in place.
 */
export class KvCache implements Disposable {
  readonly #heads: number;
  readonly #headDim: number;
  readonly #capacity: number;
  readonly #parts: readonly Memory[];
  readonly #views = new Map<string, readonly (Value & Disposable)[]>();

  constructor(session: Session, { layers, kvHeads, headDim, cacheType }: ModelShape, slots: number, capacity: number) {
    this.#heads = kvHeads;
    this.#headDim = headDim;
    this.#capacity = capacity;
    const size = slots * kvHeads * capacity * headDim;
    this.#parts = Array.from({ length: 2 * layers }, () => allocate(session, cacheType, size));
  }

  /** The tensors of neighbouring slots, layer by layer, keys before values. The cache keeps ownership of them. */
  view(slot: number, batch: number): readonly Value[] {
    const key = `${slot}:${batch}`;
    const known = this.#views.get(key);
    if (known) return known;
    const dims = [batch, this.#heads, this.#capacity, this.#headDim];
    const made = this.#parts.map((part) => part.view(this.#offset(slot, 0), dims));
    this.#views.set(key, made);
    return made;
  }

  /** Copies the first `length` tokens of one slot to another. */
  copy(from: number, to: number, length: number): void {
    for (const { part, head } of this.#runs()) {
      part.copyWithin(this.#offset(to, head), this.#offset(from, head), length * this.#headDim);
    }
  }

  save(slot: number, length: number): Prefix {
    const runs = [...this.#runs()].map(({ part, head }) => part.read(this.#offset(slot, head), length * this.#headDim));
    return { length, bytes: runs.reduce((sum, { byteLength }) => sum + byteLength, 0), runs };
  }

  /** Copies the first `length` tokens of a prefix into a slot. */
  restore(prefix: Prefix, slot: number, length: number): void {
    let i = 0;
    for (const { part, head } of this.#runs()) {
      const run = prefix.runs[i++];
      if (run) part.write(this.#offset(slot, head), run.subarray(0, length * this.#headDim));
    }
  }

  /** The session must still exist. */
  [Symbol.dispose](): void {
    for (const tensors of this.#views.values()) for (const tensor of tensors) tensor[Symbol.dispose]();
    this.#views.clear();
    for (const part of this.#parts) part[Symbol.dispose]();
  }

  *#runs(): Iterable<{ part: Memory; head: number }> {
    for (const part of this.#parts) for (let head = 0; head < this.#heads; head++) yield { part, head };
  }

  #offset(slot: number, head: number): number {
    return (slot * this.#heads + head) * this.#capacity * this.#headDim;
  }
}

/** Maximum memory of `slots` texts of `capacity` tokens, in bytes. */
export function kvCacheBytes(
  { layers, kvHeads, headDim, cacheType }: ModelShape,
  slots: number,
  capacity: number,
): number {
  return slots * capacity * 2 * layers * kvHeads * headDim * (cacheType === 'float16' ? 2 : 4);
}
