import type { Assist, AssistInput } from '../../assist/assist.ts';
import type { PendingSuggestion, TextDocument } from '../../documents/documents.ts';
import type { Draft } from '../../drafts/drafts.ts';
import type { Page, PageArgs } from '../../lib/page.ts';
import type { Model } from '../../ml/engine.ts';
import type { Context } from '../context.ts';
import { asSent, idOf } from '../global-id.ts';
import { type FormArgs, formFrom, type TuneArgs, tuneInputFrom } from './drafts.ts';

export interface AssistArgs extends Omit<AssistInput, 'form' | 'tune'> {
  form?: FormArgs | null;
  tune?: TuneArgs | null;
}

export async function beginAssist(
  { documentId, modelId, form, tune, ...input }: AssistArgs,
  context: Context,
): Promise<Assist> {
  const { assists, viewer } = context;
  const asked = {
    ...input,
    documentId: idOf('Document', documentId, 'input.documentId'),
    form: formFrom(form),
    modelId: modelId == null ? null : idOf('Model', modelId, 'input.modelId'),
    tune: tune == null ? null : await tuneInputFrom(tune, context),
  };
  return asSent(documentId, () => assists.start(viewer, asked));
}

export async function cancelAssist(id: string, { assists, viewer }: Context): Promise<Assist> {
  const assistId = idOf('Assist', id, 'id');
  return asSent(id, () => assists.cancel(viewer, assistId));
}

export async function undoAssist(id: string, { assists, viewer }: Context): Promise<Assist> {
  const assistId = idOf('Assist', id, 'id');
  return asSent(id, () => assists.undo(viewer, assistId));
}

export const assistsOf = ({ id }: TextDocument, page: PageArgs, { assists }: Context): Promise<Page<Assist>> =>
  assists.of(id, page);

/** Those that the viewer may read: who asked for them may. */
export async function draftsOfAssist({ draftIds }: Assist, { loaders }: Context): Promise<Draft[]> {
  const drafts = await Promise.all(draftIds.map((id) => loaders.drafts.load(id)));
  return drafts.filter((draft) => draft !== undefined);
}

export const modelOfAssist = ({ asked }: Assist, { engine }: Context): Model | null =>
  engine.models().find(({ id }) => id === asked.modelId) ?? null;

/** Its id stands for the suggestion as well. An editor can put any id into a document. */
export async function assistOfSuggestion({ id, by }: PendingSuggestion, context: Context): Promise<Assist | null> {
  return by === null || !UUID.test(id) ? null : context.assists.byId(context.viewer, id);
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export interface SuggestedPart {
  start: number;
  end: number;
  text: string;
  probability: number;
}

/** A text that a model suggests, with how likely it found its parts. */
export interface SuggestedText {
  text: string;
  seed: number;
  parts: SuggestedPart[];
}

export function suggestedTexts({ alternatives, by }: PendingSuggestion): SuggestedText[] {
  if (by === null) return [];
  return alternatives.map((text, index) => ({
    text,
    seed: by.seeds[index] ?? 0,
    parts: (by.odds[index] ?? []).flatMap(([start, end, probability]) =>
      start < end && end <= text.length ? { start, end, text: text.slice(start, end), probability } : [],
    ),
  }));
}
