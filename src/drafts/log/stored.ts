import { z } from 'zod';
import type { DraftRow } from '../../db/drafts/draft-columns.ts';
import type { EventRow } from '../../db/drafts/draft-events.ts';
import type { StoredEvent } from '../../db/sealing/sealed-events.ts';
import type { Format } from '../../formats/formats.ts';
import { parseStored } from '../../lib/stored-data.ts';
import { defaultSampling, type Sampling, type Usage } from '../../ml/engine.ts';
import type { TunePlan, TuneTask } from '../../tunes/tunes.ts';
import type { VerseForm } from '../../verse/verse.ts';
import { type Draft, type DraftOrigin, TONES } from '../contract.ts';
import { passagesOf } from '../text/passages.ts';
import { isTerminal, type LogEntry, type LogEvent, type Repetition } from './log-events.ts';
import { packEvents, unpackEvents } from './packed-events.ts';

/** The form of a turn's text. */
export interface TurnVerse {
  form: VerseForm;
  /** Text between what was there before and the form. */
  lead: string;
  /** Where the form begins, lead included, in the answer that the turn continues: a number of UTF-16 code units. */
  from: number;
  /** Nobody asked for it, so that it gives way to a text that does not keep it. */
  byDefault: boolean;
}

/** One turn of the model, as stored in the draft's row. */
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
  /** The code point before which it is inserted. Null if it is written at the end. */
  at: number | null;
  /** Null for a text without a form. */
  verse: TurnVerse | null;
  /** Null for a text without a format. */
  format: Format | null;
  /** What a tune's turn is to write. Null for texts. */
  tune: TuneTask | null;
}

/**
 * What people have changed between two turns of the model. One also precedes a turn that is inserted, since its position
 * is a person's choice. Builds that know neither refuse the draft instead of misreading it ([LOG11]).
 */
export interface TypedTurn {
  type: 'typed';
  /** The log's position before the latest change. */
  from: number;
  /** The keys of the latest changes. */
  asked: readonly Repetition[];
}

/** The start, each continuation, and what was typed in between. */
export type TurnHistory = readonly [Turn, ...(Turn | TypedTurn)[]];

/** A draft's row, its JSON columns parsed. */
export interface DraftRecord extends DraftRow {
  sampling: Sampling;
  turns: TurnHistory;
  usage: Usage;
  origin: DraftOrigin | null;
}

export const isTyped = (turn: Turn | TypedTurn): turn is TypedTurn => 'type' in turn;

/** The model's turns. */
export const modelTurns = ({ turns }: { turns: TurnHistory }): Turn[] =>
  turns.filter((turn): turn is Turn => !isTyped(turn));

/** The turn that is being written, or was last. */
export const lastTurn = (draft: { turns: TurnHistory }): Turn => modelTurns(draft).at(-1) ?? draft.turns[0];

/**
 * Whether the row includes all events of the log: where the log is stored elsewhere, the row of a draft that is being
 * written or changed precedes them.
 */
export function isSettled({ turns, status, sequence }: Pick<DraftRecord, 'turns' | 'status' | 'sequence'>): boolean {
  const last = turns.at(-1);
  return isTerminal(status) && !(last && isTyped(last) && last.from >= sequence);
}

const count = z.int().nonnegative();
const measured = z.number().nullable().default(null);
const usage: z.ZodType<Usage> = z.object({
  promptTokens: count,
  completionTokens: count,
  queueMs: measured,
  timeToFirstTokenMs: measured,
  tokensPerSecond: measured,
  engineMs: z.number().nullable().exactOptional(),
  computedBy: z.string().exactOptional(),
  continuedElsewhere: z.boolean().exactOptional(),
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
  dryMultiplier: z.number().default(kept.dryMultiplier),
  dryBase: z.number().default(kept.dryBase),
  dryAllowedLength: count.default(kept.dryAllowedLength),
  xtcProbability: z.number().default(kept.xtcProbability),
  xtcThreshold: z.number().default(kept.xtcThreshold),
  logitBias: z.array(z.object({ text: z.string(), bias: z.number() })).default([]),
  bannedPhrases: texts.default([]),
  maxTokens: count.default(kept.maxTokens),
  maxSeconds: z.number().nullable().default(kept.maxSeconds),
  seed: count,
  stop: texts.default([]),
});

const ticks = z.number().nonnegative();
const planOfTune: z.ZodType<TunePlan> = z.object({
  tonic: z.string(),
  mode: z.enum(['MAJOR', 'MINOR', 'DORIAN', 'MIXOLYDIAN', 'PHRYGIAN', 'LYDIAN', 'LOCRIAN']),
  low: count,
  high: count,
  unit: ticks,
  notesPerWhole: z.number().nullable(),
  bars: z.array(
    z.object({
      before: z.string(),
      ticks,
      given: z.string().nullable(),
      returns: z.object({ bar: count, ticks }).nullable(),
      closes: z.boolean(),
    }),
  ),
  ending: z.string(),
  written: z.string(),
});
const tune: z.ZodType<TuneTask> = z.object({
  ...{ header: z.string(), prompt: z.string(), context: z.string() },
  plan: planOfTune,
});

const repetition: z.ZodType<Repetition> = z.object({ key: z.string(), input: z.string() });

