import { f32, f64, i32, u32 } from '../../lib/typed-arrays.ts';
import type { Gemm } from '../../ml/gemm.ts';
import { invertSymmetric, SymmetricMatrix } from '../math/linear-algebra.ts';
import { dot, emptyVector, type SparseVector, topIndices } from '../math/sparse.ts';
import { furthest, type SparseRows, WeightList } from '../math/sparse-rows.ts';
import { addRow, type ContentWeights, renumber } from '../model/content-weights.ts';
import type { Snapshot } from '../model/snapshot.ts';
import { panelsOf } from './item-model/ease.ts';
import type { NumberedCase } from './quality/holdout.ts';

/** The features of tracks, by row of the weights. Features that only one track has are left out. */
export interface Described {
  names: readonly string[];
  rows: readonly SparseVector[];
}

type Known = Pick<NumberedCase, 'items' | 'values'>;

/** Maximum number of features to learn from; the most frequent ones are kept. */
const MOST_FEATURES = 4_096;
/** Maximum number of features that one feature speaks for. */
const KEPT = 512;
/** Chosen on Last.fm 2k from 0.03 to 10, on held-out tracks. */
const RIDGE = 0.3;
/** Number of positions at which the scores are made equal. */
const POSITIONS = 20;

/** @param ids tracks in the order of the weights' rows */
export function describe({ features, featureNames, indexOf }: Snapshot, ids: Iterable<number>): Described {
  const described = Array.from(ids, (id) => features.of(indexOf.get(id) ?? -1) ?? emptyVector);
  const uses = new Int32Array(featureNames.length);
  for (const { indices } of described) for (const feature of indices) uses[feature] = i32(uses, feature) + 1;
  const byUse = [...uses.keys()].filter((feature) => i32(uses, feature) > 1);
  const chosen = byUse.sort((a, b) => i32(uses, b) - i32(uses, a) || a - b).slice(0, MOST_FEATURES);
  const numbers = new Int32Array(featureNames.length).fill(-1);
  chosen.forEach((feature, number) => (numbers[feature] = number));
  return {
    names: chosen.map((feature) => featureNames[feature] ?? ''),
    rows: described.map((vector) => renumber(vector, numbers)),
  };
}

/**
 * Learns weights between features that reproduce the weights between tracks, so that a track nobody has heard is scored
 * by its features. With F the features of tracks and B their weights, M is the least-squares solution of B ≈ F·M·Fᵀ
 * with a ridge on both sides, (FᵀF + μI)⁻¹ FᵀBF (FᵀF + μI)⁻¹. Least squares underestimate, so M is scaled until these
 * listeners' best scores by it are, on average, as high as by B, which gives new tracks their share of positions.
 * Memory: 16 · features² bytes.
 */
export function learnContent(
  weights: SparseRows,
  { names, rows }: Described,
  listeners: readonly Known[],
  gemm: Gemm,
): ContentWeights {
  const d = names.length;
  const inverse = inverseGram(rows, d, gemm);
  const square = (data: Float32Array) => ({ data, rows: d, columns: d });
  const [half, whole] = [new Float32Array(d * d), new Float32Array(d * d)];
  gemm.product(square(inverse), square(seenThrough(weights, rows, d)), square(half));
  gemm.product(square(half), square(inverse), square(whole));
  const kept = new WeightList(d, d * Math.min(d, KEPT));
  for (let f = 0; f < d; f++) {
    const row = whole.subarray(f * d, (f + 1) * d);
    for (const g of furthest(row, KEPT)) kept.add(f, g, f32(row, g));
  }
  return toScale({ names, ...kept.rows() }, weights, rows, listeners);
}

function inverseGram(rows: readonly SparseVector[], d: number, gemm: Gemm): Float32Array {
  const gram = new SymmetricMatrix(d);
  for (const { indices, values } of rows) {
    indices.forEach((f, a) => {
      for (let b = 0; b <= a; b++) gram.add(f, i32(indices, b), f64(values, a) * f64(values, b));
    });
  }
  for (let f = 0; f < d; f++) gram.add(f, f, RIDGE);
  const whole = new Float32Array(d * d);
  for (const { panel, first, rows: count } of panelsOf(invertSymmetric(gram, gemm))) {
    whole.set(panel.subarray(0, count * d), first * d);
  }
  return whole;
}

/** (FᵀBF)ᵀ: [features of the neighbour, features of the heard track]. */
function seenThrough({ starts, columns, values }: SparseRows, rows: readonly SparseVector[], d: number): Float32Array {
  const turned = new Float32Array(d * d);
  const row = new Float64Array(d);
  rows.forEach((heard, i) => {
    row.fill(0);
    for (let at = u32(starts, i); at < u32(starts, i + 1); at++) {
      const weight = f32(values, at);
      const neighbour = rows[u32(columns, at)] ?? emptyVector;
      neighbour.indices.forEach((g, a) => (row[g] = f64(row, g) + weight * f64(neighbour.values, a)));
    }
    heard.indices.forEach((f, a) => {
      const value = f64(heard.values, a);
      for (let g = 0; g < d; g++) turned[g * d + f] = f32(turned, g * d + f) + value * f64(row, g);
    });
  });
  return turned;
}

function toScale(
  content: ContentWeights,
  weights: SparseRows,
  rows: readonly SparseVector[],
  listeners: readonly Known[],
): ContentWeights {
  let [known, foretold] = [0, 0];
  for (const listener of listeners) {
    const said = new Float64Array(content.names.length);
    const scores = new Float64Array(rows.length);
    listener.items.forEach((item, i) => {
      const features = rows[item];
      // What was not trained on has no row.
      if (!features) return;
      const strength = f32(listener.values, i);
      addRow(scores, weights, item, strength);
      features.indices.forEach((f, a) => addRow(said, content, f, strength * f64(features.values, a)));
    });
    known += best(scores, listener);
    foretold += best(
      Float64Array.from(rows, (features) => dot(said, features)),
      listener,
    );
  }
  const scale = foretold > 0 && known > 0 ? known / foretold : 1;
  return { ...content, values: content.values.map((value) => value * scale) };
}

/** The sum of the best scores among unknown tracks. */
function best(scores: Float64Array, { items }: Known): number {
  const heard = new Set(items);
  return topIndices(scores, POSITIONS, (at) => !heard.has(at)).reduce((sum, at) => sum + f64(scores, at), 0);
}
