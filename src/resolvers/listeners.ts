import type { Track } from '../catalogue/catalogue.ts';
import { ForbiddenError, InvalidInputError, NotFoundError } from '../lib/errors.ts';
import type { Page, PageArgs } from '../lib/page.ts';
import { checkLength, checkText } from '../lib/text/check-text.ts';
import {
  type Erasure,
  type Feedback,
  type FeedbackInput,
  type FeedbackKind,
  type Listener,
  may,
  noSuchListener,
  type Preferences,
  type PreferencesInput,
  type Verdict,
  type ViewerFeedback,
} from '../listeners/listeners.ts';
import { existingTrack } from './catalogue.ts';
import { type Context, requireRole } from './context.ts';
import { asSent, asSentIn, encodeId, numberOf } from './global-id.ts';

export async function listenerByExternalId(externalId: string, context: Context): Promise<Listener | null> {
  requireRole(context, 'SERVICE', 'ANALYST');
  return externalId.includes('\0') ? null : context.listeners.byExternalId(externalId);
}

/** Personal data is visible to its owner and to SERVICE and ANALYST. */
export function maySee(listenerId: number, { viewer }: Context): boolean {
  return viewer.listener.id === listenerId || may(viewer, 'SERVICE') || may(viewer, 'ANALYST');
}

function requireSight(listenerId: number, context: Context): void {
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
function orErased<Value>(value: Value | undefined): Value {
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

export interface FeedbackArgs extends Omit<FeedbackInput, 'listenerId' | 'trackId'> {
  listenerId?: string | null;
  trackId: string;
}

export async function recordFeedback(input: FeedbackArgs, { listeners, loaders, viewer }: Context): Promise<Feedback> {
  const feedback = toFeedback(input, 'input.');
  const made = await asSentIn({ input }, () => listeners.record(viewer, feedback));
  loaders.viewerFeedback.clear();
  return made;
}

export async function recordFeedbackBatch(
  input: readonly FeedbackArgs[],
  { listeners, viewer }: Context,
): Promise<{ recorded: number; duplicates: number }> {
  checkLength(input, 'input', 1_000);
  const feedback = input.map((item, i) => toFeedback(item, `input.${i}.`));
  return asSentIn({ input }, () => listeners.recordBatch(viewer, feedback));
}

function toFeedback({ listenerId, trackId, ...rest }: FeedbackArgs, path: string): FeedbackInput {
  return {
    ...rest,
    listenerId: listenerId == null ? null : numberOf('Listener', listenerId, `${path}listenerId`),
    trackId: numberOf('Track', trackId, `${path}trackId`),
  };
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
  requireRole(context, 'SERVICE');
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

async function idByExternalId(externalId: string, { listeners }: Context): Promise<number> {
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

const erase = (listenerId: number, { listeners, drafts }: Context): Promise<Erasure> =>
  listeners.erase(listenerId, () => drafts.deleteOf(listenerId));

export async function removeFeedback(id: string, { listeners, viewer }: Context): Promise<{ removedId: string }> {
  const feedbackId = numberOf('Feedback', id, 'id');
  await asSent(id, () => listeners.remove(viewer, feedbackId));
  return { removedId: encodeId('Feedback', feedbackId) };
}
