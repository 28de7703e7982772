import type { ModelShape } from '../compile/compile.ts';
import type { Session } from '../ort/session.ts';
import { Binding, type Value } from '../ort/session.ts';
import { Tensor } from '../ort/tensor.ts';
import type { Decoder, DecoderRow, Prediction } from './decoder.ts';
import { KvCache, kvCacheBytes, type Prefix } from './kv-cache.ts';

/**
 * A batch is a contiguous part of the cache. Up to this many unused slots between two rows are computed as well and
 * ignored: such a row costs about a sixth of a run of its own, because every run reads all the weights.
 */
const WIDEST_GAP = 4;

export class CompiledDecoder implements Decoder {
  readonly shape: ModelShape;
  readonly slots: number;
  readonly capacity: number;
  readonly bytesPerToken: number;
  readonly #session: Session;
  readonly #cache: KvCache;
  readonly #logits: Float32Array; // [slots, vocab]
  readonly #peaks: Float32Array; // [slots]
  /** The number of valid tokens in each slot. An unused row that is computed writes after them. */
  readonly #filled: Int32Array; // [slots]
  /** Decode runs by `slot:batch`, so that a step does not resolve pointers again. */
  readonly #decodeRuns = new Map<string, Run>();
  /** Whether every row, and every token of a prompt, runs by itself. */
  runsApart = false;
  #last: Promise<unknown> = Promise.resolve();

  constructor(session: Session, shape: ModelShape, slots: number, capacity: number) {
    this.shape = shape;
    this.slots = slots;
    this.capacity = capacity;
    this.bytesPerToken = kvCacheBytes(shape, 1, 1);
    this.#session = session;
    this.#cache = new KvCache(session, shape, slots, capacity);
    this.#logits = new Float32Array(slots * shape.vocabulary);
    this.#peaks = new Float32Array(slots);
    this.#filled = new Int32Array(slots);
  }

