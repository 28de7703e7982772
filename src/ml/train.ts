/** The door to training on this runtime. */
export {
  trainDecoder,
  type TrainingData,
  type TrainingReport,
  type TrainingSettings,
} from './train/decoder-trainer.ts';
export { type LabelledVectors, type LinearHead, logitsOf, trainLinearHead } from './train/linear-head.ts';
export { lossCurve } from './train/loss-curve.ts';
export { evaluateTunes } from './composer/evaluate-tunes.ts';
export { trainTunes } from './composer/train-tunes.ts';
