import type * as Types from '../../../generated/graphql.ts';
import type { Operation } from '../../../server/operation.ts';
import document from './document.graphql?raw';

export const DOCUMENTS: Operation<Types.DocumentsQuery, Types.DocumentsQueryVariables> = {
  document,
  name: 'Documents',
};
export const SHARED: Operation<Types.SharedDocumentQuery, Types.SharedDocumentQueryVariables> = {
  document,
  name: 'SharedDocument',
};
export const CREATE: Operation<Types.CreateDocumentMutation, Types.CreateDocumentMutationVariables> = {
  document,
  name: 'CreateDocument',
};
export const DELETE_DOCUMENT: Operation<Types.DeleteDocumentMutation, Types.DeleteDocumentMutationVariables> = {
  document,
  name: 'DeleteDocument',
};
export const JOIN: Operation<Types.JoinDocumentMutation, Types.JoinDocumentMutationVariables> = {
  document,
  name: 'JoinDocument',
};
export const SHARE: Operation<Types.ShareDocumentMutation, Types.ShareDocumentMutationVariables> = {
  document,
  name: 'ShareDocument',
};
export const REVOKE: Operation<Types.RevokeDocumentLinksMutation, Types.RevokeDocumentLinksMutationVariables> = {
  document,
  name: 'RevokeDocumentLinks',
};
export const REMOVE: Operation<Types.RemoveDocumentMemberMutation, Types.RemoveDocumentMemberMutationVariables> = {
  document,
  name: 'RemoveDocumentMember',
};
export const ASSIST: Operation<Types.AssistMutation, Types.AssistMutationVariables> = { document, name: 'Assist' };
export const CANCEL_ASSIST: Operation<Types.CancelAssistMutation, Types.CancelAssistMutationVariables> = {
  document,
  name: 'CancelAssist',
};
export const UNDO_ASSIST: Operation<Types.UndoAssistMutation, Types.UndoAssistMutationVariables> = {
  document,
  name: 'UndoAssist',
};
export const RENAME: Operation<Types.RenameDocumentMutation, Types.RenameDocumentMutationVariables> = {
  document,
  name: 'RenameDocument',
};
export const SAVE_VERSION: Operation<Types.SaveDocumentVersionMutation, Types.SaveDocumentVersionMutationVariables> = {
  document,
  name: 'SaveDocumentVersion',
};
export const RESTORE: Operation<Types.RestoreDocumentVersionMutation, Types.RestoreDocumentVersionMutationVariables> = {
  document,
  name: 'RestoreDocumentVersion',
};
