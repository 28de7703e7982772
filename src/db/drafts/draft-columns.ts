import { sql } from 'drizzle-orm';
import { type draftKind, drafts, type draftStatus, type draftVisibility, type finishReason } from '../tables.ts';

type Values<Enum extends { enumValues: readonly string[] }> = Enum['enumValues'][number];

/** The text that the row keeps. They change together. */
export interface KeptColumns {
  texts: readonly string[] | null;
  textTurns: readonly number[] | null;
  textsBefore: number | null;
  textsUntil: number;
}

/** Number of the latest epochs that a row keeps. Earlier events count as of epoch 0. */
export const KEPT_EPOCHS = 1_000;

export interface DraftRow extends KeptColumns {
  id: string;
  listenerId: number;
  kind: Values<typeof draftKind>;
  title: string;
  prompt: string;
  visibility: Values<typeof draftVisibility>;
  status: Values<typeof draftStatus>;
  finishReason: Values<typeof finishReason> | null;
  modelId: string;
  sampling: unknown;
  turns: unknown;
  usage: unknown;
  failure: string | null;
  sequence: number;
  epoch: number;
  /** The epochs in which events were written, oldest first, and the last event before each. */
  epochs: readonly number[];
  epochStarts: readonly number[];
  /** The epoch in which the last event was written; 0 if there is none. */
  lastEpoch: number;
  owner: string | null;
  compacted: number;
  /** The group of alternatives that it was started in, and its number in it, from 1. Null if it was started alone. */
  groupId: string | null;
  alternative: number | null;
  /** The draft that it came from. Null if there is none, or it was deleted. */
  parentId: string | null;
  /** How it came from another. */
  origin: unknown;
  createdAt: Date;
  updatedAt: Date;
  /** The text up to `sequence`, from the same statement, so that the two agree. */
  text: string;
}

const written =
  sql<Buffer | null>`(select string_agg(int4send(e.sequence) || int4send(own.is_text) || int4send(length(own.bytes)) || own.bytes,
    ''::bytea order by e.sequence)
  from draft_events e cross join lateral (
    select case when get_byte(e.tokens, 0) = 2 then 0 else 1 end as is_text,
      case when get_byte(e.tokens, 0) = 2 then e.tokens else convert_to(coalesce(e.text, e.event->>'text'), 'UTF8') end as bytes
  ) own
  where e.draft_id = drafts.id and e.sequence > drafts.texts_until and e.sequence <= drafts.sequence)`.as('written');
/**
 * While a turn is being written, its tokens are counted from the log, because the model reports its usage at the end.
 */
const usage =
  sql<unknown>`case when drafts.status in ('QUEUED', 'GENERATING') then jsonb_set(drafts.usage, '{completionTokens}',
  to_jsonb(coalesce((drafts.turns->-1->'before'->>'completionTokens')::int, 0) + (
    select coalesce(sum(coalesce(jsonb_array_length(e.event->'tokens'), get_byte(e.tokens, 1) + 256 * get_byte(e.tokens, 2))), 0)::int
    from draft_events e
    where e.draft_id = drafts.id and e.sequence > (drafts.turns->-1->>'from')::int and e.sequence <= drafts.sequence
      and (e.tokens is not null or e.event ? 'tokens')))) else drafts.usage end`
    .mapWith(drafts.usage)
    .as('usage');
export const lastEpoch = sql<number>`coalesce(drafts.epochs[width_bucket(drafts.sequence - 1, drafts.epoch_starts)], 0)`
  .mapWith(Number)
  .as('last_epoch');
export const columns = {
  id: drafts.id,
  listenerId: drafts.listenerId,
  kind: drafts.kind,
  title: drafts.title,
  prompt: drafts.prompt,
  visibility: drafts.visibility,
  status: drafts.status,
  finishReason: drafts.finishReason,
  modelId: drafts.modelId,
  sampling: drafts.sampling,
  turns: drafts.turns,
  usage,
  failure: drafts.failure,
  sequence: drafts.sequence,
  epoch: drafts.epoch,
  epochs: drafts.epochs,
  epochStarts: drafts.epochStarts,
  lastEpoch,
  owner: drafts.owner,
  texts: drafts.texts,
  textTurns: drafts.textTurns,
  textsBefore: drafts.textsBefore,
  textsUntil: drafts.textsUntil,
  compacted: drafts.compacted,
  groupId: drafts.groupId,
  alternative: drafts.alternative,
  parentId: drafts.parentId,
  origin: drafts.origin,
  createdAt: drafts.createdAt,
  updatedAt: drafts.updatedAt,
  written,
};
