import type { ExportedGraph, ModelShape } from '../compile/compile.ts';
import { type Elements, emptyElements } from '../ort/memory.ts';
import { Binding, type Session } from '../ort/session.ts';
import { Tensor } from '../ort/tensor.ts';
import type { Decoder, DecoderRow, Prediction } from './decoder.ts';
import { kvCacheBytes, type Prefix } from './kv-cache.ts';

/**
 * Maximum number of prompt tokens in one run. An export returns the logits of all of them, which takes much memory with
 * a large vocabulary.
 */
const PIECE = 64;

/**
 * The cache of one text: for each layer keys, then values, each [kv_heads, length, head_dim] at the start of a buffer.
 */
interface Slot {
  parts: readonly Elements[];
  length: number;
}

/**
 * Runs a graph in Hugging Face's layout, whose cache is a past that every run returns with the new tokens appended. The
 * present is written into a spare set of buffers, which is then swapped with the slot's own, so an aborted run leaves
 * the slot unchanged. Rows run one after the other, so that no row's bits depend on another's ([GEN2]).
 */
export class ExportedDecoder implements Decoder {
  readonly shape: ModelShape;
  readonly slots: number;
  readonly capacity: number;
  readonly bytesPerToken: number;
  readonly #session: Session;
  readonly #graph: ExportedGraph;
  readonly #cache: Slot[];
  #spare: readonly Elements[];
  #last: Promise<unknown> = Promise.resolve();

  constructor(session: Session, shape: ModelShape, graph: ExportedGraph, slots: number, capacity: number) {
    this.shape = shape;
    this.slots = slots;
    this.capacity = capacity;
    this.bytesPerToken = kvCacheBytes(shape, 1, 1);
    this.#session = session;
    this.#graph = graph;
    const elements = shape.kvHeads * capacity * shape.headDim;
    const parts = () => Array.from({ length: 2 * shape.layers }, () => emptyElements(shape.cacheType, elements));
    this.#cache = Array.from({ length: slots }, () => ({ parts: parts(), length: 0 }));
    this.#spare = parts();
  }

