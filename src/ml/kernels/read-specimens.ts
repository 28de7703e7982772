import type { CompiledModel } from '../compile/compile.ts';
import { KvCache } from '../decoder/kv-cache.ts';
import { Binding, Session } from '../ort/session.ts';
import { Tensor } from '../ort/tensor.ts';

/** What a graph makes of specimens that are there already. */
export interface SpecimenReading {
  /** The mean log-probability of a token. */
  logprob: number;
  /** The highest magnitude in each channel of the observed values. */
  highest: ReadonlyMap<string, Float32Array>;
}

export interface ReadingOptions {
  model: Pick<CompiledModel, 'graphPath' | 'shape'>;
  /** All of one length. */
  specimens: readonly (readonly number[])[];
  threads: number;
  /** Outputs of the graph that are as wide as its stream. */
  observed?: readonly string[];
}

/** Reads all specimens at once, a token of each at a step, as texts are written. Blocks its thread. */
export async function readSpecimens({
  model,
  specimens,
  threads,
  observed = [],
}: ReadingOptions): Promise<SpecimenReading> {
  const { shape, graphPath } = model;
  const length = specimens[0]?.length ?? 0;
  using session = await Session.open(graphPath, { threads });
  using cache = new KvCache(session, shape, specimens.length, length);
  const highest = new Map(observed.map((name) => [name, new Float32Array(shape.hidden)]));
  using steps = new Steps(session, cache, shape, specimens.length, observed);
  let total = 0;
  for (let position = 0; position < length; position++) {
    steps.run(
      specimens.map((specimen) => specimen[position] ?? 0),
      position,
    );
    for (const [name, most] of highest) keepHighest(most, steps.observed(name));
    specimens.forEach((specimen, row) => {
      const next = specimen[position + 1];
      if (next !== undefined) total += logprobOf(next, steps.logits(row));
    });
  }
  return { logprob: total / (specimens.length * (length - 1)), highest };
}

/** Steps of one token of each row, with rows of equal length. */
class Steps implements Disposable {
  readonly #vocabulary: number;
  readonly #binding: Binding;
  readonly #ids: BigInt64Array;
  readonly #lengths: Int32Array;
  readonly #total: Int32Array;
  readonly #logits: Float32Array;
  readonly #observed: ReadonlyMap<string, Float32Array>;
  readonly #tensors: Tensor[] = [];

  constructor(
    session: Session,
    cache: KvCache,
    { vocabulary, hidden }: CompiledModel['shape'],
    rows: number,
    observed: readonly string[],
  ) {
    this.#vocabulary = vocabulary;
    this.#ids = new BigInt64Array(rows);
    this.#lengths = new Int32Array(rows);
    this.#total = new Int32Array(1);
    this.#logits = new Float32Array(rows * vocabulary);
    this.#observed = new Map(observed.map((name) => [name, new Float32Array(rows * hidden)]));
    const tensor = (...made: ConstructorParameters<typeof Tensor>) => {
      const added = new Tensor(...made);
      this.#tensors.push(added);
      return added;
    };
    const named = (prefix: string) =>
      Object.fromEntries(
        cache.view(0, rows).map((view, i) => [`${prefix}.${i >> 1}.${i & 1 ? 'value' : 'key'}`, view]),
      );
    const inputs = {
      input_ids: tensor(this.#ids, [rows, 1]),
      seqlens_k: tensor(this.#lengths, [rows]),
      total_sequence_length: tensor(this.#total, []),
      ...named('past_key_values'),
    };
    const outputs = { logits: tensor(this.#logits, [rows, vocabulary]), ...named('present') };
    const values = [...this.#observed].map(([name, data]) => [name, tensor(data, [rows, 1, hidden])] as const);
    this.#binding = new Binding(session, inputs, { ...outputs, ...Object.fromEntries(values) });
  }

  run(ids: readonly number[], position: number): void {
    ids.forEach((id, i) => (this.#ids[i] = BigInt(id)));
    this.#lengths.fill(position);
    this.#total[0] = position + 1;
    this.#binding.runBlocking();
  }

  logits(row: number): Float32Array {
    return this.#logits.subarray(row * this.#vocabulary, (row + 1) * this.#vocabulary);
  }

  observed(name: string): Float32Array {
    return this.#observed.get(name) ?? new Float32Array(0);
  }

  [Symbol.dispose](): void {
    this.#binding[Symbol.dispose]();
    for (const tensor of this.#tensors) tensor[Symbol.dispose]();
  }
}

function keepHighest(most: Float32Array, values: Float32Array): void {
  for (let i = 0; i < values.length; i++) {
    const channel = i % most.length;
    most[channel] = Math.max(most[channel] ?? 0, Math.abs(values[i] ?? 0));
  }
}

function logprobOf(token: number, logits: Float32Array): number {
  let [highest, sum] = [-Infinity, 0];
  for (const logit of logits) if (logit > highest) highest = logit;
  for (const logit of logits) sum += Math.exp(logit - highest);
  return (logits[token] ?? -Infinity) - highest - Math.log(sum);
}
