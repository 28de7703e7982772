export type {
  ContinueDraftInput,
  Draft,
  DraftEvent,
  DraftQuery,
  Drafts,
  StartDraftInput,
  TuneDraftInput,
  UpdateDraftInput,
} from './contract.ts';
export { createDrafts } from './draft-service.ts';
export { openLogStore } from './log/open-log-store.ts';
export { moveLogs } from './move/move-logs.ts';
export { joinNodes } from './nodes/join-nodes.ts';