  prefill(slot: number, tokens: readonly number[], position: number, signal?: AbortSignal): Promise<Prediction> {
    return this.#inTurn(async () => {
      let logits: Float32Array = new Float32Array(0);
      let at = position;
      for (const length of pieces(tokens.length, this.#graph.mixesRows ? 1 : PIECE)) {
        logits = await this.#run(slot, tokens.slice(at - position, at - position + length), at, signal);
        at += length;
      }
      return { logits, peak: null };
    });
  }

  decode(rows: readonly DecoderRow[], signal?: AbortSignal): Promise<readonly Prediction[]> {
    return this.#inTurn(async () => {
      const predictions: Prediction[] = [];
      for (const { slot, token, position } of rows)
        predictions.push({ logits: await this.#run(slot, [token], position, signal), peak: null });
      return predictions;
    });
  }

  copy(from: number, to: number, length: number): void {
    this.restore(this.save(from, length), to, length);
  }

  save(slot: number, length: number): Prefix {
    const { parts, length: held } = this.#slot(slot);
    const run = length * this.shape.headDim;
    const runs: Elements[] = [];
    this.#eachHead(parts, (part, head) => {
      const start = head * held * this.shape.headDim;
      runs.push(part.slice(start, start + run));
    });
    return { length, bytes: runs.reduce((sum, { byteLength }) => sum + byteLength, 0), runs };
  }

  restore(prefix: Prefix, slot: number, length: number): void {
    const into = this.#slot(slot);
    const run = length * this.shape.headDim;
    this.#eachHead(into.parts, (part, head, i) => {
      part.set(prefix.runs[i]?.subarray(0, run) ?? [], head * run);
    });
    into.length = length;
  }

  #eachHead(parts: readonly Elements[], visit: (part: Elements, head: number, index: number) => void): void {
    const { kvHeads } = this.shape;
    parts.forEach((part, p) => {
      for (let head = 0; head < kvHeads; head++) visit(part, head, p * kvHeads + head);
    });
  }

  /** @returns the logits after the last token // [vocab] */
  async #run(slot: number, tokens: readonly number[], position: number, signal?: AbortSignal): Promise<Float32Array> {
    const text = this.#slot(slot);
    this.#check(text, position, tokens.length);
    this.#shorten(text, position);
    const { vocabulary } = this.shape;
    const total = position + tokens.length;
    const logits = new Float32Array(tokens.length * vocabulary);
    const positions = tokens.map((_, i) => BigInt(position + i));
    using tensors = new DisposableTensors();
    const past = this.#named(tensors, 'past_key_values', text.parts, position);
    const inputs = {
      input_ids: tensors.add(BigInt64Array.from(tokens, BigInt), [1, tokens.length]),
      attention_mask: tensors.add(new BigInt64Array(total).fill(1n), [1, total]),
      ...(this.#graph.positionIds && { position_ids: tensors.add(BigInt64Array.from(positions), [1, tokens.length]) }),
      ...past,
    };
    const present = this.#named(tensors, 'present', this.#spare, total);
    const outputs = { logits: tensors.add(logits, [1, tokens.length, vocabulary]), ...present };
    using binding = new Binding(this.#session, inputs, outputs);
    await binding.run(signal);
    [text.parts, this.#spare] = [this.#spare, text.parts];
    text.length = total;
    return logits.subarray((tokens.length - 1) * vocabulary);
  }

  #named(tensors: DisposableTensors, prefix: string, parts: readonly Elements[], length: number) {
    const { kvHeads, headDim } = this.shape;
    const dims = [1, kvHeads, length, headDim];
    return Object.fromEntries(
      parts.map((part, i) => {
        const name = `${prefix}.${i >> 1}.${i & 1 ? 'value' : 'key'}`;
        return [name, tensors.add(part.subarray(0, kvHeads * length * headDim), dims)];
      }),
    );
  }

  /** Discards a slot's tokens from `length` on. */
  #shorten(text: Slot, length: number): void {
    const { headDim } = this.shape;
    if (length === text.length) return;
    const [held, run] = [text.length * headDim, length * headDim];
    this.#eachHead(text.parts, (part, head) => part.copyWithin(head * run, head * held, head * held + run));
    text.length = length;
  }

  #slot(slot: number): Slot {
    const found = this.#cache[slot];
    if (!found) throw new RangeError(`there is no slot ${slot} of ${this.slots}`);
    return found;
  }

  #check({ length }: Slot, position: number, count: number): void {
    if (position < 0 || position > length)
      throw new RangeError(`a slot of ${length} tokens cannot continue at ${position}`);
    if (count < 1 || position + count > this.capacity)
      throw new RangeError(`${count} tokens at ${position} do not fit a slot of ${this.capacity}`);
  }

  /** Runs share the spare buffers, so they take turns. */
  #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const turn = this.#last.then(work, work);
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  /** Waits for the current run, then releases everything. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#last;
    this.#session[Symbol.dispose]();
  }
}

/** The tensors of one run, released together. */
class DisposableTensors implements Disposable {
  readonly #tensors: Tensor[] = [];

  add(data: ConstructorParameters<typeof Tensor>[0], dims: readonly number[]): Tensor {
    const tensor = new Tensor(data, dims);
    this.#tensors.push(tensor);
    return tensor;
  }

  [Symbol.dispose](): void {
    for (const tensor of this.#tensors) tensor[Symbol.dispose]();
  }
}

/**
 * Lengths of at most `most` that add up to `total`. The last one is not 1, because a single token is computed by
 * another path.
 */
function pieces(total: number, most: number): number[] {
  const lengths: number[] = [];
  for (let left = total; left > 0; left -= lengths.at(-1) ?? left) {
    lengths.push(most > 2 && left === most + 1 ? most - 1 : Math.min(most, left));
  }
  return lengths;
}
