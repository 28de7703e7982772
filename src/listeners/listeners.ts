export { type Erasure, noSuchListener, unlessErased } from './erasure.ts';
export { type Listener, may, type Role, type Viewer } from './viewer.ts';
export { feedbackWakeup, importWakeup, listenerKey } from './wakeup-keys.ts';

export type {
  Feedback,
  FeedbackInput,
  FeedbackKind,
  Listeners,
  Preferences,
  PreferencesInput,
  Verdict,
  ViewerFeedback,
} from './contract.ts';
export { createListeners } from './postgres-listeners.ts';
