import type { Assist, AssistInput } from '../../assist/assist.ts';
import type { TextDocument } from '../../documents/documents.ts';
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
