import type { Interactions } from './interactions.ts';
import { SymmetricMatrix } from './linear-algebra.ts';

export interface NormalOptions {
  /** λ, the weight of the ridge: larger keeps rows flatter. */
  ridge: number;
  /** Share, from 0 to below 1, of what came later that is to be foretold, beside what belongs together in any order. */
  order: number;
  /** How fast a track loses its say in what comes later, and what comes later its weight, with each track in between: 0–1. */
  reach: number;
  /** Listeners weigh (tracks of theirs / mean)^−`levelling`: at 0 all tracks are alike, at 1 all listeners. */
  levelling: number;
}

/** `(G)·B = G + gap`, the ridge within G: what the item–item weights B solve. */
export interface NormalEquations {
  /** XᵀX and WᵀW together, and the ridge: [items, items]. */
  gram: SymmetricMatrix;
  /** WᵀY − WᵀW, target by source, [items, items]; null without order, where it would be 0. */
  gap: Float32Array | null;
}

/**
 * The sums that training needs, in one pass over pairs of a listener's tracks. With x a listener's tracks, w_t their tracks
 * up to the t-th, each counting `reach` less with every later one, and y_t those that came after it, counting likewise:
 * B reproduces x from x (EASE: Steck, WWW 2019) and foretells y from w (as SLIST does: Choi et al., "Session-aware Linear
 * Item-Item Models", WWW 2021), `order` being the weight of the second. The sums over t are geometric and in closed form.
 */
export function normalEquations(interactions: Interactions, options: NormalOptions): NormalEquations {
  const { itemCount: n, starts } = interactions;
  const gram = new SymmetricMatrix(n);
  const gap = options.order > 0 ? new Float32Array(n * n) : null;
  const decay = decaysOf(interactions, options.reach);
  const weights = listenerWeights(interactions, options.levelling);
  const share = gap ? options.order * orderScale(interactions, weights, decay) : 0;
  for (let u = 0; u + 1 < starts.length; u++) {
    const weight = weights[u] ?? 0;
    addPairs(interactions, u, { gram, gap, decay, together: (1 - options.order) * weight, after: share * weight });
  }
  for (let i = 0; i < n; i++) gram.add(i, i, options.ridge);
  return { gram, gap };
}

interface Sums {
  gram: SymmetricMatrix;
  gap: Float32Array | null;
  decay: Decays;
  together: number;
  after: number;
}

function addPairs({ itemCount: n, starts, items, values }: Interactions, u: number, sums: Sums): void {
  const { gram, gap, decay, together, after } = sums;
  const from = starts[u] ?? 0;
  const length = (starts[u + 1] ?? 0) - from;
  for (let q = 0; q < length; q++) {
    const later = items[from + q] ?? 0;
    for (let p = 0; p <= q; p++) {
      const earlier = items[from + p] ?? 0;
      const product = (values[from + p] ?? 0) * (values[from + q] ?? 0);
      // After the last track nothing is to be foretold.
      const both =
        gap && q < length - 1 ? after * (decay.powers[q - p] ?? 0) * (decay.squares[length - 1 - q] ?? 0) : 0;
      gram.add(later, earlier, product * (together + both));
      if (!gap) continue;
      const next = p < q ? after * (decay.convolved[q - p] ?? 0) : 0;
      gap[later * n + earlier] = (gap[later * n + earlier] ?? 0) + product * (next - both);
      if (p < q) gap[earlier * n + later] = (gap[earlier * n + later] ?? 0) - product * both;
    }
  }
}

interface Decays {
  /** r^k */
  powers: Float64Array;
  /** Σ r^2i over i < k */
  squares: Float64Array;
  /** Σ r^i · r^(k − 1 − i) over i < k: by how many the later is after the earlier, over all t in between. */
  convolved: Float64Array;
}

function decaysOf({ starts }: Interactions, reach: number): Decays {
  let longest = 0;
  for (let u = 0; u + 1 < starts.length; u++) longest = Math.max(longest, (starts[u + 1] ?? 0) - (starts[u] ?? 0));
  const powers = Float64Array.from({ length: longest + 1 }, (_, k) => reach ** k);
  const squares = new Float64Array(longest + 1);
  const convolved = new Float64Array(longest + 1);
  for (let k = 1; k <= longest; k++) {
    squares[k] = (squares[k - 1] ?? 0) + reach ** (2 * (k - 1));
    convolved[k] = k * reach ** (k - 1);
  }
  return { powers, squares, convolved };
}

/** (tracks / mean)^−levelling, by listener. */
export function listenerWeights({ starts, items }: Interactions, levelling: number): Float64Array {
  const listeners = starts.length - 1;
  const mean = items.length / Math.max(1, listeners);
  return Float64Array.from({ length: listeners }, (_, u) => {
    const length = (starts[u + 1] ?? 0) - (starts[u] ?? 0);
    return length === 0 ? 0 : (length / mean) ** -levelling;
  });
}

/** Brings both traces to the same size, so that `order` is a share. */
function orderScale({ starts, values }: Interactions, weights: Float64Array, { squares }: Decays): number {
  let [together, after] = [0, 0];
  for (let u = 0; u + 1 < starts.length; u++) {
    const [from, end] = [starts[u] ?? 0, starts[u + 1] ?? 0];
    for (let at = from; at < end; at++) {
      const square = (weights[u] ?? 0) * (values[at] ?? 0) ** 2;
      together += square;
      after += square * (squares[end - 1 - at] ?? 0);
    }
  }
  return after === 0 ? 0 : together / after;
}
