import { readFile } from 'node:fs/promises';
import { ModelFileError, moreOutputs, readOnnxGraph } from '../compile/compile.ts';
import { Binding, type Device, Session } from '../ort/session.ts';
import { Tensor } from '../ort/tensor.ts';

/** The name of the graph in a model's folder. */
export const GRAPH_FILE = 'model.onnx';

const INPUTS = ['input_ids', 'attention_mask', 'token_type_ids'];
const LAST = 'last_hidden_state';
const [FLOAT, INT64] = [1, 7];

/** Buffers for sequences of one length on one lane. */
interface Prepared extends Disposable {
  ids: BigInt64Array;
  /** For each layer [tokens, width]. */
  states: readonly Float32Array[];
  binding: Binding;
}

/** A loaded encoder of BERT's family. Several runs may be in progress, each on a lane of its own. */
export class EncoderGraph implements Disposable {
  /** Length of a token's vector. */
  readonly width: number;
  readonly #session: Session;
  readonly #form: GraphForm;
  /** By lane and number of tokens. */
  readonly #prepared = new Map<string, Prepared>();

  private constructor(session: Session, form: GraphForm) {
    this.#session = session;
    this.#form = form;
    this.width = form.width;
  }

  /** Number of layers whose states are known: the embedding first. */
  get layers(): number {
    return this.#form.outputs.length;
  }

  /**
   * Loads the graph on the calling thread.
   * @throws ModelFileError for another kind of graph; OrtError if it does not open
   */
  static async open(path: string, device: Device): Promise<EncoderGraph> {
    const form = readForm(path);
    const dims = ['batch', 'sequence', form.width];
    const inner = form.outputs
      .filter((name) => name !== LAST)
      .map((name) => ({ name, type: 'float32' as const, dims }));
    const graph = Buffer.concat([await readFile(path), moreOutputs(inner)]);
    // Runs side by side use all cores; several threads of one short run would wait for one another.
    return new EncoderGraph(Session.ofBytes(graph, { threads: 1, device }), form);
  }

  /**
   * The states of one sequence's tokens. They see one another and nothing else: with one sequence a run, no text's
   * vectors depend on its batch, and nothing is padded.
   * @returns for each layer [tokens, width], valid until the lane's next run. @throws OrtError; the signal's reason
   */
  async run(lane: number, ids: readonly number[], signal?: AbortSignal): Promise<readonly Float32Array[]> {
    const prepared = this.#prepare(lane, ids.length);
    ids.forEach((id, i) => (prepared.ids[i] = BigInt(id)));
    await prepared.binding.run(signal);
    return prepared.states;
  }

  #prepare(lane: number, length: number): Prepared {
    const key = `${lane} ${length}`;
    const known = this.#prepared.get(key);
    if (known) return known;
    const ids = new BigInt64Array(length);
    const all = {
      input_ids: ids,
      attention_mask: new BigInt64Array(length).fill(1n),
      token_type_ids: new BigInt64Array(length),
    };
    const taken = Object.entries(all).filter(([name]) => this.#form.inputs.includes(name));
    const inputs = Object.fromEntries(taken.map(([name, data]) => [name, new Tensor(data, [1, length])]));
    const states = this.#form.outputs.map(() => new Float32Array(length * this.width));
    const outputs = Object.fromEntries(
      states.map((data, i) => [this.#form.outputs[i] ?? '', new Tensor(data, [1, length, this.width])]),
    );
    const binding = new Binding(this.#session, inputs, outputs);
    const dispose = () => {
      binding[Symbol.dispose]();
      for (const tensor of [...Object.values(inputs), ...Object.values(outputs)]) tensor[Symbol.dispose]();
    };
    const prepared = { ids, states, binding, [Symbol.dispose]: dispose };
    this.#prepared.set(key, prepared);
    return prepared;
  }

  /** No run may be in progress. */
  [Symbol.dispose](): void {
    for (const prepared of this.#prepared.values()) prepared[Symbol.dispose]();
    this.#prepared.clear();
    this.#session[Symbol.dispose]();
  }
}

interface GraphForm {
  width: number;
  inputs: readonly string[];
  /** The states of each layer, the last one's last. */
  outputs: readonly string[];
}

/** @throws ModelFileError */
function readForm(path: string): GraphForm {
  const { inputs, outputs, layerNorms } = readOnnxGraph(path);
  const other = inputs.find(({ name, type }) => !INPUTS.includes(name) || type !== INT64);
  if (other) throw new ModelFileError(`the graph has an input ${other.name}, which no encoder of BERT’s family has`);
  const last = outputs.find(({ name }) => name === LAST);
  const width = last?.dims[2] ?? null;
  if (outputs.length !== 1 || last?.type !== FLOAT || width === null || width < 1 || width > 8192)
    throw new ModelFileError(`the graph must have one output ${LAST} of floats with a fixed width`);
  // One norm follows the embedding, and two are in each layer, the second at its end.
  const ends = layerNorms.filter((_, i) => i % 2 === 0).slice(0, -1);
  return { width, inputs: inputs.map(({ name }) => name), outputs: [...ends, LAST] };
}
