import type { Suggestion, SuggestInput, TextDocument } from '../documents/documents.ts';
import type { Context } from './context.ts';
import { asSent, idOf } from './global-id.ts';

interface DecisionArgs {
  documentId: string;
  suggestionId: string;
  choice?: number | null;
}

export async function suggest(
  { documentId, ...input }: SuggestInput,
  { documents, viewer }: Context,
): Promise<Suggestion> {
  const id = idOf('Document', documentId, 'input.documentId');
  return asSent(documentId, () => documents.suggest(viewer, { ...input, documentId: id }));
}

export const acceptSuggestion = (args: DecisionArgs, context: Context): Promise<TextDocument> =>
  decide(args, args.choice ?? 0, context);

export const rejectSuggestion = (args: DecisionArgs, context: Context): Promise<TextDocument> =>
  decide(args, null, context);

async function decide(
  { documentId: sent, suggestionId }: DecisionArgs,
  choice: number | null,
  { documents, viewer }: Context,
): Promise<TextDocument> {
  const documentId = idOf('Document', sent, 'input.documentId');
  return asSent(sent, () => documents.decideSuggestion(viewer, { documentId, suggestionId, choice }));
}
