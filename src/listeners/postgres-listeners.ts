import { readPersonalRows } from '../db/analytics/personal-data.ts';
import type { Database } from '../db/client.ts';
import * as queries from '../db/queries/listener-queries.ts';
import { perOwner } from '../db/queries/per-owner.ts';
import { claimVisitorRows, isVisitorClaimed } from '../db/queries/visitor-queries.ts';
import { deleteFeedback, selectViewerFeedback, stateVerdict } from '../db/recommend/taste-queries.ts';
import { onEach, type Wakeups } from '../lib/async/wakeups.ts';
import type { Clock } from '../lib/clock.ts';
import { groupBy, indexBy } from '../lib/collections.ts';
import { ConflictError, ForbiddenError, NotFoundError, UnauthenticatedError } from '../lib/errors.ts';
import { checkFirst, decodeCursor, keyPart, pageOf } from '../lib/page.ts';
import { checkText } from '../lib/text/check-text.ts';
import { createConsents } from './consent.ts';
import type { Feedback, FeedbackInput, FeedbackKind, Listeners } from './contract.ts';
import { erase, noSuchListener, unlessErased } from './erasure.ts';
import { checkBatch, checkFeedback, checkRequestId } from './feedback-input.ts';
import { markedLists } from './marked-tracks.ts';
import { checkPreferences } from './preference-input.ts';
import { type GivenFeedback, recordOnce } from './recording.ts';
import { type Listener, may, type Viewer } from './viewer.ts';
import { erasureWakeup, feedbackWakeup, listenerKey } from './wakeup-keys.ts';

export interface ListenersOptions {
  database: Database;
  wakeups: Wakeups;
  clock: Clock;
}

/** Number of cached external ids. `ensure` runs on every request, and its result hardly ever changes. */
const REMEMBERED = 10_000;

export function createListeners({ database, wakeups, clock }: ListenersOptions): Listeners {
  const { db } = database;
  const known = new Map<string, Promise<Listener>>();
  void onEach(wakeups.changes(erasureWakeup), () => {
    known.clear();
    database.vault.forget();
  });
  const changed = (listenerIds: Iterable<number>) => {
    for (const id of listenerIds) wakeups.wake(listenerKey(id));
  };

  const noteRecorded = (made: readonly Feedback[]): void => {
    changed(new Set(made.map(({ listenerId }) => listenerId)));
    if (made.length > 0) wakeups.wake(feedbackWakeup);
  };

  /** A listener is there no more, and everything of these has changed. */
  const noteGone = (listenerIds: readonly number[]): void => {
    known.clear();
    database.vault.forget();
    wakeups.wake(erasureWakeup);
    changed(listenerIds);
    wakeups.wake(feedbackWakeup);
  };

  const ensure = (externalId: string, displayName: string | null = null, nameless?: string): Promise<Listener> => {
    const found = known.get(externalId);
    if (found) return found;
    const made = queries.upsertListener(database, externalId, displayName, nameless);
    if (known.size >= REMEMBERED) known.delete(known.keys().next().value ?? '');
    known.set(externalId, made);
    made.catch(() => known.delete(externalId));
    return made;
  };

  return {
    ensure: async (externalId, displayName) =>
      ensure(
        checkText(externalId, 'listenerId', { max: 128 }),
        displayName && checkText(displayName, 'name', { max: 200 }),
      ),
    ensureVisitor: async (externalId) => {
      const isKnown = known.has(externalId);
      if (!isKnown && (await isVisitorClaimed(database.sql, externalId))) throw hasSignedIn();
      const visitor = await ensure(externalId, null, 'Visitor');
      // Whoever signed in at this moment must not go on as a visitor, whose rows nobody would find.
      if (isKnown || !(await isVisitorClaimed(database.sql, externalId))) return visitor;
      known.delete(externalId);
      await erase(database, visitor.id, () => Promise.resolve(0));
      throw hasSignedIn();
    },
    claim: async (accountId, visitor) => {
      const claimed = await claimVisitorRows(database, visitor, accountId);
      if (claimed === 'account') throw noSuchListener();
      if (claimed === 'other') throw new ConflictError('The visitor has become another account');
      noteGone([accountId, ...(claimed.visitorId === null ? [] : [claimed.visitorId])]);
      return claimed;
    },
    byExternalId: (externalId) => queries.selectListenerByExternalId(database, externalId),
    byIds: async (ids) => indexBy(ids.length ? await queries.selectListeners(database, ids) : [], (row) => row.id),
    preferences: async (ids) =>
      indexBy(ids.length ? await queries.selectPreferences(database, ids) : [], (row) => row.listenerId),

    setPreferences: async (listenerId, input) => {
      const sealer = await unlessErased(database.vault.sealerOf(listenerId));
      await db.transaction(async (tx) => {
        // The row lock serialises two changes of one listener, because each replaces whole lists.
        if (!(await queries.lockListener(tx, listenerId))) throw noSuchListener();
        const change = await checkPreferences(tx, input);
        await queries.writePreferences(tx, listenerId, { ...change, at: new Date(clock.now()) }, sealer);
      });
      changed([listenerId]);
      const [row] = await queries.selectPreferences(database, [listenerId]);
      if (!row) throw noSuchListener();
      return row;
    },

    ...createConsents(database, clock, () => wakeups.wake(feedbackWakeup)),
    feedback: feedbackOf(db),
    markedTracks: markedLists(database),
    feedbackById: async (ids) => indexBy(ids.length ? await queries.selectFeedbackByIds(db, ids) : [], (row) => row.id),

    record: async (viewer, input) => {
      const [row] = await prepare(db, viewer, [input], clock, () => 'input.');
      if (!row) throw new Error('one input makes one row');
      const { made, known } = await unlessErased(recordOnce(db, [row], () => 'input.'));
      noteRecorded(made);
      const [first] = [...made, ...known];
      if (!first) throw new NotFoundError('The feedback with this idempotency key has been removed in the meantime');
      return first;
    },

    recordBatch: async (viewer, input) => {
      checkBatch(input);
      const pathOf = (i: number) => `input.${i}.`;
      const rows = await prepare(db, viewer, input, clock, pathOf);
      const { made } = rows.length ? await unlessErased(recordOnce(db, rows, pathOf)) : { made: [] };
      noteRecorded(made);
      return { recorded: made.length, duplicates: rows.length - made.length };
    },

    remove: async (viewer, feedbackId) => {
      const [row] = await queries.selectFeedbackByIds(db, [feedbackId]);
      if (!row || (row.listenerId !== viewer.listener.id && !may(viewer, 'SERVICE'))) {
        throw new NotFoundError('You have no feedback with this id');
      }
      await deleteFeedback(database.sql, feedbackId);
      changed([row.listenerId]);
      wakeups.wake(feedbackWakeup);
    },

    erase: async (listenerId, deleteDrafts) => {
      const erasure = await erase(database, listenerId, deleteDrafts);
      noteGone([listenerId]);
      return erasure;
    },

    everythingOf: (listenerId) => readPersonalRows(database, listenerId),

    viewerFeedback: async (listenerId, trackIds) =>
      indexBy(
        trackIds.length ? await selectViewerFeedback(database.sql, listenerId, trackIds) : [],
        ({ trackId }) => trackId,
      ),

    setVerdict: async ({ listener }, { trackId, requestId = null, ...verdict }) => {
      checkRequestId(requestId, 'requestId');
      const said = { listenerId: listener.id, trackId, verdict, requestId, at: new Date(clock.now()) };
      const outcome = await stateVerdict(database.sql, said);
      if (outcome === 'listener') throw noSuchListener();
      if (outcome === 'track') throw missing('track', 'trackId');
      if (!outcome) return;
      changed([listener.id]);
      wakeups.wake(feedbackWakeup);
    },
  };
}

