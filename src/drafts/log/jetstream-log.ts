import type { Database } from '../../db/client.ts';
import * as projection from '../../db/queries/draft-projection-queries.ts';
import {
  deleteDraftRow,
  type DraftSummary,
  insertDraft,
  type NewDraft,
  selectDrafts,
  selectSummary,
} from '../../db/queries/draft-queries.ts';
import { asError } from '../../lib/errors.ts';
import type { Kept } from '../../nats/subject-feed.ts';
import type { SubjectLog } from '../../nats/subject-log.ts';
import { WrongSequenceError } from '../../nats/subject-log.ts';
import { withEntries } from './epochs.ts';
import { LiveLogs } from './live-logs.ts';
import { isTerminal, type LogEntry, type LogEvent, statusAfter } from './log-events.ts';
import { DivergedError, type EntriesWanted, type Fence, type LogAppend, type LogStore } from './log-store.ts';
import { type DraftRecord, draftRecord, lastTurn, type StoredMessage } from './stored.ts';

type Message = Kept<StoredMessage>;
export type LogMessages = SubjectLog<StoredMessage>;

/** Maximum number of drafts whose messages' stream sequences are cached: about 20 kB each. */
const REMEMBERED = 256;

/** The end of a log. */
interface End {
  epoch: number;
  sequence: number;
  /** The stream sequence of the last message. 0 if there is none. */
  streamSequence: number;
  /** The epoch in which its last entry was written. Null if it is unknown. */
  lastEpoch: number | null;
  ended: boolean;
}

/**
 * The logs in NATS JetStream, with one subject per draft ([LOG9]). An append is one message, so its events are stored
 * together or not at all. It names the message that it follows, and the server accepts it only there: that is the
 * fence. Its id makes a repetition harmless. A draft's row is updated when the draft has ended; until then the log is
 * read.
 */
export class JetStreamLog implements LogStore {
  readonly #database: Database;
  readonly #messages: LogMessages;
  /** The ends of logs as last seen: a guess that the server checks. */
  readonly #ends = new Map<string, End>();
  /** Stream sequences of recently read messages, so that a reader that continues does not start from the beginning. */
  readonly #streamSequences = new Map<string, { sequence: number; streamSequence: number }[]>();
  readonly #live: LiveLogs;

