import type { Database } from '../../db/client.ts';
import {
  type LogNews,
  type LogPlace,
  type LogWanted,
  selectNews,
  selectSnapshot,
  selectStored,
} from '../../db/documents/update-queries.ts';
import { Batcher } from '../../lib/async/batcher.ts';
import { Semaphore } from '../../lib/async/semaphore.ts';
import { abortable } from '../../lib/async/streams.ts';
import { onEach, type Wakeups } from '../../lib/async/wakeups.ts';
import type { Logger } from '../../lib/log.ts';
import type { Viewer } from '../../listeners/listeners.ts';
import type { DocumentAccess } from '../access.ts';
import { type DocumentEvent, type FollowFrom, noSuchDocument, type StateReason } from '../contract.ts';
import { placeCursor, placeOfCursor } from '../document-cursor.ts';
import { documentRightsKey } from '../wakeup-keys.ts';
import { ownedBy } from '../yjs/state-vector.ts';
import type { YjsThread } from '../yjs/yjs-thread.ts';
import { DocumentTail, stepOf, type TailStep } from './document-tail.ts';

/** Updates of one log that are read at once. */
const READ_AT_ONCE = 128;
/** States that are read and put together at a time. The others wait without holding them in memory. */
const STATES_AT_ONCE = 4;

interface ReadersOptions {
  database: Database;
  access: DocumentAccess;
  wakeups: Wakeups;
  yjs: YjsThread;
  logger: Logger;
}

type StateEvent = Extract<DocumentEvent, { type: 'state' }>;

/** A tail, with how many read it. */
interface SharedTail {
  tail: DocumentTail;
  readers: number;
  /** The last whole state that was made, for readers that come at the same position. */
  state: { place: LogPlace; event: StateEvent } | null;
  /** The event of a step, for all that are at its beginning. */
  events: WeakMap<TailStep, DocumentEvent>;
}

/** All readers of documents in this process, with one tail per document ([DOCUMENT4], [DOCUMENT5]). */
export class DocumentReaders {
  readonly #options: ReadersOptions;
  readonly #tails = new Map<string, SharedTail>();
  readonly #news: Batcher<LogWanted, LogNews | null>;
  readonly #lanes = new Semaphore(STATES_AT_ONCE);

  constructor(options: ReadersOptions) {
    this.#options = options;
    this.#news = new Batcher((wanted) => selectNews(options.database, wanted, READ_AT_ONCE));
  }

  follow(
    viewer: Viewer,
    documentId: string,
    from: FollowFrom,
    outer?: AbortSignal,
  ): AsyncIterableIterator<DocumentEvent> {
    return abortable(outer, (signal) => this.#follow(viewer, documentId, from, signal));
  }

  async *#follow(
    viewer: Viewer,
    documentId: string,
    { after = null, stateVector: given = null }: FollowFrom,
    signal: AbortSignal,
  ): AsyncGenerator<DocumentEvent, void> {
    const stateVector = ownedBy(given);
    const rights = this.#watchRights(viewer, documentId, signal);
    const document = await this.#options.access.readable(viewer, documentId);
    const asked = after === null ? null : placeOfCursor(after, documentId);
    using entered = this.#enter(documentId, placeOfCursor(document.cursor, documentId));
    const { shared } = entered;
    const { tail } = shared;
    let resets = tail.resets;
    // The log alone knows whether it still has what a cursor names.
    let event: DocumentEvent | null = asked
      ? await this.#fromLog(documentId, shared, asked)
      : await this.#state(documentId, shared, 'START', stateVector);
    let place = asked ?? placeOfCursor(document.cursor, documentId);
    // Before looking, so that what comes while it looks is looked at again.
    let seen = -1;
    while (!signal.aborted) {
      await rights.checked();
      if (event) {
        place = placeOfCursor(event.cursor, documentId);
        yield event;
      } else await tail.bell.rung(seen, signal);
      seen = tail.bell.rings;
      const next = tail.resets === resets ? this.#next(documentId, shared, place) : 'elsewhere';
      resets = tail.resets;
      event = next === 'elsewhere' ? await this.#fromLog(documentId, shared, place) : next;
      // Whoever has lost the right meanwhile must not get it: it is looked up again afterwards.
      if (!rights.isDue) continue;
      event = null;
      seen = -1;
    }
  }

