import type { Database } from '../../../db/client.ts';
import { insertDrafts } from '../../../db/drafts/draft-inserts.ts';
import type { RowChanges } from '../../../db/drafts/draft-log-queries.ts';
import * as projection from '../../../db/drafts/draft-projection-queries.ts';
import { deleteDraftRow, type DraftSummary, selectDrafts, selectSummary } from '../../../db/drafts/draft-queries.ts';
import { asError } from '../../../lib/errors.ts';
import type { Kept } from '../../../nats/subject-feed.ts';
import { WrongSequenceError } from '../../../nats/subject-log.ts';
import type { DraftStatus } from '../../contract.ts';
import { keptAs, passagesOf } from '../../text/passages.ts';
import { typing } from '../edits.ts';
import { isTerminal, leavesEnded, type LogEntry, type LogEvent, statusAfter } from '../log-events.ts';
import {
  type Addition,
  DivergedError,
  type EntriesWanted,
  type Fence,
  type LogAppend,
  type LogStore,
  type NewLog,
} from '../log-store.ts';
import { type DraftRecord, draftRecord, isSettled, lastTurn, modelTurns, type StoredMessage } from '../stored.ts';
import { withEntries } from './epochs.ts';
import { FoldedDraft } from './folded-draft.ts';
import { LiveLogs } from './live-logs.ts';
import type { SealedMessages } from './sealed-messages.ts';

type Message = Kept<StoredMessage>;
export type LogMessages = SealedMessages<StoredMessage>;

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

  async create(started: readonly NewLog[]): Promise<boolean> {
    const rows = started.map(({ draft }) => ({ draft, events: [] }));
    if (!(await insertDrafts(this.#database, rows))) return false;
    // If this process dies here, the node that takes up a draft finds its log empty and starts it.
    const fenceOf = (draftId: string): Fence => ({ draftId, epoch: 1, sequence: 0 });
    await Promise.all(
      started.map(({ draft: { id, at }, events }) => this.append({ type: 'progress', fence: fenceOf(id), events, at })),
    );
    return true;
  }

  async append({ fence, at, ...addition }: LogAppend): Promise<boolean> {
    const { draftId, epoch, sequence } = fence;
    const { events } = addition;
    const announced = announcement(addition, sequence);
    if (announced && !(await this.#announce(fence, announced, at))) return false;
    const made = await this.#write(draftId, { epoch, sequence: sequence + 1, events, at });
    const after = statusAfter(events);
    if (made && isEnd(events)) await this.project(draftId, epoch);
    else if (made && after?.status === 'GENERATING')
      await projection.markGenerating(this.#database.db, fence, after.usage);
    return made;
  }

  /**
   * Says in the draft's row what is about to be appended. Where the database was restored from a backup, the log of a
   * finished draft may go on: the draft gets what is there, and can be continued after it ([LOG13]).
   */
  async #announce(fence: Fence, announced: RowChanges, at: Date): Promise<boolean> {
    const { draftId, epoch, sequence } = fence;
    const end = await this.#endOf(draftId);
    if (!end || end.sequence <= sequence) return projection.announceAppend(this.#database, fence, announced, at);
    await this.project(draftId, epoch);
    return false;
  }

  async take(draftId: string, epoch: number): Promise<Fence | null> {
    this.#ends.delete(draftId);
    const [end, draft] = [await this.#endOf(draftId), await this.#record(draftId)];
    if (!draft || !end || draft.epoch !== epoch) return null;
    if (hasEnded(draft, end)) {
      await this.project(draftId, epoch);
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

  async settle(draftId: string): Promise<void> {
    const draft = await this.#record(draftId);
    const end = draft && !isTerminal(draft.status) ? await this.#endOf(draftId) : null;
    if (draft && end && hasEnded(draft, end)) await this.project(draftId, draft.epoch);
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
    const found = await selectSummary(this.#database.db, draftId);
    if (!found) return null;
    const { isSettled: settled, ...summary } = found;
    const last = isTerminal(summary.status) && settled ? null : await this.#messages.last(draftId);
    if (!last || lastOf(last) < summary.sequence) return summary;
    const lastEpoch = lastEpochOf(last) ?? summary.lastEpoch;
    return { ...summary, sequence: lastOf(last), lastEpoch, status: statusAtEnd(last, summary.status) };
  }

  refresh(drafts: readonly DraftRecord[]): Promise<DraftRecord[]> {
    return Promise.all(drafts.map(async (draft) => (isSettled(draft) ? draft : this.#fold(draft))));
  }

  async remove(draftId: string, endedBefore?: Date): Promise<boolean> {
    let last = await this.#messages.lastSequence(draftId);
    const isGone = await deleteDraftRow(this.#database.db, draftId, endedBefore);
    // One that was removed before may have left its log.
    if (!isGone && endedBefore) return false;
    this.#forget(draftId);
    // Its writer can append until the message that it names is gone, and not any more.
    for (; last > 0; last = await this.#messages.lastSequence(draftId)) await this.#messages.purge(draftId, last);
    return true;
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
    const last = await this.#messages.last(draft.id);
    const messages = last ? await this.#messages.range(draft.id, 1, last.streamSequence, Infinity) : [];
    const history = withEntries(draft, draft.textsUntil, messages.flatMap(entriesOf));
    const folded = new FoldedDraft({ ...draft, ...history, lastEpoch: history.epochs.at(-1) ?? 0 });
    for (const message of messages) for (const entry of entriesOf(message)) folded.add(entry, message.data.at);
    return folded.now;
  }

  /** Copies the draft into its row, unless a later epoch owns it, which then does so. */
  async project(draftId: string, epoch: number): Promise<void> {
    const draft = await this.#record(draftId);
    if (!draft) return;
    const now = await this.#fold(draft);
    if (!isTerminal(now.status)) return projection.reopenDraft(this.#database.db, draftId, now.lastEpoch);
    const { sequence, epochs, epochStarts, turns, status, finishReason, usage, failure, updatedAt } = now;
    const kept = keptAs(passagesOf(now, modelTurns(now).length), sequence);
    const end = { epochs, epochStarts, turns, status, finishReason, usage, failure, ...kept };
    await projection.projectEnd(this.#database, { draftId, epoch, sequence }, end, updatedAt);
    this.#forget(draftId);
  }

  /** As the database has it. */
  async #record(draftId: string): Promise<DraftRecord | null> {
    const [row] = await selectDrafts(this.#database, [draftId]);
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

/** Whether the last turn that the row knows has ended in the log. */
const hasEnded = (draft: DraftRecord, end: End): boolean => end.ended && end.sequence > lastTurn(draft).from;

const isEnd = (events: readonly LogEvent[]): boolean => events.slice(-1).some(leavesEnded);

/** What a draft's row says before events are appended, so that whoever reads it then knows of them. */
function announcement(addition: Addition, sequence: number): RowChanges | null {
  switch (addition.type) {
    case 'progress':
      return null;
    case 'turn':
      return { ...statusAfter(addition.events), turns: addition.turns, ...addition.kept };
    case 'edit':
      return { turns: typing(addition.before.turns, sequence) };
  }
}

/** The status after a log's last message. A draft keeps its status when it is edited. */
function statusAtEnd({ data: { events } }: Message, before: DraftStatus): DraftStatus {
  const event = events.at(-1);
  if (event?.type === 'edit') return before;
  return event?.type === 'status' ? event.status : 'GENERATING';
}
