import type * as Types from '../../generated/graphql.ts';
import type { Operation } from '../../server/operation.ts';
import document from './operate.graphql?raw';

export const MODELS: Operation<Types.ModelsQuery, Types.ModelsQueryVariables> = { document, name: 'Models' };
export const VERSIONS: Operation<Types.VersionsQuery, Types.VersionsQueryVariables> = { document, name: 'Versions' };
export const KEYS: Operation<Types.KeysQuery, Types.KeysQueryVariables> = { document, name: 'Keys' };
export const AUDIT: Operation<Types.AuditQuery, Types.AuditQueryVariables> = { document, name: 'Audit' };
export const ACTIVATE: Operation<Types.ActivateMutation, Types.ActivateMutationVariables> = {
  document,
  name: 'Activate',
};
export const CREATE_KEY: Operation<Types.CreateKeyMutation, Types.CreateKeyMutationVariables> = {
  document,
  name: 'CreateKey',
};
export const REVOKE_KEY: Operation<Types.RevokeKeyMutation, Types.RevokeKeyMutationVariables> = {
  document,
  name: 'RevokeKey',
};
