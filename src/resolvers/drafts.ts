import type {
  ContinueDraftInput,
  Draft,
  DraftEvent,
  DraftQuery,
  StartDraftInput,
  TuneDraftInput,
  UpdateDraftInput,
} from '../drafts/drafts.ts';
import type { PollableIterator, Polled } from '../lib/async/streams.ts';
import type { Page } from '../lib/page.ts';
import { countCodePoints } from '../lib/text/code-points.ts';
import type { Listener } from '../listeners/listeners.ts';
import type { Model } from '../ml/engine.ts';
import type { Context } from './context.ts';
import { asSent, encodeId, idOf } from './global-id.ts';

export async function draftById(id: string, { loaders }: Context): Promise<Draft | null> {
  return (await loaders.drafts.load(idOf('Draft', id, 'id'))) ?? null;
}

export async function draftsOf(
  listener: Listener,
  query: DraftQuery,
  { drafts, viewer }: Context,
): Promise<Page<Draft>> {
  return drafts.ofListener(viewer, listener.id, query);
}

export interface StartDraftArgs extends Omit<StartDraftInput, 'modelId' | 'tune'> {
  modelId?: string | null;
  tune?: TuneArgs | null;
}

interface TuneArgs extends Omit<TuneDraftInput, 'infill'> {
  infill?: { tune?: string | null; abc?: string | null; bars: readonly number[] } | null;
}

export async function startDraft(
  { modelId, tune, ...input }: StartDraftArgs,
  { drafts, viewer }: Context,
): Promise<Draft> {
  return drafts.start(viewer, {
    ...input,
    modelId: modelId == null ? null : idOf('Model', modelId, 'input.modelId'),
    ...(tune != null && { tune: tuneOf(tune) }),
  });
}

function tuneOf({ infill, variationOf, ...settings }: TuneArgs): TuneDraftInput {
  const draftId = (id: string | null | undefined, field: string) => (id == null ? null : idOf('Draft', id, field));
  return {
    ...settings,
    ...(infill != null && {
      infill: { abc: infill.abc ?? null, bars: infill.bars, draftId: draftId(infill.tune, 'input.tune.infill.tune') },
    }),
    ...(variationOf != null && { variationOf: draftId(variationOf, 'input.tune.variationOf') }),
  };
}

export async function continueDraft(
  { draftId, ...input }: ContinueDraftInput,
  { drafts, viewer }: Context,
): Promise<Draft> {
  const id = idOf('Draft', draftId, 'input.draftId');
  return asSent(draftId, () => drafts.continue(viewer, { ...input, draftId: id }));
}

export async function cancelDraft(id: string, { drafts, viewer }: Context): Promise<Draft> {
  const draftId = idOf('Draft', id, 'id');
  return asSent(id, () => drafts.cancel(viewer, draftId));
}

export async function updateDraft(
  { draftId, ...input }: UpdateDraftInput,
  { drafts, viewer }: Context,
): Promise<Draft> {
  const id = idOf('Draft', draftId, 'input.draftId');
  return asSent(draftId, () => drafts.update(viewer, { ...input, draftId: id }));
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
  { draftId, after, keepOpen }: { draftId: string; after?: string | null; keepOpen?: boolean | null },
  { drafts, viewer, resumption }: Context,
): PollableIterator<DraftEvent> {
  const from = resumption ?? after ?? null;
  return new SentEvents(
    draftId,
    drafts.follow(viewer, idOf('Draft', draftId, 'draftId'), from, { keepOpen: keepOpen === true }),
  );
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
