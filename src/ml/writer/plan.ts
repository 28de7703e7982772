import type { Sequence } from './sequence.ts';

/** Prompt tokens in one step at most: bounds activations, and how long a cancellation takes. */
const LONGEST_CHUNK = 256;
/** Below this a run reads all the weights for too little. */
const SHORTEST_CHUNK = 16;
/** While drafts grow, prompts may take this much of a step: so many times as long as their part of it, … */
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

/** Of a prompt, what one run takes in. */
export interface Piece<Draft> {
  draft: Draft;
  from: number;
  to: number;
}

/** One step, decided: texts to move, rows to decode, and pieces of prompts, in the order in which they are run. */
export interface StepPlan<Draft extends Occupant> {
  moves: readonly Move[];
  decode: readonly Draft[];
  prefill: readonly Piece<Draft>[];
}

/**
 * Every draft that grows gets its token in each step; the oldest prompts that are being taken in get pieces beside them, as
 * long as that does not make the others stutter (chunked prefill: Agrawal et al. 2023, SARATHI).
 *
 * @param occupants in the order in which they got their slots
 */
export function planStep<Draft extends Occupant>(occupants: readonly Draft[], costs: Costs): StepPlan<Draft> {
  const decode = occupants.filter(({ work }) => work.type === 'decode');
  const prompts = occupants.filter(({ work }) => work.type === 'prefill');
  // While nobody is kept waiting, the first prompt's first token comes before anything of the second.
  const prefill =
    decode.length === 0
      ? planPieces(prompts.slice(0, 1), LONGEST_CHUNK)
      : planPieces(prompts, tokensBeside(costs, prompts.length / decode.length));
  return { moves: planMoves(occupants), decode, prefill };
}

function planPieces<Draft extends Occupant>(prompts: readonly Draft[], tokens: number): Piece<Draft>[] {
  const pieces: Piece<Draft>[] = [];
  let left = tokens;
  for (const draft of prompts) {
    if (left < SHORTEST_CHUNK) break;
    const { work } = draft;
    if (work.type !== 'prefill') continue;
    const piece = { draft, from: work.done, to: endOfChunk(work.done, work.total, left) };
    pieces.push(piece);
    left -= piece.to - piece.from;
  }
  return pieces;
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

/** Where more wait for their first token than for their next, they may take as much more of the step. */
function tokensBeside({ decode, prefillToken }: Costs, waitingPerGrowing: number): number {
  const share = PREFILL_SHARE * Math.max(1, waitingPerGrowing);
  const tokens = Math.max(UNSEEN_MS, share * decode) / prefillToken;
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

/** A draft with a slot. */
export interface Running extends Occupant {
  generation: Sequence;
}
