/** What a classifier said of one row, and what is right. */
export interface Judged {
  /** [labels] */
  probabilities: ArrayLike<number>;
  /** Labels that are said: those above their threshold, or else the likeliest. */
  said: ReadonlySet<number>;
  right: ReadonlySet<number>;
}

export interface HeadFigures {
  /** Mean F1 of the labels that occur or are said. */
  macroF1: number;
  /** Share of rows whose likeliest label is right. */
  accuracy: number;
  /** Expected calibration error of the likeliest label, over 15 bins of its probability (Guo et al. 2017). */
  ece: number;
  rows: number;
}

const BINS = 15;

export function measureHead(rows: readonly Judged[], labels: number): HeadFigures {
  const occurring = Array.from({ length: labels }, (_, label) => f1Of(rows, label)).filter((f1) => f1 !== null);
  const tops = rows.map(({ probabilities, right }) => topOf(probabilities, right));
  return {
    macroF1: mean(occurring),
    accuracy: mean(tops.map(({ isRight }) => Number(isRight))),
    ece: calibrationError(tops),
    rows: rows.length,
  };
}

/** Null for a label that neither occurs nor is said. */
function f1Of(rows: readonly Judged[], label: number): number | null {
  let [hits, errors] = [0, 0];
  for (const { said, right } of rows) {
    if (said.has(label) && right.has(label)) hits++;
    else if (said.has(label) || right.has(label)) errors++;
  }
  return hits + errors === 0 ? null : (2 * hits) / (2 * hits + errors);
}

export interface Top {
  probability: number;
  isRight: boolean;
}

/** The likeliest label. */
export function topOf(probabilities: ArrayLike<number>, right: ReadonlySet<number>): Top {
  const all = Array.from(probabilities);
  const probability = Math.max(...all);
  return { probability, isRight: right.has(all.indexOf(probability)) };
}

function calibrationError(tops: readonly Top[]): number {
  const bins = Array.from({ length: BINS }, () => ({ promised: 0, right: 0 }));
  for (const { probability, isRight } of tops) {
    const bin = bins[Math.min(BINS - 1, Math.floor(probability * BINS))];
    if (!bin) continue;
    bin.promised += probability;
    bin.right += Number(isRight);
  }
  return bins.reduce((sum, { promised, right }) => sum + Math.abs(promised - right), 0) / Math.max(1, tops.length);
}

/** Pearson's correlation. Null if one side does not vary. */
export function pearson(xs: readonly number[], ys: readonly number[]): number | null {
  const [mx, my] = [mean(xs), mean(ys)];
  const covariance = xs.reduce((sum, x, i) => sum + (x - mx) * ((ys[i] ?? 0) - my), 0);
  const spread = (values: readonly number[], middle: number) =>
    Math.sqrt(values.reduce((sum, value) => sum + (value - middle) ** 2, 0));
  const both = spread(xs, mx) * spread(ys, my);
  return both > 0 ? covariance / both : null;
}

const mean = (values: readonly number[]): number =>
  values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
