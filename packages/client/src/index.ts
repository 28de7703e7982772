export type { ConnectionOptions } from './connection.ts';
export { RequestError } from './connection.ts';
export { type DraftEvent, followDraft, type FollowDraftOptions } from './follow-draft.ts';
export type { AwarenessLike } from './presence.ts';
export { CadenzaProvider, type ProviderOptions, type ProviderStatus } from './provider.ts';
export { type EncodedRange, encodedRange, type PartOdds, type PendingSuggestion, Suggestions } from './suggestions.ts';
