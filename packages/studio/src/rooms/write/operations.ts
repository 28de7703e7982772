import type * as Types from '../../generated/graphql.ts';
import type { Operation } from '../../server/operation.ts';
import report from './report.graphql?raw';
import document from './write.graphql?raw';

export const DRAFTS: Operation<Types.DraftsQuery, Types.DraftsQueryVariables> = { document, name: 'Drafts' };
export const DRAFT: Operation<Types.DraftQuery, Types.DraftQueryVariables> = { document, name: 'Draft' };
export const TOKENS: Operation<Types.TokensQuery, Types.TokensQueryVariables> = { document, name: 'Tokens' };
export const START: Operation<Types.StartDraftMutation, Types.StartDraftMutationVariables> = {
  document,
  name: 'StartDraft',
};
export const CONTINUE: Operation<Types.ContinueDraftMutation, Types.ContinueDraftMutationVariables> = {
  document,
  name: 'ContinueDraft',
};
export const BRANCH: Operation<Types.BranchDraftMutation, Types.BranchDraftMutationVariables> = {
  document,
  name: 'BranchDraft',
};
export const REWRITE: Operation<Types.RewriteDraftMutation, Types.RewriteDraftMutationVariables> = {
  document,
  name: 'RewriteDraft',
};
export const APPLY: Operation<Types.ApplyRewriteMutation, Types.ApplyRewriteMutationVariables> = {
  document,
  name: 'ApplyRewrite',
};
export const UPDATE: Operation<Types.UpdateTextMutation, Types.UpdateTextMutationVariables> = {
  document,
  name: 'UpdateText',
};
export const CANCEL: Operation<Types.CancelDraftMutation, Types.CancelDraftMutationVariables> = {
  document,
  name: 'CancelDraft',
};
export const CHOOSE: Operation<Types.ChooseDraftMutation, Types.ChooseDraftMutationVariables> = {
  document,
  name: 'ChooseDraft',
};
export const DELETE: Operation<Types.DeleteDraftMutation, Types.DeleteDraftMutationVariables> = {
  document,
  name: 'DeleteDraft',
};
export const REPORT: Operation<Types.ReportSubscription, Types.ReportSubscriptionVariables> = {
  document: report,
  name: 'Report',
};
export const DOCUMENT_REPORT: Operation<Types.DocumentReportQuery, Types.DocumentReportQueryVariables> = {
  document: report,
  name: 'DocumentReport',
};