  /** Checks the right to read again after each change of rights, before anything more is sent. */
  #watchRights(viewer: Viewer, documentId: string, signal: AbortSignal) {
    const { wakeups, access } = this.#options;
    const rights = {
      isDue: false,
      checked: async (): Promise<void> => {
        while (rights.isDue) {
          rights.isDue = false;
          await access.readable(viewer, documentId);
        }
      },
    };
    void onEach(wakeups.changes(documentRightsKey(documentId), signal), () => {
      rights.isDue = true;
      this.#tails.get(documentId)?.tail.bell.ring();
    });
    return rights;
  }

  #enter(documentId: string, end: LogPlace): { shared: SharedTail } & Disposable {
    const { wakeups, logger } = this.#options;
    const read = (after: number) => this.#news.submit({ documentId, after });
    const shared = this.#tails.get(documentId) ?? {
      tail: new DocumentTail(documentId, end, wakeups, read, logger),
      ...{ readers: 0, state: null, events: new WeakMap<TailStep, DocumentEvent>() },
    };
    this.#tails.set(documentId, shared);
    shared.readers++;
    const leave = (): void => {
      if (--shared.readers > 0) return;
      shared.tail.close();
      if (this.#tails.get(documentId) === shared) this.#tails.delete(documentId);
    };
    return { shared, [Symbol.dispose]: leave };
  }

  /** Null at the end of the log. */
  #next(documentId: string, shared: SharedTail, place: LogPlace): DocumentEvent | null | 'elsewhere' {
    const step = shared.tail.after(place);
    if (step === 'later') return null;
    return step === 'elsewhere' ? step : eventOf(documentId, shared, step);
  }

  async #fromLog(documentId: string, shared: SharedTail, place: LogPlace): Promise<DocumentEvent | null> {
    const news = await this.#news.submit({ documentId, after: place.sequence });
    if (!news) throw noSuchDocument(documentId);
    if (isSame(place, news)) return null;
    const reason = lossOf(place, news);
    if (reason) return this.#state(documentId, shared, reason, null);
    return eventOf(documentId, shared, stepOf(news.updates.filter(({ sequence }) => sequence > place.sequence)));
  }

  async #state(
    documentId: string,
    shared: SharedTail,
    reason: StateReason,
    stateVector: Uint8Array | null,
  ): Promise<StateEvent> {
    return this.#lanes.run(async () => {
      const { end } = shared.tail;
      const known = shared.state;
      if (stateVector === null && known && isSame(known.place, end) && known.event.reason === reason)
        return known.event;
      const { database, yjs } = this.#options;
      const whole = stateVector === null ? await this.#snapshot(documentId, reason) : null;
      if (whole) shared.state = whole;
      if (whole) return whole.event;
      const stored = await selectStored(database, documentId);
      if (!stored) throw noSuchDocument(documentId);
      const encoded = await yjs.state(stored.parts, stateVector, 'stateVector');
      const event = { type: 'state' as const, cursor: placeCursor(documentId, stored), reason, ...encoded };
      if (stateVector === null) shared.state = { place: stored, event };
      return event;
    });
  }

  /**
   * The bytes of the snapshot as they are stored: what has come since follows from the log. Reading a document of ten
   * thousand edits, to put it together anew, would take longer than everything else ([DOCUMENT11]).
   */
  async #snapshot(documentId: string, reason: StateReason): Promise<SharedTail['state']> {
    const stored = await selectSnapshot(this.#options.database, documentId);
    if (!stored) return null;
    const { end, until, snapshot: update, stateVector } = stored;
    return {
      place: end,
      event: { type: 'state', cursor: placeCursor(documentId, until), reason, update, stateVector },
    };
  }
}

const isSame = (a: LogPlace, b: LogPlace): boolean => a.sequence === b.sequence && a.mark === b.mark;

function eventOf(documentId: string, { events }: SharedTail, step: TailStep): DocumentEvent {
  const known = events.get(step);
  if (known) return known;
  const event = { type: 'updates' as const, cursor: placeCursor(documentId, step.end), updates: step.updates };
  events.set(step, event);
  return event;
}

/** Why a log cannot be read on from a position; null if it can. */
function lossOf(place: LogPlace, { sequence, updates }: LogNews): StateReason | null {
  if (place.sequence > sequence) return 'DIVERGED';
  const [first] = updates;
  if (place.sequence === 0) return first?.sequence === 1 ? null : 'COMPACTED';
  if (first?.sequence !== place.sequence) return 'COMPACTED';
  return first.mark === place.mark ? null : 'DIVERGED';
}
