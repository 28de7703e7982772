import { abortable } from '../../lib/async/streams.ts';
import { NotFoundError } from '../../lib/errors.ts';
import { decodeCursor, encodeCursor, keyPart } from '../../lib/page.ts';
import { type DraftEvent, type DraftGroup, type GroupEvent, MOST_ALTERNATIVES } from '../contract.ts';
import { eventCursor, positionOf } from '../log/draft-cursor.ts';

/** Follows one draft after a cursor. */
type Follow = (draftId: string, after: string | null) => AsyncIterator<DraftEvent>;

interface GroupFollowOptions {
  groupId: string;
  after: string | null;
  load: () => Promise<DraftGroup>;
  follow: Follow;
  signal: AbortSignal | undefined;
}

/** One of the group's drafts, and how far it was read. */
interface Member {
  draftId: string;
  alternative: number;
  /** The cursor of its last event. Null before the first. */
  cursor: string | null;
  events: AsyncIterator<DraftEvent>;
}

type Next = { member: Member } & (
  | { type: 'event'; event: DraftEvent }
  | { type: 'gone' }
  | { type: 'over' }
  /** Kept until it is its turn: nobody may be waiting for it. */
  | { type: 'failed'; error: unknown }
);

/**
 * The events of all drafts of a group, each draft's in their order, until all have ended ([ALT2]). A cursor names a
 * position in every log. A draft that is gone, or may no longer be read, is told once.
 */
export function followAlternatives({ groupId, after, load, follow, signal }: GroupFollowOptions) {
  return abortable(signal, async function* (left) {
    const cursors = after === null ? [] : cursorsOf(after, groupId);
    const { drafts } = await load();
    const members = drafts.map(({ id, alternative }): Member => {
      const cursor = cursorIn(cursors, alternative ?? 0, id);
      return { draftId: id, alternative: alternative ?? 0, cursor, events: follow(id, cursor) };
    });
    const leave = (): void => members.forEach(({ events }) => void events.return?.());
    left.addEventListener('abort', leave, { once: true });
    try {
      yield* merged(groupId, members);
    } finally {
      leave();
    }
  });
}

async function* merged(groupId: string, members: readonly Member[]): AsyncGenerator<GroupEvent, void> {
  const pending = new Map(members.map((member) => [member, nextOf(member)]));
  while (pending.size > 0) {
    const next = await Promise.race(pending.values());
    const { member } = next;
    pending.delete(member);
    if (next.type === 'failed') throw next.error;
    if (next.type === 'over') continue;
    if (next.type === 'event') {
      member.cursor = next.event.cursor;
      // At the end of the map, so that all take turns.
      pending.set(member, nextOf(member));
    }
    yield shared(member, next.type === 'event' ? next.event : null, groupCursor(groupId, members));
  }
}

async function nextOf(member: Member): Promise<Next> {
  try {
    const next = await member.events.next();
    return next.done ? { member, type: 'over' } : { member, type: 'event', event: next.value };
  } catch (error) {
    return error instanceof NotFoundError ? { member, type: 'gone' } : { member, type: 'failed', error };
  }
}

/** Readers at the same positions get the same object, so that an answer is made once for all of them ([SERVE8]). */
function shared(member: Member, event: DraftEvent | null, cursor: string): GroupEvent {
  const { draftId, alternative } = member;
  if (!event) return { draftId, alternative, cursor, event };
  const known = made.get(event) ?? new Map<string, GroupEvent>();
  made.set(event, known);
  const same = known.get(cursor) ?? { draftId, alternative, cursor, event };
  known.set(cursor, same);
  return same;
}

const made = new WeakMap<DraftEvent, Map<string, GroupEvent>>();

const listOf = (groupId: string): string => `draft-group:${groupId}`;
const numbers = Array.from({ length: MOST_ALTERNATIVES }, (_, i) => i + 1);
const NOWHERE = [-1, 0];

/** Sequence number and epoch in each draft's log, by their numbers. */
function groupCursor(groupId: string, members: readonly Member[]): string {
  const key = numbers.flatMap((number) => {
    const member = members.find(({ alternative }) => alternative === number);
    if (!member?.cursor) return NOWHERE;
    const { sequence, epoch } = positionOf(member.cursor, member.draftId);
    return [sequence, epoch];
  });
  return encodeCursor(listOf(groupId), key);
}

/** @throws InvalidInputError if it is no cursor of this group */
function cursorsOf(cursor: string, groupId: string): number[] {
  const parts = numbers.flatMap(() => [keyPart.integer, Number.isSafeInteger as (value: unknown) => value is number]);
  return decodeCursor<number[]>(cursor, listOf(groupId), parts);
}

function cursorIn(cursors: readonly number[], alternative: number, draftId: string): string | null {
  const at = 2 * (alternative - 1);
  const [sequence = -1, epoch = 0] = cursors.slice(at, at + 2);
  return sequence < 0 ? null : eventCursor(draftId, { sequence, epoch });
}