  prefill(slot: number, tokens: readonly number[], position: number, signal?: AbortSignal): Promise<Prediction> {
    return this.#inTurn(async () => {
      this.#check(slot, position, tokens.length);
      if (this.runsApart) await this.#prefillOneByOne(slot, tokens, position, signal);
      else await this.#prefillPiece(slot, tokens, position, signal);
      return this.#predictionOf(slot);
    });
  }

  decode(rows: readonly DecoderRow[], signal?: AbortSignal): Promise<readonly Prediction[]> {
    return this.#inTurn(async () => {
      for (const { slot, position } of rows) this.#check(slot, position, 1);
      const sorted = [...rows].sort((a, b) => a.slot - b.slot);
      const groups = this.runsApart ? rows.map((row) => [row]) : neighbours(sorted);
      for (const group of groups) await this.#decodeGroup(group, signal);
      return rows.map(({ slot }) => this.#predictionOf(slot));
    });
  }

  copy(from: number, to: number, length: number): void {
    this.#cache.copy(from, to, length);
    this.#filled[to] = length;
  }

  save(slot: number, length: number): Prefix {
    return this.#cache.save(slot, length);
  }

  restore(prefix: Prefix, slot: number, length: number): void {
    this.#cache.restore(prefix, slot, length);
    this.#filled[slot] = length;
  }

  async #prefillPiece(slot: number, tokens: readonly number[], position: number, signal?: AbortSignal): Promise<void> {
    using run = this.#makeRun(slot, 1, tokens.length);
    tokens.forEach((token, i) => run.set(i, token));
    run.lengths[0] = position + tokens.length - 1;
    run.total[0] = position + tokens.length;
    // Set before the run, because an aborted run leaves the slot in an intermediate state that nobody reads.
    this.#filled[slot] = position + tokens.length;
    await run.binding.run(signal);
  }

  async #prefillOneByOne(
    slot: number,
    tokens: readonly number[],
    position: number,
    signal?: AbortSignal,
  ): Promise<void> {
    for (const [i, token] of tokens.entries())
      await this.#decodeGroup([{ slot, token, position: position + i }], signal);
  }

  async #decodeGroup(group: readonly DecoderRow[], signal: AbortSignal | undefined): Promise<void> {
    const first = group[0]?.slot ?? 0;
    const run = this.#decodeRun(first, (group.at(-1)?.slot ?? first) - first + 1);
    for (let i = 0; i < run.lengths.length; i++) {
      run.set(i, 0);
      // Writes after the slot's valid tokens. A full slot has no such position, but its last one is never read again.
      run.lengths[i] = Math.min(this.#filled[first + i] ?? 0, this.capacity - 1);
    }
    for (const { slot, token, position } of group) {
      run.set(slot - first, token);
      run.lengths[slot - first] = position;
      this.#filled[slot] = position + 1;
    }
    run.total[0] = Math.max(...run.lengths) + 1;
    await run.binding.run(signal);
  }

  #check(slot: number, position: number, count: number): void {
    if (slot < 0 || slot >= this.slots) throw new RangeError(`there is no slot ${slot} of ${this.slots}`);
    if (count >= 1 && position >= 0 && position + count <= this.capacity) return;
    throw new RangeError(`${count} tokens at ${position} do not fit a slot of ${this.capacity}`);
  }

  #predictionOf(slot: number): Prediction {
    return { logits: this.#logitsOf(slot, 1), peak: this.#peaks[slot] ?? null };
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

  #decodeRun(slot: number, batch: number): Run {
    const key = `${slot}:${batch}`;
    const known = this.#decodeRuns.get(key);
    if (known) return known;
    const made = this.#makeRun(slot, batch, 1);
    this.#decodeRuns.set(key, made);
    return made;
  }

  #makeRun(slot: number, batch: number, length: number): Run {
    const results = { logits: this.#logitsOf(slot, batch), peaks: this.#peaks.subarray(slot, slot + batch) };
    return new Run(this.#session, this.#cache.view(slot, batch), results, { batch, length });
  }

  /** Waits for the current run, then releases everything. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#last;
    for (const run of this.#decodeRuns.values()) run[Symbol.dispose]();
    this.#decodeRuns.clear();
    this.#cache[Symbol.dispose]();
    this.#session[Symbol.dispose]();
  }
}

/** Everything that one form of run uses, resolved to pointers. */
class Run implements Disposable {
  readonly binding: Binding;
  /** For each row, the number of tokens after the run, minus one. */
  readonly lengths: Int32Array; // [batch]
  /** Number of tokens of the longest row. */
  readonly total: Int32Array; // []
  readonly #ids: BigInt64Array; // [batch, length]
  readonly #owned: readonly Disposable[];

  constructor(
    session: Session,
    cache: readonly Value[],
    results: { logits: Float32Array; peaks: Float32Array },
    { batch, length }: { batch: number; length: number },
  ) {
    const ids = new Tensor(new BigInt64Array(batch * length), [batch, length]);
    const lengths = new Tensor(new Int32Array(batch), [batch]);
    const total = new Tensor(new Int32Array(1), []);
    const logits = new Tensor(results.logits, [batch, results.logits.length / batch]);
    const peak = new Tensor(results.peaks, [batch, 1]);
    const named = (prefix: string) =>
      Object.fromEntries(cache.map((tensor, i) => [`${prefix}.${i >> 1}.${i & 1 ? 'value' : 'key'}`, tensor]));
    const inputs = { input_ids: ids, seqlens_k: lengths, total_sequence_length: total, ...named('past_key_values') };
    this.binding = new Binding(session, inputs, { logits, peak, ...named('present') });
    this.lengths = lengths.data;
    this.total = total.data;
    this.#ids = ids.data;
    this.#owned = [this.binding, ids, lengths, total, logits, peak];
  }

  set(position: number, token: number): void {
    this.#ids[position] = BigInt(token);
  }

  [Symbol.dispose](): void {
    for (const owned of this.#owned) owned[Symbol.dispose]();
  }
}

function neighbours(sorted: readonly DecoderRow[]): DecoderRow[][] {
  const groups: DecoderRow[][] = [];
  for (const row of sorted) {
    const last = groups.at(-1);
    if (last && row.slot - (last.at(-1)?.slot ?? 0) <= WIDEST_GAP + 1) last.push(row);
    else groups.push([row]);
  }
  return groups;
}
