import { Binding, Session } from '../ort/session.ts';
import { Tensor } from '../ort/tensor.ts';
import { dropoutNoise, dropoutRows } from './dropout-noise.ts';
import {
  BATCH_INPUTS,
  buildEvaluationGraph,
  buildTrainingGraph,
  decoderParameters,
  type DecoderShape,
  dropoutPlaces,
} from './graph/decoder.ts';
import type { TokenBatch } from './packing.ts';
import { scalar, type StepResult, StepRunner, type StepRunnerOptions } from './step-runner.ts';
import type { TrainingState } from './training-state.ts';

export interface DecoderSessionOptions extends StepRunnerOptions {
  shape: DecoderShape;
  /** Share of the elements that is dropped, in [0, 1). */
  dropout: number;
}

/** A decoder under training: its two graphs, loaded, and its state. */
export class DecoderSession implements Disposable {
  readonly #options: DecoderSessionOptions;
  readonly #training: StepRunner;
  readonly #evaluation: Session;

  /** @throws OrtError */
  constructor(options: DecoderSessionOptions) {
    const { shape, optimiser, dropout, seed, threads, device } = options;
    this.#options = options;
    const noise = dropoutNoise(dropout, shape.hidden, seed);
    this.#training = new StepRunner(buildTrainingGraph(shape, optimiser, noise), decoderParameters(shape), options);
    this.#evaluation = Session.ofBytes(buildEvaluationGraph(shape), { threads, ...(device && { device }) });
  }

  get state(): TrainingState {
    return this.#training.state;
  }

  /** One step of AdamW. @param step from 1. @throws OrtError */
  step(batch: TokenBatch, step: number, learningRate: number): Promise<StepResult> {
    const { shape, dropout, seed } = this.#options;
    const inputs = batchTensors(batch, 1 / batch.predicted);
    if (dropout > 0) {
      const [places, positions] = [dropoutPlaces(shape), batch.tokens.length];
      inputs['dropout_rows'] = new Tensor(dropoutRows(places, positions, { seed, step }), [places, positions]);
    }
    return this.#training.run(inputs, step, learningRate);
  }

  /** The sum of the predicted tokens' cross-entropy, in nats, without dropout. @throws OrtError */
  async evaluate(batch: TokenBatch): Promise<number> {
    const inputs = batchTensors(batch, 1);
    const loss = scalar(NaN);
    try {
      using binding = new Binding(this.#evaluation, { ...this.state.parameters, ...inputs }, { loss });
      await binding.run();
    } finally {
      for (const tensor of [...Object.values(inputs), loss]) tensor[Symbol.dispose]();
    }
    return loss.data[0] ?? NaN;
  }

  /** No run may be in progress. */
  [Symbol.dispose](): void {
    this.#training[Symbol.dispose]();
    this.#evaluation[Symbol.dispose]();
  }
}

/** @param share what each predicted token counts */
function batchTensors(batch: TokenBatch, share: number): Record<string, Tensor> {
  const dims = [batch.rows, batch.length];
  const weights = batch.weights.map((weight) => weight * share);
  const data = (name: (typeof BATCH_INPUTS)[number]) => (name === 'weights' ? weights : batch[name]);
  return Object.fromEntries(BATCH_INPUTS.map((name) => [name, new Tensor(data(name), dims)]));
}
