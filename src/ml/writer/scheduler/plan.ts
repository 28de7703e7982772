import type { Sequence } from './sequence.ts';

/**
 * Maximum number of prompt tokens in one step. It limits the memory for activations and the time until a cancellation.
 */
const LONGEST_CHUNK = 256;
/** A shorter piece is not worth reading all the weights for. */
const SHORTEST_CHUNK = 16;
/** While drafts grow, prompts may make a step this many times as long as its decoding, … */
const PREFILL_SHARE = 1.75;
/** … or take this many milliseconds, which nobody notices. */
const UNSEEN_MS = 30;

/** A draft with a slot, and the work of its next run. Drafts that share one prefill have the same `prompt` object. */
type Work =
  { type: 'prefill'; prompt: readonly number[]; done: number; total: number } | { type: 'decode'; position: number };

export interface Occupant {
  slot: number;
  work: Work;
}

/** Expected run times in milliseconds. */
export interface Costs {
  decode: number;
  prefillToken: number;
}

export interface Move {
  from: number;
  to: number;
}

/** The part of a prompt that one run processes. */
export interface Piece<Draft> {
  draft: Draft;
  from: number;
  to: number;
}

/** A planned step: texts to move, rows to decode, and pieces of prompts in the order in which they run. */
export interface StepPlan<Draft extends Occupant> {
  moves: readonly Move[];
  decode: readonly Draft[];
  prefill: readonly Piece<Draft>[];
}

/**
 * Every growing draft gets its token in each step. Beside that, pieces of the oldest prompts are processed as long as
 * the drafts do not stutter (chunked prefill: Agrawal et al. 2023, SARATHI).
 * @param occupants in the order in which they got their slots
 */
export function planStep<Draft extends Occupant>(occupants: readonly Draft[], costs: Costs): StepPlan<Draft> {
  const decode = occupants.filter(({ work }) => work.type === 'decode');
  const prompts = firstOfEachPrompt(occupants);
  // While no draft is growing, the first prompt is finished before the second begins.
  const prefill =
    decode.length === 0
      ? planPieces(prompts.slice(0, 1), LONGEST_CHUNK)
      : planPieces(prompts, tokensBeside(costs, prompts.length / decode.length));
  return { moves: planMoves(occupants), decode, prefill };
}

/** Of drafts with one prompt the first processes it, and the others get a copy of what came of it ([GEN26]). */
function firstOfEachPrompt<Draft extends Occupant>(occupants: readonly Draft[]): Draft[] {
  const known = new Set<readonly number[]>();
  return occupants.filter(({ work }) => {
    if (work.type !== 'prefill' || known.has(work.prompt)) return false;
    known.add(work.prompt);
    return true;
  });
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
 * Attention processes the tokens of a run in blocks of twice the head's size, or what fits the processor's cache; the
 * length is a multiple of four in any case. A token that is alone in its block is computed by another path whose last
 * bits differ. So no run's length may leave a remainder of one when divided by four ([GEN2]).
 */
function endOfChunk(done: number, total: number, longest: number): number {
  const whole = total - done <= longest;
  const length = whole ? total - done : longest - (longest % 4);
  if (whole) return length % 4 === 1 ? total - 3 : total;
  return total - done - length === 1 ? done + length - 2 : done + length;
}

/**
 * If more drafts wait for their first token than for their next, prompts get a correspondingly larger part of the step.
 */
function tokensBeside({ decode, prefillToken }: Costs, waitingPerGrowing: number): number {
  const share = PREFILL_SHARE * Math.max(1, waitingPerGrowing);
  const tokens = Math.max(UNSEEN_MS, share * decode) / prefillToken;
  return Math.min(LONGEST_CHUNK, Math.max(SHORTEST_CHUNK, Math.floor(tokens)));
}

/** A batch consists of neighbouring slots, so the highest slots move into the holes of ended drafts. */
function planMoves(occupants: readonly Occupant[]): Move[] {
  const taken = new Set(occupants.map(({ slot }) => slot));
  const beyond = [...taken].filter((slot) => slot >= taken.size).sort((a, b) => a - b);
  const holes = Array.from({ length: taken.size }, (_, slot) => slot).filter((slot) => !taken.has(slot));
  return beyond.map((from, i) => ({ from, to: holes[i] ?? from }));
}

/** A draft that waits for a slot. */
export interface Waiting {
  /** Higher priorities go first. */
  priority: number;
  /** The draft's listener. Null if it has none. */
  listener: number | null;
}

/**
 * The draft that gets the next slot: the highest priority first; then the listener for whom the engine has done least, so
 * that one listener's long drafts do not delay another's short ones; of equals the one with the fewest drafts being
 * written, so that nobody's hundred drafts delay another's first; then the longest wait.
 * @param waiting in order of arrival
 * @param costOf what was done for a listener
 */
export function nextToStart<Draft extends Waiting>(
  waiting: readonly Draft[],
  running: readonly Waiting[],
  costOf: (listener: number | null) => number,
): Draft | null {
  const ofSame = (one: Waiting) =>
    one.listener === null ? 0 : running.filter(({ listener }) => listener === one.listener).length;
  const before = (one: Waiting, other: Waiting): boolean => {
    if (one.priority !== other.priority) return one.priority > other.priority;
    const [cost, otherCost] = [costOf(one.listener), costOf(other.listener)];
    return cost === otherCost ? ofSame(one) < ofSame(other) : cost < otherCost;
  };
  let best: Draft | null = null;
  for (const one of waiting) {
    if (best === null || before(one, best)) best = one;
  }
  return best;
}

/** A draft with a slot. */
export interface Running extends Occupant {
  generation: Sequence;
}
