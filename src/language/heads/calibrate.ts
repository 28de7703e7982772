import { type LabelledVectors, type LinearHead, logitsOf } from '../../ml/train.ts';
import { topOf } from './head-metrics.ts';

interface HeadCalibration {
  /** Scores are divided by it. */
  temperature: number;
  /** The probability from which a label is said // [labels] */
  thresholds: number[];
}

const TEMPERATURES = Array.from({ length: 41 }, (_, i) => 2 ** ((i - 20) / 10));
const THRESHOLDS = Array.from({ length: 86 }, (_, i) => 0.05 + i / 100);
/** With fewer examples of a label its best threshold is chance. */
const FEWEST = 10;

/** Chooses temperature and thresholds on rows that the head was not trained on. */
export function calibrate(head: LinearHead, held: LabelledVectors): HeadCalibration {
  const labels = head.bias.length;
  const width = head.weight.length / labels;
  const rows = Array.from({ length: held.targets.length / labels }, (_, row) => ({
    logits: logitsOf(head, held.vectors.subarray(row * width, (row + 1) * width)),
    right: rightOf(held.targets.subarray(row * labels, (row + 1) * labels)),
  }));
  const temperature = best(TEMPERATURES, (one) => -surprise(rows, one));
  const thresholds = Array.from({ length: labels }, (_, label) => {
    const scored = rows.map(({ logits, right }) => ({
      probability: sigmoid((logits[label] ?? 0) / temperature),
      isRight: right.has(label),
    }));
    return scored.filter(({ isRight }) => isRight).length < FEWEST ? 0.5 : best(THRESHOLDS, (one) => f1At(scored, one));
  });
  return { temperature, thresholds };
}

interface HeldRow {
  logits: Float64Array;
  right: ReadonlySet<number>;
}

const rightOf = (targets: Float32Array) => new Set([...targets.keys()].filter((label) => targets[label] === 1));

const sigmoid = (z: number): number => 1 / (1 + Math.exp(-z));

/** Nats by which it surprises whether the likeliest label is right. */
function surprise(rows: readonly HeldRow[], temperature: number): number {
  return rows.reduce((sum, { logits, right }) => {
    const { probability, isRight } = topOf(
      logits.map((logit) => sigmoid(logit / temperature)),
      right,
    );
    return sum - Math.log(Math.max(1e-9, isRight ? probability : 1 - probability));
  }, 0);
}

function f1At(scored: readonly { probability: number; isRight: boolean }[], threshold: number): number {
  let [hits, errors] = [0, 0];
  for (const { probability, isRight } of scored) {
    if (probability >= threshold && isRight) hits++;
    else if (probability >= threshold || isRight) errors++;
  }
  return hits === 0 ? 0 : (2 * hits) / (2 * hits + errors);
}

/** The first of the best values. */
function best(values: readonly number[], goodness: (value: number) => number): number {
  const measured = values.map(goodness);
  return values[measured.indexOf(Math.max(...measured))] ?? 1;
}
