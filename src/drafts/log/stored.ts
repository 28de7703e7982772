import { z } from 'zod';
import type { DraftRow } from '../../db/queries/draft-queries.ts';
import { parseStored } from '../../lib/stored-data.ts';
import { defaultSampling, type Sampling, type Usage } from '../../ml/engine.ts';
import type { LogEntry, LogEvent } from './log-events.ts';

/** Identifies a repetition: the caller's idempotency key and the digest of its input. */
export interface Repetition {
  key: string;
  input: string;
}

/** One turn of a draft, as stored in its row. */
export interface Turn {
  instruction: string | null;
  sampling: Sampling;
  /** The log's position when the turn began. Its tokens come after. */
  from: number;
  /** Usage of the previous turns. */
  before: Usage;
  /** The digest of the model that began it. Null in turns from before it was stored. */
  model: string | null;
  /** The idempotency key of its request, and the digest of the input. */
  asked: Repetition | null;
}

/** The start, and each continuation. */
export type TurnHistory = readonly [Turn, ...Turn[]];

/** A draft's row, its JSON columns parsed. */
export interface DraftRecord extends DraftRow {
  sampling: Sampling;
  turns: TurnHistory;
  usage: Usage;
}

/** The turn that is being written, or was last. */
export const lastTurn = ({ turns }: { turns: TurnHistory }): Turn => turns.at(-1) ?? turns[0];

const count = z.int().nonnegative();
const measured = z.number().nullable().default(null);
const usage: z.ZodType<Usage> = z.object({
  promptTokens: count,
  completionTokens: count,
  queueMs: measured,
  timeToFirstTokenMs: measured,
  tokensPerSecond: measured,
});

const texts = z.array(z.string());
const kept = defaultSampling;
/** A stored sampling may lack newer fields, which then have their defaults. */
const sampling: z.ZodType<Sampling> = z.object({
  temperature: z.number().default(kept.temperature),
  topK: count.default(kept.topK),
  topP: z.number().default(kept.topP),
  minP: z.number().default(kept.minP),
  repetitionPenalty: z.number().default(kept.repetitionPenalty),
  presencePenalty: z.number().default(kept.presencePenalty),
  frequencyPenalty: z.number().default(kept.frequencyPenalty),
  logitBias: z.array(z.object({ text: z.string(), bias: z.number() })).default([]),
  bannedPhrases: texts.default([]),
  maxTokens: count.default(kept.maxTokens),
  maxSeconds: z.number().nullable().default(kept.maxSeconds),
  seed: count,
  stop: texts.default([]),
});

/** Loose, since turns are written back: fields that another version has added are kept. */
const turn: z.ZodType<Turn> = z.looseObject({
  instruction: z.string().nullable(),
  sampling,
  from: count,
  before: usage,
  model: z.string().nullable().default(null),
  asked: z.object({ key: z.string(), input: z.string() }).nullable().default(null),
});

const jsonOfDraft = z.object({ sampling, turns: z.tuple([turn], turn), usage });

/** @throws StoredDataError */
export function draftRecord(row: DraftRow): DraftRecord {
  return { ...row, ...parseStored(jsonOfDraft, row, `draft ${row.id}`) };
}

/** Minus infinity for an impossible token, which JSON stores as null. */
const logprob = z
  .number()
  .nullable()
  .transform((stored) => stored ?? -Infinity);
const alternative = z.tuple([z.string(), logprob]);
const event: z.ZodType<LogEvent> = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('tokens'),
    text: z.string(),
    tokens: z.array(z.tuple([count, z.string(), logprob, z.array(alternative)])),
  }),
  z.object({
    type: z.literal('status'),
    status: z.enum(['QUEUED', 'GENERATING', 'COMPLETED', 'CANCELLED', 'FAILED']),
    finishReason: z.enum(['STOP', 'LENGTH', 'TIME', 'CANCELLED', 'ERROR']).nullable(),
    usage,
    failure: z.string().nullable().default(null),
  }),
]);
const entries = z.array(z.object({ sequence: count, epoch: count, event }));

/** @throws StoredDataError */
export const logEntries = (
  draftId: string,
  rows: readonly { sequence: number; epoch: number; event: unknown }[],
): LogEntry[] => parseStored(entries, rows, `the log of draft ${draftId}`);

/** A message of a log in JetStream: an append or, without events, the start of a later epoch. */
export interface StoredMessage {
  epoch: number;
  /** The sequence number of its first event or, without events, of the previous one. */
  sequence: number;
  /** The epoch of the entry that it follows. Null in messages from before it was stored. */
  follows: number | null;
  events: readonly LogEvent[];
  at: Date;
}

export const storedMessage: z.ZodType<StoredMessage> = z.object({
  epoch: count,
  sequence: count,
  follows: count.nullable().default(null),
  events: z.array(event),
  at: z.iso.datetime().transform((at) => new Date(at)),
});
