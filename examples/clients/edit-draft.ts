import { type ClientOptions, request } from '../client/client.ts';
import { type DraftTextFragment, ReadDraftDocument, SaveTextDocument } from '../client/generated/graphql.ts';

/** What became of a text that was to be saved. After a conflict `draft` is what others have made of it. */
export type Saved = { outcome: 'saved' | 'conflict'; draft: DraftTextFragment };

/**
 * Saves what a person has made of a draft's text. Nothing is overwritten that this client has not seen: if the draft has
 * been changed or continued since `draft`, nothing is saved, and the caller merges or asks. The key makes it safe to
 * repeat when no answer came.
 */
export async function saveText(options: ClientOptions, draft: DraftTextFragment, text: string): Promise<Saved> {
  const variables = { draftId: draft.id, text, ifRevision: draft.revision, key: crypto.randomUUID() };
  const save = () => request(options, SaveTextDocument, variables);
  const { updateDraft } = await save().catch(save);
  if (updateDraft.__typename === 'UpdateDraftSuccess') return { outcome: 'saved', draft: updateDraft.draft };
  if (updateDraft.__typename !== 'RevisionConflictError') throw new Error(updateDraft.message);
  const present = await request(options, ReadDraftDocument, { id: draft.id });
  if (!present.draft) throw new Error('The draft has been deleted');
  return { outcome: 'conflict', draft: present.draft };
}
