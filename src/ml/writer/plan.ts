/** Prompt tokens in one run at most: bounds activations, and how long a cancellation takes. */
const LONGEST_CHUNK = 256;
/** Below this a run reads all the weights for too little. */
const SHORTEST_CHUNK = 16;
/** While drafts grow, a prompt may take this much of a step: so many times as long as their part of it, … */
const PREFILL_SHARE = 1.75;
/** … or this long, in ms, which nobody sees. */
const UNSEEN_MS = 30;

/** A draft that has a slot: what its next run has to do. */
type Work = { type: 'prefill'; done: number; total: number } | { type: 'decode'; position: number };

export interface Occupant {
  slot: number;
  work: Work;
}

/** What a run is expected to take, in ms. */
export interface Costs {
  decode: number;
  prefillToken: number;
}

export interface Move {
  from: number;
  to: number;
}

/** One step, decided: texts to move, rows to decode, and a piece of one prompt. */
export interface StepPlan<Draft extends Occupant> {
  moves: readonly Move[];
  decode: readonly Draft[];
  prefill: { draft: Draft; from: number; to: number } | null;
}

/**
 * Every draft that grows gets its token in each step; the oldest prompt that is being taken in gets a chunk beside them, as long as
 * that does not make the others stutter (chunked prefill: Agrawal et al. 2023, SARATHI).
 *
 * @param occupants in the order in which they got their slots
 */
export function planStep<Draft extends Occupant>(occupants: readonly Draft[], costs: Costs): StepPlan<Draft> {
  const decode = occupants.filter(({ work }) => work.type === 'decode');
  const longest = decode.length === 0 ? LONGEST_CHUNK : chunkBeside(costs);
  return { moves: planMoves(occupants), decode, prefill: planPrefill(occupants, longest) };
}

function planPrefill<Draft extends Occupant>(occupants: readonly Draft[], longest: number): StepPlan<Draft>['prefill'] {
  for (const draft of occupants) {
    const { work } = draft;
    if (work.type === 'prefill') return { draft, from: work.done, to: endOfChunk(work.done, work.total, longest) };
  }
  return null;
}

/**
 * Attention takes the tokens of a run in blocks, of twice the head's size or what fits the processor's cache: in any case a
 * multiple of four. A token that is alone in its block is computed by another path, whose last bits differ; so no run's
 * length leaves one when divided by four ([GEN2]).
 */
function endOfChunk(done: number, total: number, longest: number): number {
  const whole = total - done <= longest;
  const length = whole ? total - done : longest - (longest % 4);
  if (whole) return length % 4 === 1 ? total - 3 : total;
  return total - done - length === 1 ? done + length - 2 : done + length;
}

function chunkBeside({ decode, prefillToken }: Costs): number {
  const tokens = Math.max(UNSEEN_MS, PREFILL_SHARE * decode) / prefillToken;
  return Math.min(LONGEST_CHUNK, Math.max(SHORTEST_CHUNK, Math.floor(tokens)));
}

/** A batch is made of neighbouring slots: the highest ones move into the holes that ended drafts have left. */
function planMoves(occupants: readonly Occupant[]): Move[] {
  const taken = new Set(occupants.map(({ slot }) => slot));
  const beyond = [...taken].filter((slot) => slot >= taken.size).sort((a, b) => a - b);
  const holes = Array.from({ length: taken.size }, (_, slot) => slot).filter((slot) => !taken.has(slot));
  return beyond.map((from, i) => ({ from, to: holes[i] ?? from }));
}

/** A draft that waits for a slot. */
export interface Waiting {
  /** Higher ones go first. */
  priority: number;
  /** Whose it is; null is nobody's in particular. */
  listener: number | null;
}

/**
 * Who gets the next slot: the highest priority; among equals whoever has the fewest drafts being written, so that one
 * listener's hundred do not shut out another's first; then who has waited longest.
 *
 * @param waiting in the order in which they came
 */
export function nextToStart<Draft extends Waiting>(
  waiting: readonly Draft[],
  running: readonly Waiting[],
): Draft | null {
  const ofSame = (one: Waiting) =>
    one.listener === null ? 0 : running.filter(({ listener }) => listener === one.listener).length;
  let best: Draft | null = null;
  for (const one of waiting) {
    const better = best === null || one.priority > best.priority;
    const fairer = best !== null && one.priority === best.priority && ofSame(one) < ofSame(best);
    if (better || fairer) best = one;
  }
  return best;
}