function feedbackOf(db: Database['db']): Listeners['feedback'] {
  const select = perOwner<queries.FeedbackPage, Feedback[]>(
    async (ids, page) => groupBy(await queries.selectFeedbackOfListeners(db, ids, page), (row) => row.listenerId),
    [],
  );
  const count = perOwner(
    (ids, kinds: readonly FeedbackKind[] | null) => queries.countFeedbackOfListeners(db, ids, kinds),
    0,
  );
  return async (listenerId, { first, after = null, kinds: wanted }) => {
    const list = `feedback:${listenerId}`;
    const key = after === null ? null : parseKey(after, list);
    // A statement has a limited number of parameters, and a list may repeat its kinds.
    const kinds = wanted ? [...new Set(wanted)] : null;
    const rows = await select(listenerId, { kinds, after: key, limit: checkFirst(first) + 1 });
    const keyOf = ({ at, id }: Feedback) => [at.getTime(), id];
    return pageOf(rows, list, { first, after }, keyOf, () => count(listenerId, kinds));
  };
}

function parseKey(after: string, list: string): { at: Date; id: number } {
  const [at, id] = decodeCursor(after, list, [keyPart.instant, keyPart.id]);
  return { at: new Date(at), id };
}

/** Checks everything before anything is written: permissions, values, and that tracks and listeners exist. */
async function prepare(
  db: Database['db'],
  viewer: Viewer,
  input: readonly FeedbackInput[],
  clock: Clock,
  pathOf: (i: number) => string,
): Promise<GivenFeedback[]> {
  const rows = input.map((item, i) => checkFeedback(item, viewer.listener.id, clock, pathOf(i)));
  rows.forEach((row) => {
    if (row.listenerId === viewer.listener.id || may(viewer, 'SERVICE')) return;
    throw new ForbiddenError("Recording another listener's feedback requires the SERVICE role");
  });
  const trackIds = rows.map((row) => row.trackId);
  const others = rows.map((row) => row.listenerId).filter((id) => id !== viewer.listener.id);
  const [tracks, listeners] = await Promise.all([
    queries.existingIds(db, 'tracks', trackIds),
    queries.existingIds(db, 'listeners', others),
  ]);
  rows.forEach((row, i) => {
    if (!tracks.has(row.trackId)) throw missing('track', `${pathOf(i)}trackId`);
    if (row.listenerId === viewer.listener.id || listeners.has(row.listenerId)) return;
    throw missing('listener', `${pathOf(i)}listenerId`);
  });
  return rows;
}

const hasSignedIn = (): UnauthenticatedError =>
  new UnauthenticatedError('The visitor has signed in: send the token of the account');

const missing = (what: string, field: string): NotFoundError =>
  new NotFoundError(`${field}: there is no such ${what}`, null, field);
