import type { Prediction } from '../../../src/ml/decoder/decoder.ts';

/** A copy that the slot's next run leaves as it is. */
export const kept = ({ logits, peak }: Prediction): Prediction => ({ logits: logits.slice(), peak });
