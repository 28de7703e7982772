import type { CompiledModel, ModelShape } from './compile/compile.ts';
import { ExportDecoder } from './export-decoder.ts';
import { allocate, type Memory } from './ort/memory.ts';
import { Binding, Session, type Device } from './ort/session.ts';
import { Tensor } from './ort/tensor.ts';

export interface DecoderRow {
  slot: number;
  token: number;
  /** Tokens already in the slot: where this one goes. */
  position: number;
}

/** A model with its key–value cache: `slots` texts of up to `capacity` tokens, each row independent of the others. */
export interface Decoder extends AsyncDisposable {
  readonly shape: ModelShape;
  readonly slots: number;
  readonly capacity: number;
  /**
   * Takes prompt tokens into `slot` from `position` on.
   * @returns the logits after the last token // [vocab], valid until the next call
   */
  prefill(slot: number, tokens: readonly number[], position: number, signal?: AbortSignal): Promise<Float32Array>;
  /** Takes one token per row. Rows' slots must differ. @returns logits // [rows, vocab], valid until the next call */
  decode(rows: readonly DecoderRow[], signal?: AbortSignal): Promise<Float32Array>;
}

export interface DecoderOptions {
  model: Pick<CompiledModel, 'graphPath' | 'shape'>;
  threads: number;
  /** What the model was compiled for; the CPU unless told. */
  device?: Device;
  slots: number;
  /** Tokens a slot can hold; at most the model's context. */
  capacity: number;
}

/** Prompt tokens in one run: bounds activations, and how long an abort may take. */
const CHUNK = 256;

/** @throws OrtError when the graph cannot be loaded */
export async function openDecoder({ model, threads, device, slots, capacity }: DecoderOptions): Promise<Decoder> {
  const session = await Session.open(model.graphPath, { threads, ...(device && { device }) });
  const { shape } = model;
  const tokens = Math.min(capacity, shape.contextTokens);
  try {
    if (shape.exported) return new ExportDecoder(session, shape, shape.exported, slots, tokens);
    return new OrtDecoder(session, shape, slots, tokens);
  } catch (error) {
    session[Symbol.dispose]();
    throw error;
  }
}

class OrtDecoder implements Decoder {
  readonly shape: ModelShape;
  readonly slots: number;
  readonly capacity: number;
  readonly #session: Session;
  /** Per layer, keys then values, each [slots, kv_heads, capacity, head_dim]: read and written in place by every run. */
  readonly #cache: readonly Memory[];
  readonly #logits: Float32Array;
  readonly #bindings = new Map<string, BoundRun>();
  #last: Promise<unknown> = Promise.resolve();

  constructor(session: Session, shape: ModelShape, slots: number, capacity: number) {
    this.shape = shape;
    this.slots = slots;
    this.capacity = capacity;
    this.#session = session;
    const { layers, kvHeads, headDim, vocabulary, cacheType } = shape;
    const size = slots * kvHeads * capacity * headDim;
    this.#cache = Array.from({ length: 2 * layers }, () => allocate(session, cacheType, size));
    this.#logits = new Float32Array(slots * vocabulary);
  }

