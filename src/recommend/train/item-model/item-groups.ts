import { entryOf } from '../../../lib/collections.ts';
import { randomStream } from '../../../lib/random.ts';
import { f64, u32 } from '../../../lib/typed-arrays.ts';
import { countsOf, type Interactions } from '../interactions.ts';

/** Number of dimensions in which items are compared. */
const AXES = 24;
/** Each round brings the axes nearer to those along which listeners differ most. */
const ROUNDS = 4;
const SEED = 1;

/**
 * Divides all items into groups of at most `size` and nearly equal size, so that items heard by the same people are
 * together. It bisects repeatedly across the longest axis, in the space of the leading singular vectors of the
 * listener–item matrix (randomised subspace iteration: Halko, Martinsson & Tropp 2011).
 */
export function groupItems(interactions: Interactions, size: number): Uint32Array[] {
  const points = embed(interactions);
  const groups: Uint32Array[] = [];
  const halve = (items: Uint32Array): void => {
    if (items.length <= size) return void groups.push(items);
    const axis = longestAxis(points, items);
    const along = new Map(Array.from(items, (item) => [item, project(points, item, axis)]));
    const sorted = items.slice().sort((a, b) => entryOf(along, a) - entryOf(along, b) || a - b);
    const middle = sorted.length >> 1;
    halve(sorted.subarray(0, middle));
    halve(sorted.subarray(middle));
  };
  if (interactions.itemCount > 0) halve(Uint32Array.from({ length: interactions.itemCount }, (_, item) => item));
  return groups;
}

/** Unit vectors: [items, AXES]. */
function embed(interactions: Interactions): Float64Array {
  const { itemCount } = interactions;
  const random = randomStream(SEED);
  const scales = countsOf(interactions).map((count) => (count > 0 ? count ** -0.5 : 0));
  let points: Float64Array = Float64Array.from({ length: itemCount * AXES }, () => random() - 0.5);
  for (let round = 0; round < ROUNDS; round++) {
    orthonormalise(points, itemCount);
    points = multiply(interactions, scales, points);
  }
  // Not orthonormal at the end, because axes along which listeners differ more are longer.
  return toUnitRows(points, scales, itemCount);
}

/** D^−½ Xᵀ D′⁻¹ X D^−½ · points, where D and D′ count how often items were heard and how much listeners heard. */
function multiply({ starts, items }: Interactions, scales: Float64Array, points: Float64Array): Float64Array {
  const next = new Float64Array(points.length);
  const sum = new Float64Array(AXES);
  for (let u = 0; u + 1 < starts.length; u++) {
    const [from, end] = [u32(starts, u), u32(starts, u + 1)];
    sum.fill(0);
    for (let at = from; at < end; at++) {
      const item = u32(items, at);
      const scale = f64(scales, item) / (end - from);
      for (let k = 0; k < AXES; k++) sum[k] = f64(sum, k) + scale * f64(points, item * AXES + k);
    }
    for (let at = from; at < end; at++) {
      const item = u32(items, at);
      const scale = f64(scales, item);
      for (let k = 0; k < AXES; k++) {
        next[item * AXES + k] = f64(next, item * AXES + k) + scale * f64(sum, k);
      }
    }
  }
  return next;
}

/**
 * Makes the columns orthogonal one after another (modified Gram–Schmidt). A column that depends on earlier ones becomes
 * 0.
 */
function orthonormalise(points: Float64Array, rows: number): void {
  const inner = (a: number, b: number): number => {
    let sum = 0;
    for (let r = 0; r < rows; r++) sum += f64(points, r * AXES + a) * f64(points, r * AXES + b);
    return sum;
  };
  for (let a = 0; a < AXES; a++) {
    for (let b = 0; b < a; b++) {
      const share = inner(a, b);
      for (let r = 0; r < rows; r++)
        points[r * AXES + a] = f64(points, r * AXES + a) - share * f64(points, r * AXES + b);
    }
    const length = Math.sqrt(inner(a, a));
    const scale = length > 1e-12 ? 1 / length : 0;
    for (let r = 0; r < rows; r++) points[r * AXES + a] = f64(points, r * AXES + a) * scale;
  }
}

function toUnitRows(points: Float64Array, scales: Float64Array, rows: number): Float64Array {
  for (let r = 0; r < rows; r++) {
    const row = points.subarray(r * AXES, (r + 1) * AXES);
    const length = Math.hypot(...row);
    for (let k = 0; k < AXES; k++) row[k] = length > 0 && f64(scales, r) > 0 ? f64(row, k) / length : 0;
  }
  return points;
}

const project = (points: Float64Array, item: number, axis: Float64Array): number => {
  let sum = 0;
  for (let k = 0; k < AXES; k++) sum += f64(points, item * AXES + k) * f64(axis, k);
  return sum;
};

/** The direction of greatest spread of these points, by power iteration on their covariance. */
function longestAxis(points: Float64Array, items: Uint32Array): Float64Array {
  const covariance = covarianceOf(points, items);
  let axis = new Float64Array(AXES).fill(1);
  for (let round = 0; round < 30; round++) {
    const next = new Float64Array(AXES);
    for (let a = 0; a < AXES; a++)
      for (let b = 0; b < AXES; b++) next[a] = f64(next, a) + f64(covariance, a * AXES + b) * f64(axis, b);
    const length = Math.hypot(...next);
    if (length === 0) return axis;
    axis = next.map((value) => value / length);
  }
  return axis;
}

function covarianceOf(points: Float64Array, items: Uint32Array): Float64Array {
  const mean = new Float64Array(AXES);
  for (const item of items)
    for (let k = 0; k < AXES; k++) mean[k] = f64(mean, k) + f64(points, item * AXES + k) / items.length;
  const covariance = new Float64Array(AXES * AXES);
  for (const item of items) {
    for (let a = 0; a < AXES; a++) {
      const own = f64(points, item * AXES + a) - f64(mean, a);
      for (let b = 0; b < AXES; b++) {
        const at = a * AXES + b;
        covariance[at] = f64(covariance, at) + own * (f64(points, item * AXES + b) - f64(mean, b));
      }
    }
  }
  return covariance;
}
