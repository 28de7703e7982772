import type * as Types from '../../generated/graphql.ts';
import type { Operation } from '../../server/operation.ts';
import document from './listen.graphql?raw';
import live from './live.graphql?raw';
import row from './row.graphql?raw';
import whyNot from './why-not.graphql?raw';

export const LIST: Operation<Types.ListSubscription, Types.ListSubscriptionVariables> = {
  document: live + row,
  name: 'List',
};
export const WHY_NOT: Operation<Types.WhyNotQuery, Types.WhyNotQueryVariables> = {
  document: whyNot + row,
  name: 'WhyNot',
};
export const FIND: Operation<Types.FindQuery, Types.FindQueryVariables> = { document, name: 'Find' };
export const LIBRARY: Operation<Types.LibraryQuery, Types.LibraryQueryVariables> = { document, name: 'Library' };
export const PREFERENCES: Operation<Types.PreferencesQuery, Types.PreferencesQueryVariables> = {
  document,
  name: 'Preferences',
};
export const SET_PREFERENCES: Operation<Types.SetPreferencesMutation, Types.SetPreferencesMutationVariables> = {
  document,
  name: 'SetPreferences',
};
export const SET_REACTION: Operation<Types.SetReactionMutation, Types.SetReactionMutationVariables> = {
  document,
  name: 'SetReaction',
};
export const SET_SAVED: Operation<Types.SetSavedMutation, Types.SetSavedMutationVariables> = {
  document,
  name: 'SetSaved',
};
export const SET_HIDDEN: Operation<Types.SetHiddenMutation, Types.SetHiddenMutationVariables> = {
  document,
  name: 'SetHidden',
};
