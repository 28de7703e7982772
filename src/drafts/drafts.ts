export type {
  ApplyRewriteInput,
  AssistDrafts,
  AssistOrigin,
  BranchDraftInput,
  ContinueDraftInput,
  Draft,
  DraftEvent,
  DraftFormInput,
  DraftGroup,
  DraftKind,
  DraftOrigin,
  DraftQuery,
  Drafts,
  DraftStatus,
  GroupEvent,
  PlacedToken,
  RewriteDraftInput,
  RewriteOrigin,
  RewriteTone,
  SamplingInput,
  StartDraftInput,
  TuneDraftInput,
  UpdateDraftInput,
} from './contract.ts';
export { TONES } from './contract.ts';
export { createDrafts } from './draft-service.ts';
export type { AroundAppend } from './log/draft-log.ts';
export { openLogStore } from './log/open-log-store.ts';
export { tuneTextOf } from './text/sung-text.ts';
export { fittedPassage, joinsWords, SPACELESS } from './text/rewritten-passage.ts';
export { moveLogs } from './move/move-logs.ts';
export { joinNodes } from './nodes/join-nodes.ts';
