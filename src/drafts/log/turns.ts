import type { DraftRow } from '../../db/queries/draft-queries.ts';
import type { Sampling, Usage } from '../../ml/engine.ts';
import { keptSampling } from '../draft-input.ts';

/** One turn of a draft, as stored in its row. */
export interface Turn {
  instruction: string | null;
  sampling: Sampling;
  /** The log's position when the turn began. Its tokens come after. */
  from: number;
  /** Usage of the previous turns. */
  before: Usage;
  /** The digest of the model that began it. Absent in turns from before it was stored. */
  model?: string | null;
  /** The idempotency key of its request, and the digest of the input. */
  asked?: { key: string; input: string } | null;
}

export const turnsOf = ({ turns }: DraftRow): Turn[] =>
  (turns as Turn[]).map((turn) => ({ ...turn, sampling: keptSampling(turn.sampling) }));