const form: z.ZodType<VerseForm> = z.object({
  stanzas: z.array(
    z.object({
      label: z.enum(['VERSE', 'CHORUS', 'BRIDGE']).nullable(),
      lines: z.array(
        z.object({
          least: count,
          most: count,
          metre: z.enum(['IAMBIC', 'TROCHAIC', 'ANAPAESTIC', 'DACTYLIC']).nullable(),
          strong: z.array(count).nullable().default(null),
          rhyme: z.string().nullable(),
        }),
      ),
      refrainOf: count.nullable(),
    }),
  ),
  tune: z.string().nullable().default(null),
});

const format: z.ZodType<Format> = z.discriminatedUnion('type', [
  z.object({ type: z.literal('JSON_SCHEMA'), schema: z.string() }),
  z.object({ type: z.literal('REGEX'), expression: z.string() }),
  z.object({ type: z.literal('CHOICE'), options: texts }),
  z.object({ type: z.literal('GBNF'), grammar: z.string() }),
  z.object({ type: z.literal('LARK'), grammar: z.string() }),
]);

/** Loose, since turns are written back: fields that another version has added are kept. */
const modelTurn: z.ZodType<Turn> = z.looseObject({
  instruction: z.string().nullable(),
  sampling,
  from: count,
  before: usage,
  model: z.string().nullable().default(null),
  asked: repetition.nullable().default(null),
  at: count.nullable().default(null),
  verse: z
    .object({ form, lead: z.string(), from: count, byDefault: z.boolean().default(false) })
    .nullable()
    .default(null),
  format: format.nullable().default(null),
  tune: tune.nullable().default(null),
});
const typedTurn: z.ZodType<TypedTurn> = z.looseObject({
  type: z.literal('typed'),
  from: count,
  asked: z.array(repetition),
});

const turns = z.tuple([modelTurn], z.union([typedTurn, modelTurn]));

const origin: z.ZodType<DraftOrigin> = z.discriminatedUnion('type', [
  z.object({ type: z.literal('RETRY'), revision: count }),
  z.object({ type: z.literal('BRANCH'), revision: count, at: count, text: z.string() }),
  z.object({
    type: z.literal('REWRITE'),
    ...{ revision: count, start: count, end: count },
    ...{ before: z.string(), passage: z.string(), after: z.string() },
    instruction: z.string().nullable(),
    tone: z.enum(TONES).nullable(),
  }),
  z.object({
    type: z.literal('ASSIST'),
    ...{ documentId: z.string(), task: z.enum(['CONTINUE', 'REWRITE', 'TUNE']) },
    ...{ before: z.string(), passage: z.string(), after: z.string() },
    instruction: z.string().nullable(),
    tone: z.enum(TONES).nullable(),
  }),
]);

const jsonOfDraft = z.object({ sampling, turns, usage, origin: origin.nullable().default(null) });

/** The draft without what only its writers need. */
export function toDraft(record: DraftRecord): Draft {
  const { turns: _, epoch: __, epochs: ___, epochStarts: ____, owner: _____, ...known } = record;
  const { texts, textTurns, textsBefore, textsUntil, ...draft } = known;
  const kept = { texts, textTurns, textsBefore, textsUntil };
  const passages = passagesOf({ text: draft.text, ...kept }, modelTurns(record).length);
  const last = lastTurn(record);
  return { ...draft, passages, form: last.verse?.form ?? null, format: last.format };
}

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
const tokens = z.array(z.tuple([count, z.string(), logprob, z.array(alternative)]));
const event: z.ZodType<LogEvent> = z.discriminatedUnion('type', [
  z.object({ type: z.literal('tokens'), text: z.string(), tokens }),
  z.object({ type: z.literal('inserted'), at: count, text: z.string(), tokens }),
  z.object({
    type: z.literal('edit'),
    start: count,
    end: count,
    text: z.string(),
    asked: repetition.nullable().default(null),
  }),
  z.object({
    type: z.literal('status'),
    status: z.enum(['QUEUED', 'GENERATING', 'COMPLETED', 'CANCELLED', 'FAILED']),
    finishReason: z.enum(['STOP', 'LENGTH', 'TIME', 'CANCELLED', 'ERROR']).nullable(),
    usage,
    failure: z.string().nullable().default(null),
  }),
]);
const entry = z.object({ event });

/** @throws StoredDataError */
export function logEntries(draftId: string, rows: readonly EventRow[]): LogEntry[] {
  const what = `the log of draft ${draftId}`;
  return rows.flatMap(({ sequence, epoch, ...stored }): LogEntry[] => {
    if (stored.tokens === null) return [{ sequence, epoch, ...parseStored(entry, stored, what) }];
    const events = unpackEvents(stored, what);
    return events.map((one, i) => ({ sequence: sequence - events.length + 1 + i, epoch, event: one }));
  });
}

/** An event as a row of its own. */
export function storedEvent(one: LogEvent): StoredEvent {
  const packed = packEvents([one]);
  return packed ? { event: null, ...packed } : { event: one, text: null, tokens: null };
}

/** The same of an event from another log, which is kept byte for byte if this build would write it otherwise. */
export function movedEvent(raw: unknown): StoredEvent {
  const { data } = event.safeParse(raw);
  const isOurs = data !== undefined && JSON.stringify(data) === JSON.stringify(raw);
  return isOurs ? storedEvent(data) : { event: raw, text: null, tokens: null };
}

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
