import { NotFoundError } from '../lib/errors.ts';
import type { Wakeups } from '../lib/wakeups.ts';
import type { Draft, DraftEvent } from './drafts.ts';
import { draftKey, type DraftLog } from './draft-log.ts';
import { isTerminal, readerEvents } from './log-events.ts';

/** Woken when a draft is deleted or its visibility changes: readers then ask again whether they may. */
export const rightsKey = (draftId: string): string => `draft-rights:${draftId}`;

export interface FollowOptions {
  log: DraftLog;
  wakeups: Wakeups;
  draftId: string;
  /** Sequence number to go on after; null begins with a snapshot. */
  after: number | null;
  /** The draft as this viewer may read it. @throws NotFoundError when they may not, or no longer */
  load: () => Promise<Draft>;
  cursorAt: (sequence: number) => string;
  signal: AbortSignal;
}

/** Replays the log after a position and then stays with it until the draft has ended ([LOG2], [LOG3]). */
export async function* followDraft(options: FollowOptions): AsyncGenerator<DraftEvent, void> {
  const { log, wakeups, draftId, load, cursorAt, signal } = options;
  // Watching comes before looking: what changes in between wakes us.
  const woken = wakeups.watch(draftKey(draftId), signal);
  const rights = watchRights(wakeups, draftId, signal);
  const draft = await load();
  let position = options.after ?? draft.sequence;
  if (options.after === null) yield { type: 'snapshot', cursor: cursorAt(position), draft };
  let ended = isTerminal(draft.status) && position >= draft.sequence;
  if (ended) return;
  for await (const _ of woken) {
    let entries = await log.read(draftId, position);
    for (; entries.length > 0; entries = await log.read(draftId, position)) {
      if (rights.changed()) await load();
      for (const event of readerEvents(entries, cursorAt)) {
        yield event;
        ended = event.type === 'status' && isTerminal(event.status);
      }
      position = entries.at(-1)?.sequence ?? position;
    }
    if (rights.changed()) await load();
    if (ended && (await load()).sequence <= position) return;
  }
}

/** Remembers that rights changed since it was last asked. */
function watchRights(wakeups: Wakeups, draftId: string, signal: AbortSignal): { changed: () => boolean } {
  let changed = false;
  const watch = async () => {
    const changes = wakeups.watch(rightsKey(draftId), signal);
    await changes.next();
    for await (const _ of changes) changed = true;
  };
  void watch();
  return {
    changed: () => {
      const was = changed;
      changed = false;
      return was;
    },
  };
}

export const noSuchDraft = (id: string): NotFoundError =>
  new NotFoundError('There is no such draft, or it is not shared with you', id);
