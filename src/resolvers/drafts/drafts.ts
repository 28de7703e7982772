import type {
  ContinueDraftInput,
  Draft,
  DraftEvent,
  DraftFormInput,
  DraftGroup,
  DraftQuery,
  GroupEvent,
  StartDraftInput,
  TuneDraftInput,
  UpdateDraftInput,
} from '../../drafts/drafts.ts';
import type { PollableIterator, Polled } from '../../lib/async/streams.ts';
import { InvalidInputError, NotFoundError } from '../../lib/errors.ts';
import type { Page } from '../../lib/page.ts';
import { countCodePoints } from '../../lib/text/code-points.ts';
import type { Listener } from '../../listeners/listeners.ts';
import type { Model } from '../../ml/engine.ts';
import type { Context } from '../context.ts';
import { asSent, encodeId, idOf } from '../global-id.ts';
import { moodOfDraft } from '../language/moods.ts';

export async function draftById(id: string, { loaders }: Context): Promise<Draft | null> {
  return (await loaders.drafts.load(idOf('Draft', id, 'id'))) ?? null;
}

/** The answer of a finished draft as a value. What was cut by a time limit may look like a shorter one. */
export function jsonOf({ format, status, finishReason, text }: Draft): unknown {
  if (format?.type !== 'JSON_SCHEMA' || status !== 'COMPLETED' || finishReason !== 'STOP') return null;
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

export async function draftsOf(
  listener: Listener,
  query: DraftQuery,
  { drafts, viewer }: Context,
): Promise<Page<Draft>> {
  return drafts.ofListener(viewer, listener.id, query);
}

/** A form in which the tune is named by its id. */
export interface FormArgs extends Omit<DraftFormInput, 'fromTune'> {
  fromTune?: { tune?: string | null; abc?: string | null } | null;
}

/** @throws InvalidInputError */
export function formFrom(form: FormArgs | null | undefined): DraftFormInput | null {
  if (form?.fromTune == null) return form == null ? null : { ...form, fromTune: null };
  const { tune, abc = null } = form.fromTune;
  return {
    ...form,
    fromTune: { abc, draftId: tune == null ? null : idOf('Draft', tune, 'input.form.fromTune.tune') },
  };
}

export interface StartDraftArgs extends Omit<StartDraftInput, 'modelId' | 'tune' | 'form'> {
  form?: FormArgs | null;
  modelId?: string | null;
  tune?: TuneArgs | null;
}

export interface TuneArgs extends Omit<TuneDraftInput, 'infill' | 'mood'> {
  mood?: (NonNullable<TuneDraftInput['mood']> & { draftId?: string | null }) | null;
  infill?: { tune?: string | null; abc?: string | null; bars: readonly number[] } | null;
}

export async function startDraft({ modelId, tune, form, ...input }: StartDraftArgs, context: Context): Promise<Draft> {
  const { drafts, viewer } = context;
  return drafts.start(viewer, {
    ...input,
    form: formFrom(form),
    modelId: modelId == null ? null : idOf('Model', modelId, 'input.modelId'),
    ...(tune != null && { tune: await tuneInputFrom(tune, context) }),
  });
}

export async function tuneInputFrom(
  { infill, variationOf, mood, ...settings }: TuneArgs,
  context: Context,
): Promise<TuneDraftInput> {
  const draftId = (id: string | null | undefined, field: string) => (id == null ? null : idOf('Draft', id, field));
  return {
    ...settings,
    ...(mood != null && { mood: await moodFor(mood, context) }),
    ...(infill != null && {
      infill: { abc: infill.abc ?? null, bars: infill.bars, draftId: draftId(infill.tune, 'input.tune.infill.tune') },
    }),
    ...(variationOf != null && { variationOf: draftId(variationOf, 'input.tune.variationOf') }),
  };
}

async function moodFor(
  { draftId, ...stated }: NonNullable<TuneArgs['mood']>,
  context: Context,
): Promise<NonNullable<TuneDraftInput['mood']>> {
  if (draftId == null) return stated;
  if (Object.values(stated).some((value) => value != null))
    throw new InvalidInputError('input.tune.mood has a draftId, and so nothing else', 'input.tune.mood');
  const found = await moodOfDraft(draftId, 'input.tune.mood.draftId', context).catch((error: unknown) => {
    if (!(error instanceof NotFoundError)) throw error;
    throw new InvalidInputError(error.message, error.field);
  });
  return { valence: found.valence, arousal: found.arousal };
}

export interface ContinueDraftArgs extends Omit<ContinueDraftInput, 'form' | 'draftId'>, DraftChoice {
  form?: FormArgs | null;
}

export async function continueDraft({ form, ...input }: ContinueDraftArgs, context: Context): Promise<Draft> {
  const { drafts, viewer } = context;
  const { draftId: _, newest: __, ...asked } = input;
  const { sent, id, ifRevision } = await chosenDraft(input, 'TEXT', context);
  return asSent(sent, () => drafts.continue(viewer, { ...asked, ifRevision, form: formFrom(form), draftId: id }));
}

export async function cancelDraft(id: string, { drafts, viewer }: Context): Promise<Draft> {
  const draftId = idOf('Draft', id, 'id');
  return asSent(id, () => drafts.cancel(viewer, draftId));
}

export async function chooseDraft(id: string, { drafts, viewer }: Context): Promise<Draft> {
  const draftId = idOf('Draft', id, 'id');
  return asSent(id, () => drafts.choose(viewer, draftId));
}

/** The alternatives with which a draft was started. Null if it was started alone. */
export async function groupOf({ groupId }: Draft, { loaders }: Context): Promise<DraftGroup | null> {
  return groupId === null ? null : ((await loaders.draftGroups.load(groupId)) ?? null);
}

export async function updateDraft(
  input: Omit<UpdateDraftInput, 'draftId'> & DraftChoice,
  context: Context,
): Promise<Draft> {
  const { drafts, viewer } = context;
  const { draftId: _, newest: __, ...asked } = input;
  const { sent, id, ifRevision } = await chosenDraft(input, 'TEXT', context);
  const of = input.text == null ? (input.ifRevision ?? null) : ifRevision;
  return asSent(sent, () => drafts.update(viewer, { ...asked, ifRevision: of, draftId: id }));
}

export async function deleteDraft(id: string, { drafts, viewer }: Context): Promise<{ deletedId: string }> {
  const draftId = idOf('Draft', id, 'id');
  await asSent(id, () => drafts.delete(viewer, draftId));
  return { deletedId: encodeId('Draft', draftId) };
}

/**
 * A client whose stream was interrupted reports how far it got, while its arguments are those of its first request
 * ([SSE2]).
 */
export function followDraft(
  { newest = null, draftId = null, ...rest }: FollowDraftArgs & Pick<DraftChoice, 'draftId' | 'newest'>,
  context: Context,
): PollableIterator<DraftEvent> | Promise<PollableIterator<DraftEvent>> {
  checkChoice({ draftId, newest }, '');
  if (draftId != null) return follow(draftId, rest, context);
  return newestDraft('newest', context).then(({ id }) => follow(encodeId('Draft', id), rest, context));
}

interface FollowDraftArgs {
  after?: string | null;
  keepOpen?: boolean | null;
}

function follow(
  draftId: string,
  { after, keepOpen }: FollowDraftArgs,
  { drafts, viewer, resumption }: Context,
): PollableIterator<DraftEvent> {
  const from = resumption ?? after ?? null;
  return new SentEvents(
    draftId,
    drafts.follow(viewer, idOf('Draft', draftId, 'draftId'), from, { keepOpen: keepOpen === true }),
  );
}

/** The same for all drafts of a group. */
export function followGroup(
  { groupId, after, keepOpen }: { groupId: string; after?: string | null; keepOpen?: boolean | null },
  { drafts, viewer, resumption }: Context,
): AsyncIterableIterator<GroupEvent> {
  const id = idOf('DraftGroup', groupId, 'groupId');
  const events = drafts.followGroup(viewer, id, resumption ?? after ?? null, { keepOpen: keepOpen === true });
  return {
    next: () => asSent(groupId, () => events.next()),
    return: () => events.return?.() ?? Promise.resolve({ done: true, value: undefined }),
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

/** A draft's events. Failures name the draft by the id that the client sent. */
class SentEvents implements PollableIterator<DraftEvent> {
  readonly #draftId: string;
  readonly #events: PollableIterator<DraftEvent>;

  constructor(draftId: string, events: PollableIterator<DraftEvent>) {
    this.#draftId = draftId;
    this.#events = events;
  }

  poll(ready: () => void): Polled<DraftEvent> {
    return this.#events.poll(ready);
  }

  next(): Promise<IteratorResult<DraftEvent>> {
    return asSent(this.#draftId, () => this.#events.next());
  }

  return(): Promise<IteratorResult<DraftEvent>> {
    return this.#events.return?.() ?? Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

export interface DraftRange {
  start: number;
  end: number;
  origin: 'GENERATED' | 'TYPED';
  turn: number | null;
}

/** Who has written which part, in code points. */
export function rangesOf({ passages }: Draft): DraftRange[] {
  let end = 0;
  return passages.map(({ text, turn }) => {
    const start = end;
    end += countCodePoints(text);
    return { start, end, origin: turn === null ? 'TYPED' : 'GENERATED', turn };
  });
}

export const cursorOf = (draft: Draft, { drafts }: Context): string => drafts.cursorOf(draft);

/** The model that wrote a draft. A model that has been removed from the catalogue is ABSENT but still named. */
export function modelOf(draft: Draft, { engine }: Context): Model {
  return engine.models().find((model) => model.id === draft.modelId) ?? departed(draft.modelId);
}

function departed(id: string): Model {
  return {
    ...{
      id,
      name: id,
      task: 'TEXT_GENERATION',
      version: 'unknown',
      digest: null,
      license: null,
      executionProvider: 'CPU',
    },
    ...{ parameters: null, contextTokens: null, status: 'ABSENT', fetched: 0, failure: null },
  };
}

/** An input that names a draft, or means the viewer's newest ([DRAFT16]). */
export interface DraftChoice {
  draftId?: string | null;
  newest?: boolean | null;
  ifRevision?: number | null;
}

/** A passage that was written for a text, or any other draft. */
type Wanted = 'TEXT' | 'REWRITE';

interface ChosenDraft {
  /** The id as the client sent it, for errors. */
  sent: string;
  id: string;
  ifRevision: number | null;
}

/** Number of drafts among which the newest of a kind is looked for: more than the alternatives of a passage. */
const LOOKED_AT = 20;

/** @throws InvalidInputError; NotFoundError if the viewer has none */
export async function chosenDraft(choice: DraftChoice, wanted: Wanted, context: Context): Promise<ChosenDraft> {
  checkChoice(choice, 'input.');
  const { draftId, ifRevision = null } = choice;
  if (draftId != null) return { sent: draftId, id: idOf('Draft', draftId, 'input.draftId'), ifRevision };
  const { id, sequence } = await newestDraft('input.newest', context, wanted);
  // Nobody has seen another revision of what is named in this way.
  return { sent: encodeId('Draft', id), id, ifRevision: wanted === 'TEXT' ? (ifRevision ?? sequence) : ifRevision };
}

/** @param at where the two are: empty, or with a dot at its end */
function checkChoice({ draftId, newest }: DraftChoice, at: '' | 'input.'): void {
  if ((draftId == null) === (newest === true)) return;
  const field = `${at}${draftId == null ? 'draftId' : 'newest'}`;
  throw new InvalidInputError(`either ${at}draftId or ${at}newest: true says which draft is meant`, field);
}

/** @throws NotFoundError if the viewer has none */
async function newestDraft(field: string, { drafts, viewer }: Context, wanted: Wanted | 'ANY' = 'ANY'): Promise<Draft> {
  const { edges } = await drafts.ofListener(viewer, viewer.listener.id, { first: wanted === 'ANY' ? 1 : LOOKED_AT });
  const isWanted = ({ origin }: Draft): boolean =>
    wanted === 'ANY' || (origin?.type === 'REWRITE') === (wanted === 'REWRITE');
  const found = edges.find(({ node }) => isWanted(node));
  if (found) return found.node;
  const starts = wanted === 'REWRITE' ? 'rewriteDraft' : 'startDraft';
  throw new NotFoundError(`the viewer has no such draft yet: ${starts} starts one`, null, field);
}
