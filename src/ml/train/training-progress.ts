import { z } from 'zod';

const count = z.int().nonnegative();
const pointSchema = z.object({ step: count, tokens: count, loss: z.number(), validation: z.number() });
/** What a training knows besides its tensors. Everything random follows from the seed and these. */
export const decoderProgress = z.object({
  step: count,
  /** Number of steps that the training is to have. */
  steps: count,
  epoch: count,
  /** The next batch of the epoch. */
  batch: count,
  /** Number of predicted tokens so far. */
  tokens: count,
  /** Sum of the losses since the last evaluation, and their number. */
  lossSum: z.number(),
  lossCount: count,
  /** Evaluations since the best one. */
  sinceBest: count,
  finished: z.boolean(),
  curve: z.array(pointSchema),
});
export type DecoderProgress = z.output<typeof decoderProgress>;
/** One evaluation: mean losses in nats per token, on the training data since the one before, and on the validation data. */
export type CurvePoint = z.output<typeof pointSchema>;

export const noProgress: DecoderProgress = {
  ...{
    step: 0,
    steps: 0,
    epoch: 0,
    batch: 0,
    tokens: 0,
    lossSum: 0,
    lossCount: 0,
    sinceBest: 0,
    finished: false,
    curve: [],
  },
};

/** The best evaluation so far. */
export function bestOf(curve: readonly CurvePoint[]): CurvePoint | null {
  return curve.reduce<CurvePoint | null>(
    (best, point) => (best && best.validation <= point.validation ? best : point),
    null,
  );
}
