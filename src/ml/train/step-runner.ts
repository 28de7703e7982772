import { Binding, type Device, Session } from '../ort/session.ts';
import { Tensor } from '../ort/tensor.ts';
import { type AdamWSettings, type Parameter, stepInputs } from './graph/adamw.ts';
import { initialState, TrainingState } from './training-state.ts';

export interface StepRunnerOptions {
  /** AdamW's, and the share of a weight that goes in a step, over the learning rate. */
  optimiser: AdamWSettings & { decay: number };
  /** The first parameters are a function of it. */
  seed: number;
  threads: number;
  /** The CPU by default. */
  device?: Device;
}

export interface StepResult {
  /** Mean cross-entropy, in nats. */
  loss: number;
  /** Norm of all gradients before clipping. */
  gradientNorm: number;
}

/** A training graph, loaded, and the state that its steps change. */
export class StepRunner implements Disposable {
  readonly state: TrainingState;
  readonly #session: Session;
  readonly #optimiser: StepRunnerOptions['optimiser'];

  /** @param graph with the inputs and outputs of `addAdamW`, and `loss`. @throws OrtError */
  constructor(graph: Uint8Array, parameters: readonly Parameter[], options: StepRunnerOptions) {
    const { optimiser, seed, ...where } = options;
    this.#optimiser = optimiser;
    this.#session = Session.ofBytes(graph, where);
    this.state = new TrainingState(this.#session, parameters);
    this.state.write(initialState(parameters, seed));
  }

  /**
   * One step of AdamW.
   * @param batch the graph's other inputs, which are disposed afterwards
   * @param step from 1
   * @throws OrtError
   */
  async run(batch: Record<string, Tensor>, step: number, learningRate: number): Promise<StepResult> {
    const numbers = Object.entries(stepInputs(step, learningRate, this.#optimiser));
    const scalars = Object.fromEntries(numbers.map(([name, value]) => [name, scalar(value)]));
    const [loss, norm] = [scalar(NaN), scalar(NaN)];
    const inputs = { ...batch, ...scalars };
    try {
      const outputs = { ...this.state.outputs, loss, gradient_norm: norm };
      using binding = new Binding(this.#session, { ...this.state.inputs, ...inputs }, outputs);
      await binding.run();
    } finally {
      for (const tensor of [...Object.values(inputs), loss, norm]) tensor[Symbol.dispose]();
    }
    this.state.advance();
    return { loss: loss.data[0] ?? NaN, gradientNorm: norm.data[0] ?? NaN };
  }

  /** No run may be in progress. */
  [Symbol.dispose](): void {
    this.state[Symbol.dispose]();
    this.#session[Symbol.dispose]();
  }
}

export const scalar = (value: number): Tensor<Float32Array> => new Tensor(Float32Array.of(value), []);
