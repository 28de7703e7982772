export { type Erasure, noSuchListener, unlessErased } from './erasure.ts';
export {
  accountOf,
  isVisitor,
  type Listener,
  may,
  type Payer,
  payerOf,
  type Role,
  ROLES,
  type Viewer,
} from './viewer.ts';
export { erasureWakeup, feedbackWakeup, importWakeup, listenerKey } from './wakeup-keys.ts';

export type {
  Claimed,
  Consent,
  ConsentInput,
  Feedback,
  FeedbackInput,
  FeedbackKind,
  Listeners,
  Preferences,
  PreferencesInput,
  TrackMark,
  Verdict,
  ViewerFeedback,
} from './contract.ts';
export { createListeners } from './postgres-listeners.ts';
export { claimsToBeVisitor, type VisitorClaims, VisitorTokens } from './visitor-tokens.ts';