  prefill(slot: number, tokens: readonly number[], position: number, signal?: AbortSignal): Promise<Float32Array> {
    return this.#inTurn(async () => {
      this.#check(slot, position, tokens.length);
      for (let from = 0; from < tokens.length; from += CHUNK) {
        const chunk = tokens.slice(from, from + CHUNK);
        const run = this.#bind(slot, 1, chunk.length);
        run.ids.set(chunk.map(BigInt));
        run.lengths[0] = position + from + chunk.length - 1;
        run.total[0] = position + from + chunk.length;
        await run.binding.run(signal);
      }
      return this.#logitsOf(slot, 1);
    });
  }

  decode(rows: readonly DecoderRow[], signal?: AbortSignal): Promise<Float32Array> {
    return this.#inTurn(async () => {
      const { vocabulary } = this.shape;
      const out = new Float32Array(rows.length === 1 ? 0 : rows.length * vocabulary);
      for (const group of contiguousSlots(rows)) {
        await this.#decodeGroup(group, signal);
        for (const row of rows.length === 1 ? [] : group)
          out.set(this.#logitsOf(row.slot, 1), rows.indexOf(row) * vocabulary);
      }
      return rows[0] && rows.length === 1 ? this.#logitsOf(rows[0].slot, 1) : out;
    });
  }

  async #decodeGroup(group: readonly DecoderRow[], signal: AbortSignal | undefined): Promise<void> {
    const first = group[0]?.slot ?? 0;
    const run = this.#bind(first, group.length, 1);
    group.forEach(({ slot, token, position }, i) => {
      this.#check(slot, position, 1);
      run.ids[i] = BigInt(token);
      run.lengths[i] = position;
    });
    run.total[0] = Math.max(...group.map((row) => row.position)) + 1;
    await run.binding.run(signal);
  }

  #check(slot: number, position: number, count: number): void {
    if (slot < 0 || slot >= this.slots) throw new RangeError(`there is no slot ${slot} of ${this.slots}`);
    if (count >= 1 && position >= 0 && position + count <= this.capacity) return;
    throw new RangeError(`${count} tokens at ${position} do not fit a slot of ${this.capacity}`);
  }

  #logitsOf(slot: number, rows: number): Float32Array {
    return this.#logits.subarray(slot * this.shape.vocabulary, (slot + rows) * this.shape.vocabulary);
  }

  /** Runs share cache and logits, so they take turns. */
  #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const turn = this.#last.then(work, work);
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  /** Pointers to everything a run of this form touches, kept: a decode step resolves none of them again. */
  #bind(slot: number, batch: number, length: number): BoundRun {
    const key = `${slot}:${batch}:${length}`;
    const known = this.#bindings.get(key);
    if (known) return known;
    const bound = this.#makeBinding(slot, batch, length);
    // Prompts have any length up to a chunk; a map that kept every form would only grow.
    if (length > 1 && length !== CHUNK) this.#forgetOddLengths();
    this.#bindings.set(key, bound);
    return bound;
  }

  #forgetOddLengths(): void {
    for (const [key, bound] of this.#bindings) {
      if (bound.ids.length === bound.lengths.length || bound.ids.length === CHUNK) continue;
      bound[Symbol.dispose]();
      this.#bindings.delete(key);
    }
  }

  #makeBinding(slot: number, batch: number, length: number): BoundRun {
    const { kvHeads, headDim, vocabulary } = this.shape;
    const ids = new Tensor(new BigInt64Array(batch * length), [batch, length]);
    const lengths = new Tensor(new Int32Array(batch), [batch]);
    const total = new Tensor(new Int32Array(1), []);
    const logits = new Tensor(this.#logitsOf(slot, batch), [batch, vocabulary]);
    const slotSize = kvHeads * this.capacity * headDim;
    const caches = this.#cache.map((part) => part.view(slot * slotSize, [batch, kvHeads, this.capacity, headDim]));
    const named = (prefix: string) =>
      Object.fromEntries(caches.map((tensor, i) => [`${prefix}.${i >> 1}.${i & 1 ? 'value' : 'key'}`, tensor]));
    const inputs = { input_ids: ids, seqlens_k: lengths, total_sequence_length: total, ...named('past_key_values') };
    const binding = new Binding(this.#session, inputs, { logits, ...named('present') });
    return new BoundRun(binding, ids, lengths, total, [logits, ...caches]);
  }

  /** Waits for the run that is under way, then releases everything. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#last;
    for (const bound of this.#bindings.values()) bound[Symbol.dispose]();
    this.#bindings.clear();
    for (const part of this.#cache) part[Symbol.dispose]();
    this.#session[Symbol.dispose]();
  }
}

class BoundRun implements Disposable {
  readonly binding: Binding;
  /** [batch, length] */
  readonly ids: BigInt64Array;
  /** [batch] */
  readonly lengths: Int32Array;
  readonly total: Int32Array;
  readonly #owned: Disposable[];

  constructor(
    binding: Binding,
    ids: Tensor<BigInt64Array>,
    lengths: Tensor<Int32Array>,
    total: Tensor<Int32Array>,
    others: Disposable[],
  ) {
    this.binding = binding;
    this.ids = ids.data;
    this.lengths = lengths.data;
    this.total = total.data;
    this.#owned = [binding, ids, lengths, total, ...others];
  }

  [Symbol.dispose](): void {
    for (const owned of this.#owned) owned[Symbol.dispose]();
  }
}

/** A batch is a contiguous piece of the cache: rows in other slots run on their own. */
function contiguousSlots(rows: readonly DecoderRow[]): DecoderRow[][] {
  const groups: DecoderRow[][] = [];
  for (const row of [...rows].sort((a, b) => a.slot - b.slot)) {
    const last = groups.at(-1);
    if (last?.at(-1)?.slot === row.slot - 1) last.push(row);
    else groups.push([row]);
  }
  return groups;
}
