import { ForbiddenError, InvalidInputError, NotFoundError } from '../../lib/errors.ts';
import { checkLength, checkName, checkText } from '../../lib/text/check-text.ts';
import { type Feedback, type FeedbackInput, may } from '../../listeners/listeners.ts';
import type { Context } from '../context.ts';
import { asSent, asSentIn, encodeId, numberOf } from '../global-id.ts';

/** Listener and track are named by our ids or by the calling app's own. */
export interface FeedbackArgs extends Omit<FeedbackInput, 'listenerId' | 'trackId'> {
  listenerId?: string | null;
  listenerExternalId?: string | null;
  trackId?: string | null;
  trackExternalId?: string | null;
}

export async function recordFeedback(input: FeedbackArgs, context: Context): Promise<Feedback> {
  const { listeners, loaders, viewer } = context;
  const [feedback] = await toFeedback([input], context, () => 'input.');
  if (!feedback) throw new Error('one input makes one row');
  const made = await asSentIn({ input }, () => listeners.record(viewer, feedback));
  loaders.viewerFeedback.clear();
  return made;
}

export async function recordFeedbackBatch(
  input: readonly FeedbackArgs[],
  context: Context,
): Promise<{ recorded: number; duplicates: number }> {
  checkLength(input, 'input', 1_000);
  const feedback = await toFeedback(input, context, (i) => `input.${i}.`);
  return asSentIn({ input }, () => context.listeners.recordBatch(context.viewer, feedback));
}

export async function removeFeedback(id: string, { listeners, viewer }: Context): Promise<{ removedId: string }> {
  const feedbackId = numberOf('Feedback', id, 'id');
  await asSent(id, () => listeners.remove(viewer, feedbackId));
  return { removedId: encodeId('Feedback', feedbackId) };
}

type PathOf = (i: number) => string;

/** The tracks are found before any listener is created. */
async function toFeedback(input: readonly FeedbackArgs[], context: Context, pathOf: PathOf): Promise<FeedbackInput[]> {
  input.forEach((item, i) => checkNaming(item, pathOf(i)));
  const tracks = await tracksOf(input, context, pathOf);
  const listeners = await listenersOf(input, context, pathOf);
  return input.map(({ listenerId, listenerExternalId, trackId, trackExternalId, ...rest }, i) => ({
    ...rest,
    listenerId:
      listenerExternalId != null
        ? (listeners.get(listenerExternalId) ?? null)
        : listenerId == null
          ? null
          : numberOf('Listener', listenerId, `${pathOf(i)}listenerId`),
    trackId: tracks.get(trackExternalId ?? '') ?? numberOf('Track', trackId ?? '', `${pathOf(i)}trackId`),
  }));
}

function checkNaming({ listenerId, listenerExternalId, trackId, trackExternalId }: FeedbackArgs, path: string): void {
  if ((trackId == null) === (trackExternalId == null)) {
    const field = `${path}${trackId == null ? 'trackId' : 'trackExternalId'}`;
    throw new InvalidInputError(`${field}: either trackId or trackExternalId names the track`, field);
  }
  if (listenerId == null || listenerExternalId == null) return;
  const field = `${path}listenerExternalId`;
  throw new InvalidInputError(`${field}: either listenerId or listenerExternalId names the listener`, field);
}

async function tracksOf(
  input: readonly FeedbackArgs[],
  { catalogue }: Context,
  pathOf: PathOf,
): Promise<Map<string, number>> {
  const check = (one: string, field: string): unknown => checkName(one, field, { max: 200 });
  const places = placesOf(input, 'trackExternalId', pathOf, check);
  if (places.size === 0) return new Map();
  const found = await catalogue.tracksByExternalId([...places.keys()]);
  for (const [externalId, field] of places)
    if (!found.has(externalId)) throw new NotFoundError(`${field}: there is no such track`, externalId, field);
  return new Map([...found].map(([externalId, { id }]) => [externalId, id]));
}

async function listenersOf(
  input: readonly FeedbackArgs[],
  { listeners, viewer }: Context,
  pathOf: PathOf,
): Promise<Map<string, number>> {
  const places = placesOf(input, 'listenerExternalId', pathOf, checkExact);
  const others = [...places].filter(([externalId]) => externalId !== viewer.listener.externalId);
  if (others.length > 0 && !may(viewer, 'SERVICE'))
    throw new ForbiddenError("Recording another listener's feedback requires the role SERVICE");
  const found = await Promise.all(
    [...places.keys()].map(async (externalId) => [externalId, (await listeners.ensure(externalId)).id] as const),
  );
  return new Map(found);
}

/** Each external id that is named, and the first field that names it. */
function placesOf(
  input: readonly FeedbackArgs[],
  name: 'trackExternalId' | 'listenerExternalId',
  pathOf: PathOf,
  check: (externalId: string, field: string) => unknown,
): Map<string, string> {
  const places = new Map<string, string>();
  input.forEach((item, i) => {
    const [externalId, field] = [item[name], `${pathOf(i)}${name}`];
    if (externalId == null || places.has(externalId)) return;
    check(externalId, field);
    places.set(externalId, field);
  });
  return places;
}

/** A corrected id could be another listener's. @throws InvalidInputError */
function checkExact(externalId: string, field: string): void {
  if (checkText(externalId, field, { max: 128 }) === externalId) return;
  throw new InvalidInputError(`${field} begins or ends with white space`, field);
}
