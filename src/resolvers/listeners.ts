import type { Track } from '../catalogue/catalogue.ts';
import { ForbiddenError, InvalidInputError, NotFoundError, UnauthenticatedError } from '../lib/errors.ts';
import type { Page, PageArgs } from '../lib/page.ts';
import { checkLength, checkText } from '../lib/text/check-text.ts';
import type { VisitorTokens } from '../listeners/listeners.ts';
import {
  type Claimed,
  type Erasure,
  type Feedback,
  type FeedbackKind,
  isVisitor,
  type Listener,
  may,
  noSuchListener,
  type Preferences,
  type PreferencesInput,
  type TrackMark,
  type Verdict,
  type ViewerFeedback,
} from '../listeners/listeners.ts';
import { existingTrack, need } from './catalogue.ts';
import type { Context } from './context.ts';
import { asSent, asSentIn, numberOf } from './global-id.ts';

export async function listenerByExternalId(externalId: string, context: Context): Promise<Listener | null> {
  return externalId.includes('\0') ? null : context.listeners.byExternalId(externalId);
}

/** Personal data is visible to its owner and to SERVICE and ANALYST. */
export function maySee(listenerId: number, { viewer }: Context): boolean {
  return viewer.listener.id === listenerId || may(viewer, 'SERVICE') || may(viewer, 'ANALYST');
}

export function requireSight(listenerId: number, context: Context): void {
  if (!maySee(listenerId, context)) throw new ForbiddenError("Another listener's data is private");
}

export function externalIdOf(listener: Listener, context: Context): string {
  requireSight(listener.id, context);
  return listener.externalId;
}

export function preferencesOf(listener: Listener, context: Context): Preferences | Promise<Preferences> {
  requireSight(listener.id, context);
  const found = context.loaders.preferences.get(listener.id);
  return found instanceof Promise ? found.then(orErased) : orErased(found);
}

/** A connection may outlive the listener that it was opened for. */
export function orErased<Value>(value: Value | undefined): Value {
  if (value === undefined) throw noSuchListener();
  return value;
}

export async function feedbackOf(
  listener: Listener,
  args: PageArgs & { kinds?: readonly FeedbackKind[] | null },
  context: Context,
): Promise<Page<Feedback>> {
  requireSight(listener.id, context);
  return context.listeners.feedback(listener.id, args);
}

/** As `viewerFeedback` shows them to the listener. */
export async function markedTracksOf(
  listener: Listener,
  args: PageArgs & { mark: TrackMark },
  context: Context,
): Promise<Page<Track>> {
  requireSight(listener.id, context);
  const page = await context.listeners.markedTracks(listener.id, args);
  const { tracks } = context.loaders;
  const edges = page.edges.map(async ({ cursor, node: { trackId } }) => {
    return { cursor, node: await need(tracks.get(trackId), `track ${trackId}`) };
  });
  return { ...page, edges: await Promise.all(edges) };
}

export interface PreferencesArgs extends Omit<PreferencesInput, 'artistIds'> {
  artistIds?: readonly string[] | null;
}

export async function setPreferences(
  { artistIds, ...input }: PreferencesArgs,
  { listeners, viewer }: Context,
): Promise<Preferences> {
  const ids = artistIds && checkLength(artistIds, 'input.artistIds', 100);
  const change = { ...input, artistIds: ids?.map((id, i) => numberOf('Artist', id, `input.artistIds.${i}`)) ?? null };
  return asSentIn({ input: { artistIds } }, () => listeners.setPreferences(viewer.listener.id, change));
}

const untouched: ViewerFeedback = {
  ...{ reaction: null, isSaved: false, isHidden: false },
  ...{ lastPlayedAt: null, playCount: 0 },
};

export function viewerFeedbackOf(track: Track, { loaders }: Context): ViewerFeedback | Promise<ViewerFeedback> {
  const found = loaders.viewerFeedback.get(track.id);
  return found instanceof Promise ? found.then((feedback) => feedback ?? untouched) : (found ?? untouched);
}

export interface VerdictArgs {
  trackId: string;
  requestId?: string | null | undefined;
}

/** Says what the viewer thinks of a track, and returns the track with what they think of it. */
export async function setVerdict(
  { trackId, requestId = null }: VerdictArgs,
  verdict: Verdict,
  context: Context,
): Promise<{ track: Track }> {
  const { listeners, loaders, viewer } = context;
  const id = numberOf('Track', trackId, 'trackId');
  await asSent(trackId, () => listeners.setVerdict(viewer, { trackId: id, requestId, ...verdict }));
  loaders.viewerFeedback.clear();
  return { track: await existingTrack(id, context) };
}

export interface EraseListenerArgs {
  listenerId?: string | null;
  externalId?: string | null;
}

export async function eraseListener(input: EraseListenerArgs, context: Context): Promise<Erasure> {
  const { listenerId, externalId } = input;
  if ((listenerId == null) === (externalId == null)) {
    throw new InvalidInputError('input must name one listener, by listenerId or externalId', 'input');
  }
  const id =
    listenerId == null
      ? await idByExternalId(externalId ?? '', context)
      : numberOf('Listener', listenerId, 'input.listenerId');
  return asSent(listenerId ?? externalId ?? '', () => erase(id, context));
}

export async function idByExternalId(externalId: string, { listeners }: Context): Promise<number> {
  const found = await listeners.byExternalId(checkText(externalId, 'input.externalId', { max: 128 }));
  if (!found) throw new NotFoundError('input.externalId: there is no such listener', externalId, 'input.externalId');
  return found.id;
}

/** The viewer must name itself, so that nobody is erased by mistake. */
export async function eraseMe(confirm: string, context: Context): Promise<Erasure> {
  const { id, externalId } = context.viewer.listener;
  if (confirm === externalId) return erase(id, context);
  throw new InvalidInputError("confirm must be the viewer's externalId", 'confirm');
}

const erase = (listenerId: number, { listeners, drafts, documents }: Context): Promise<Erasure> =>
  listeners.erase(listenerId, async () => {
    await documents.deleteOf(listenerId);
    return drafts.deleteOf(listenerId);
  });

/** @throws InvalidInputError unless the token is a visitor's; ForbiddenError for a viewer that is one */
export async function claimVisitor(token: string, context: Context): Promise<Claimed & { listener: Listener }> {
  const { visitors, listeners, viewer } = context;
  if (isVisitor(viewer.listener)) throw new ForbiddenError('A visitor has no account to claim for: sign in first');
  if (visitors === null) throw new InvalidInputError('visitorToken: this server has no visitors', 'visitorToken');
  const claimed = await listeners.claim(viewer.listener.id, await subjectOf(token, visitors));
  return { ...claimed, listener: viewer.listener };
}

async function subjectOf(token: string, visitors: VisitorTokens): Promise<string> {
  try {
    return (await visitors.read(token)).subject;
  } catch (error) {
    if (!(error instanceof UnauthenticatedError)) throw error;
    throw new InvalidInputError(`visitorToken: ${error.message}`, 'visitorToken');
  }
}