  /** @param wake wakes this process's readers of a draft */
  constructor(database: Database, messages: LogMessages, wake: (draftId: string) => void) {
    this.#database = database;
    this.#messages = messages;
    this.#live = new LiveLogs({
      wake,
      follow: (draftId, { streamSequence }, { onEntries, onEnd }) =>
        messages.follow(draftId, streamSequence + 1, {
          onMessage: (message) => onEntries(entriesOf(message), isEnd(message.data.events)),
          onEnd,
        }),
    });
  }

  [Symbol.dispose](): void {
    this.#live[Symbol.dispose]();
  }

  async create(draft: NewDraft, events: readonly LogEvent[]): Promise<boolean> {
    if (!(await insertDraft(this.#database.db, draft, []))) return false;
    // If this process dies here, the node that takes up the draft finds its log empty and starts it.
    await this.append({ type: 'progress', fence: { draftId: draft.id, epoch: 1, sequence: 0 }, events, at: draft.at });
    return true;
  }

  async append({ fence, at, ...addition }: LogAppend): Promise<boolean> {
    const { draftId, epoch, sequence } = fence;
    const { events } = addition;
    if (addition.type === 'turn') {
      if (!(await this.#endsAt(draftId, sequence))) return false;
      const begun = { ...statusAfter(events), turns: addition.turns };
      if (!(await projection.beginTurn(this.#database.db, draftId, epoch, begun, at))) return false;
    }
    const made = await this.#write(draftId, { epoch, sequence: sequence + 1, events, at });
    if (made && isEnd(events)) await this.#project(draftId);
    return made;
  }

  /**
   * Whether a finished draft's log ends there. Where the database was restored from a backup, the log may go on: the
   * draft gets what is there, and can be continued after it ([LOG13]).
   */
  async #endsAt(draftId: string, sequence: number): Promise<boolean> {
    const end = await this.#endOf(draftId);
    if (!end || end.sequence <= sequence) return true;
    await this.#project(draftId);
    return false;
  }

  async take(draftId: string, epoch: number): Promise<Fence | null> {
    this.#ends.delete(draftId);
    const [end, draft] = [await this.#endOf(draftId), await this.#record(draftId)];
    if (!draft || !end || draft.epoch !== epoch) return null;
    if (end.ended && end.sequence > lastTurn(draft).from) {
      await this.#project(draftId);
      return null;
    }
    // A database that was restored from a backup knows older epochs than the log.
    const mine =
      end.epoch > epoch ? await projection.raiseEpoch(this.#database.db, draftId, epoch, end.epoch + 1) : epoch;
    if (mine === null) return null;
    const { sequence } = end;
    if (await this.#write(draftId, { epoch: mine, sequence, events: [], at: draft.updatedAt }))
      return { draftId, epoch: mine, sequence };
    // The previous writer appended once more, before our message.
    return this.take(draftId, mine);
  }

  async read(draftId: string, after: number, limit: number, epoch: number | null = null): Promise<LogEntry[]> {
    const wanted = { draftId, after, limit, epoch };
    const known = this.#pushed(wanted);
    return known?.length ? known : this.#ask(wanted);
  }

  news(wanted: readonly EntriesWanted[]): Promise<(LogEntry[] | Error)[]> {
    return Promise.all(wanted.map((one) => this.#newsOf(one)));
  }

  async #newsOf(wanted: EntriesWanted): Promise<LogEntry[] | Error> {
    try {
      return this.#pushed(wanted) ?? (await this.#ask(wanted));
    } catch (error) {
      return asError(error);
    }
  }

  async #ask(wanted: EntriesWanted): Promise<LogEntry[]> {
    const { draftId, after } = wanted;
    const last = await this.#messages.last(draftId);
    if (!last) return this.#emptyLog(wanted);
    const end = { sequence: lastOf(last), epoch: lastEpochOf(last), streamSequence: last.streamSequence };
    if (!isEnd(last.data.events)) this.#live.begin(draftId, end);
    if (end.sequence > after) return this.#readBack(wanted, last);
    const isThere = end.sequence === after && !differ(end.epoch, wanted.epoch);
    return isThere || wanted.epoch === null ? [] : this.#emptyLog(wanted);
  }

  /** Without an event after the reader's own, or with that: the text may be all that is kept of it ([LOG8]). */
  async #emptyLog({ draftId, after, epoch }: EntriesWanted): Promise<LogEntry[]> {
    const row = epoch === null || after === 0 ? null : await selectSummary(this.#database.db, draftId);
    if (row && (row.sequence < after || (row.sequence === after && row.lastEpoch !== epoch))) throw new DivergedError();
    return [];
  }

  /** Null if the log must be read, because our own last append may not have been pushed back to us yet. */
  #pushed(wanted: EntriesWanted): LogEntry[] | null {
    const written = this.#ends.get(wanted.draftId);
    return written && !this.#live.hasReached(wanted.draftId, written.sequence) ? null : this.#live.read(wanted);
  }

  async #readBack({ draftId, after, epoch, limit }: EntriesWanted, last: Message): Promise<LogEntry[]> {
    const isLater = (entry: LogEntry): boolean => entry.sequence > after;
    const { sequence, events } = last.data;
    if (events.length > 0 && sequence <= after + 1) {
      checkFollows(last, after, epoch);
      return entriesOf(last).filter(isLater).slice(0, limit);
    }
    const known = this.#streamSequencesOf(draftId);
    let from = known.findLast((one) => one.sequence <= after)?.streamSequence ?? 0;
    const found: LogEntry[] = [];
    // The requested entries may be many messages after the known position.
    while (from < last.streamSequence && found.length < limit) {
      const messages = await this.#messages.range(draftId, from + 1, last.streamSequence, limit);
      const read = messages.at(-1);
      if (!read) break;
      const next = messages.find((message) => message.data.events.length > 0 && lastOf(message) > after);
      if (next && found.length === 0) checkFollows(next, after, epoch);
      if (read.streamSequence > (known.at(-1)?.streamSequence ?? 0))
        known.push({ sequence: lastOf(read), streamSequence: read.streamSequence });
      found.push(...messages.flatMap(entriesOf).filter(isLater));
      from = read.streamSequence;
    }
    return found.slice(0, limit);
  }

  async summaryOf(draftId: string): Promise<DraftSummary | null> {
    const summary = await selectSummary(this.#database.db, draftId);
    const last = summary && !isTerminal(summary.status) ? await this.#messages.last(draftId) : null;
    if (!summary || !last) return summary;
    const event = last.data.events.at(-1);
    const [sequence, lastEpoch] = [lastOf(last), lastEpochOf(last) ?? summary.lastEpoch];
    if (sequence < summary.sequence) return summary;
    return { ...summary, sequence, lastEpoch, status: event?.type === 'status' ? event.status : 'GENERATING' };
  }

  refresh(drafts: readonly DraftRecord[]): Promise<DraftRecord[]> {
    return Promise.all(drafts.map(async (draft) => (isTerminal(draft.status) ? draft : this.#fold(draft))));
  }

  async remove(draftId: string): Promise<void> {
    const streamSequence = await this.#messages.lastSequence(draftId);
    await deleteDraftRow(this.#database.db, draftId);
    this.#forget(draftId);
    if (streamSequence > 0) await this.#messages.purge(draftId, streamSequence);
  }

  async compact(before: Date, limit: number): Promise<number> {
    const finished = await projection.selectFinished(this.#database.db, before, limit);
    for (const { id, sequence } of finished) {
      const last = await this.#messages.last(id);
      // A draft that is being continued continues after what we have seen. Later messages are kept.
      if (last && lastOf(last) <= sequence) await this.#messages.purge(id, last.streamSequence);
      await projection.markCompacted(this.#database.db, id, sequence);
      this.#forget(id);
    }
    return finished.length;
  }

  /** @returns false if the log does not end where this message begins, or a later epoch owns it */
  async #write(draftId: string, message: Omit<StoredMessage, 'follows'>): Promise<boolean> {
    const { epoch, sequence, events } = message;
    const before = events.length > 0 ? sequence - 1 : sequence;
    for (;;) {
      const end = this.#ends.get(draftId) ?? (await this.#endOf(draftId));
      const isRepeat = end?.epoch === epoch && events.length > 0 && end.sequence === before + events.length;
      if (isRepeat) return true;
      if (!end || end.epoch > epoch || end.sequence !== before) {
        // A cached end may be outdated. One that was just looked up is not.
        if (this.#ends.delete(draftId)) continue;
        return false;
      }
      try {
        const id = `${draftId}:${epoch}:${sequence}:${events.length}`;
        const stored = { ...message, follows: end.lastEpoch };
        const streamSequence = await this.#messages.append(draftId, stored, { after: end.streamSequence, id });
        const ended = events.length > 0 ? isEnd(events) : end.ended;
        const lastEpoch = events.length > 0 ? epoch : end.lastEpoch;
        this.#ends.set(draftId, { epoch, sequence: before + events.length, streamSequence, lastEpoch, ended });
        return true;
      } catch (error) {
        this.#ends.delete(draftId);
        if (!(error instanceof WrongSequenceError)) throw error;
      }
    }
  }

  /** Looks up the end without the cache. Null if there is no such draft. */
  async #endOf(draftId: string): Promise<End | null> {
    const last = await this.#messages.last(draftId);
    const summary = await selectSummary(this.#database.db, draftId);
    if (!summary) return null;
    const streamSequence = last?.streamSequence ?? 0;
    // There are no messages, or they end before what the row has: the stream was restored from a backup.
    if (!last || lastOf(last) < summary.sequence) {
      const { sequence, status, lastEpoch } = summary;
      return { epoch: last?.data.epoch ?? 0, sequence, streamSequence, lastEpoch, ended: isTerminal(status) };
    }
    const { epoch, events } = last.data;
    return { epoch, sequence: lastOf(last), streamSequence, lastEpoch: lastEpochOf(last), ended: isEnd(events) };
  }

  /** The draft, updated from its log. */
  async #fold(draft: DraftRecord): Promise<DraftRecord> {
    const now = { ...draft, texts: [...(draft.texts ?? [])] };
    const { turns } = draft;
    let written = lastTurn(draft).before.completionTokens;
    const last = await this.#messages.last(draft.id);
    const messages = last ? await this.#messages.range(draft.id, 1, last.streamSequence, Infinity) : [];
    Object.assign(now, withEntries(draft, draft.textsUntil, messages.flatMap(entriesOf)));
    for (const message of messages) {
      for (const { sequence, event } of entriesOf(message)) {
        if (sequence <= draft.textsUntil) continue;
        now.sequence = sequence;
        const current = Math.max(
          0,
          turns.findLastIndex((turn) => turn.from < sequence),
        );
        if (event.type === 'tokens') {
          now.texts[current] = (now.texts[current] ?? '') + event.text;
          if (current === turns.length - 1) written += event.tokens.length;
        } else Object.assign(now, statusAfter([event]));
      }
      if (message.data.events.length > 0) now.updatedAt = message.data.at;
    }
    now.text = now.texts.join('');
    now.lastEpoch = now.epochs.at(-1) ?? 0;
    // The model reports a turn's usage at its end.
    if (!isTerminal(now.status)) now.usage = { ...now.usage, completionTokens: written };
    return now;
  }

  async #project(draftId: string): Promise<void> {
    const draft = await this.#record(draftId);
    if (!draft) return;
    const { texts, updatedAt, ...folded } = await this.#fold(draft);
    if (!isTerminal(folded.status)) return projection.reopenDraft(this.#database.db, draftId, folded.lastEpoch);
    const { sequence, epochs, epochStarts, status, finishReason, usage, failure } = folded;
    const whole = draft.turns.map((_, i) => texts?.[i] ?? '');
    const end = { sequence, epochs, epochStarts, texts: whole, status, finishReason, usage, failure };
    await projection.projectEnd(this.#database.db, draftId, end, updatedAt);
    this.#forget(draftId);
  }

  /** As the database has it. */
  async #record(draftId: string): Promise<DraftRecord | null> {
    const [row] = await selectDrafts(this.#database.db, [draftId]);
    return row ? draftRecord(row) : null;
  }

  #streamSequencesOf(draftId: string): { sequence: number; streamSequence: number }[] {
    const known = this.#streamSequences.get(draftId) ?? [];
    this.#streamSequences.delete(draftId);
    this.#streamSequences.set(draftId, known);
    for (const oldest of this.#streamSequences.keys())
      if (this.#streamSequences.size > REMEMBERED) this.#streamSequences.delete(oldest);
    return known;
  }

  #forget(draftId: string): void {
    this.#ends.delete(draftId);
    this.#streamSequences.delete(draftId);
    this.#live.forget(draftId);
  }
}

function lastOf({ data: { sequence, events } }: Message): number {
  return events.length > 0 ? sequence + events.length - 1 : sequence;
}

const entriesOf = ({ data: { sequence, epoch, events } }: Message): LogEntry[] =>
  events.map((event, i) => ({ sequence: sequence + i, epoch, event }));

/** The epoch of the last entry up to a message. Null if it is unknown. */
const lastEpochOf = ({ data: { epoch, follows, events } }: Message): number | null =>
  events.length > 0 ? epoch : follows;

/** Whether two epochs are known, and not the same. */
const differ = (one: number | null, other: number | null): boolean => one !== null && other !== null && one !== other;

/** @throws DivergedError if a message has, or follows, another entry there than one of that epoch */
function checkFollows({ data: { sequence, epoch, follows } }: Message, after: number, wanted: number | null): void {
  const there = sequence <= after ? epoch : sequence === after + 1 ? follows : null;
  if (differ(there, wanted)) throw new DivergedError();
}

function isEnd(events: readonly LogEvent[]): boolean {
  const last = events.at(-1);
  return last?.type === 'status' && isTerminal(last.status);
}
