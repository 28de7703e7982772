export type { Draft, DraftEvent, Drafts, SamplingInput, StartDraftInput } from './contract.ts';
export { createDrafts } from './draft-service.ts';
export { openLogStore } from './log/open-log-store.ts';
export { joinNodes } from './nodes/join-nodes.ts';
