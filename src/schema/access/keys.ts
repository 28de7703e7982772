import type { ApiKey, IssuedKey } from '../../access/access.ts';
import {
  createApiKey,
  quotasOf,
  revokeApiKey,
  rotateApiKey,
  setApiKeyQuota,
  visibleKeys,
} from '../../resolvers/access/keys.ts';
import { encodeId } from '../../resolvers/global-id.ts';
import { outcome } from '../../resolvers/outcome.ts';
import { builder, given } from '../builder.ts';
import { connectionType, pageArgs } from '../connection.ts';
import { ListenerType } from '../drafts/draft-refs.ts';
import { resultType } from '../errors.ts';
import { idDescription, NodeInterface } from '../nodes.ts';
import { ApiKeyQuotaInput, QuotaStateType } from './quotas.ts';

const RoleType = builder.enumType('Role', {
  description: 'What a caller may do.',
  values: {
    LISTENER: { description: 'Acts for itself: its own lists, reactions and drafts.' },
    SERVICE: { description: "A backend: acts for listeners, imports the catalogue, sees listeners' data." },
    ANALYST: { description: 'Sees statistics and measurements.' },
    ADMIN: { description: 'May do everything.' },
  } as const,
});

const KeyStatusType = builder.enumType('ApiKeyStatus', {
  description: 'Whether an API key is accepted.',
  values: {
    ACTIVE: { description: 'It is.' },
    EXPIRED: { description: 'Its time is over.' },
    REVOKED: { description: 'It was revoked.' },
  } as const,
});

const ApiKeyType = builder.objectRef<ApiKey>('ApiKey');

ApiKeyType.implement({
  interfaces: [NodeInterface],
  description: 'A credential for programs, in place of a token. Visible to its owner and to ADMIN.',
  fields: (t) => ({
    id: t.id({ description: idDescription, resolve: ({ id }) => encodeId('ApiKey', id) }),
    name: t.exposeString('name', { description: 'What it is for, as its creator called it.' }),
    prefix: t.exposeString('prefix', { description: 'The beginning of the key, which is no secret and names it.' }),
    status: t.field({
      type: KeyStatusType,
      description: 'Whether it is accepted.',
      resolve: ({ status }) => status,
    }),
    owner: t.field({ type: ListenerType, description: 'Who answers for it.', resolve: ({ owner }) => owner }),
    actsFor: t.field({
      type: ListenerType,
      nullable: true,
      description:
        'The only listener that it acts for. Null: its owner and, for a SERVICE, whoever `X-Listener-Id` names.',
      resolve: ({ listener }) => listener,
    }),
    roles: t.field({ type: [RoleType], description: 'What it may do.', resolve: ({ roles }) => roles }),
    origins: t.exposeStringList('origins', {
      description: 'The origins of the pages that may use it. Empty: any caller.',
    }),
    quotas: t.field({
      type: [QuotaStateType],
      description: 'Its limits, and how far each is used up. What has no limit is not listed.',
      resolve: ({ id }, _, context) => quotasOf(id, context),
    }),
    createdAt: t.field({ type: 'DateTime', description: 'When it was created.', resolve: (key) => key.createdAt }),
    createdBy: t.exposeString('createdBy', {
      nullable: true,
      description: 'The `externalId` of who created it. Null for a command, or somebody who has been erased.',
    }),
    expiresAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'Until when it is accepted. Null for no end.',
      resolve: (key) => key.expiresAt,
    }),
    rotatedAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When it last got another secret. Null if it never did.',
      resolve: (key) => key.rotatedAt,
    }),
    previousUntil: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'Until when the secret before the last rotation is accepted.',
      resolve: (key) => key.previousUntil,
    }),
    revokedAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When it was revoked. Null if it was not.',
      resolve: (key) => key.revokedAt,
    }),
  }),
});

builder.queryFields((t) => ({
  apiKeys: t.field({
    type: connectionType('ApiKey', ApiKeyType),
    description: "API keys, oldest first: the viewer's own or, for ADMIN, all.",
    args: {
      ...pageArgs(20),
      ownerId: t.arg.id({
        description: 'Only keys of this listener. Another than the viewer requires the ADMIN role.',
      }),
    },
    resolve: (_, args, context) => visibleKeys({ ...given(args), first: args.first ?? 20 }, context),
  }),
}));

const CreateApiKeyInput = builder.inputType('CreateApiKeyInput', {
  description: 'An API key to create. Listeners are named by `externalId`, and created if they are new.',
  fields: (t) => ({
    name: t.string({ required: true, description: 'What it is for: 1–100 characters.' }),
    owner: t.string({ required: true, description: 'The `externalId` of who answers for it. No visitor.' }),
    actsFor: t.string({ description: 'The `externalId` of the only listener that it acts for.' }),
    roles: t.field({
      type: [RoleType],
      defaultValue: ['LISTENER'],
      description: 'What it may do: at least one role.',
    }),
    origins: t.stringList({ description: 'The origins of the pages that may use it: up to 20. None: any caller.' }),
    expiresAt: t.field({ type: 'DateTime', description: 'Until when it is accepted: at most ten years.' }),
    quota: t.field({ type: ApiKeyQuotaInput, description: 'What may be used with it. None: no limits.' }),
  }),
});

const SECRET =
  'The whole key. It is shown this once and not stored: send it as `Authorization: Bearer …`, over WebSocket as the connection parameter `authorization`.';

const CreateApiKeySuccess = builder.objectRef<IssuedKey>('CreateApiKeySuccess').implement({
  description: 'The key is accepted from now on.',
  fields: (t) => ({
    apiKey: t.field({ type: ApiKeyType, description: 'The key.', resolve: ({ apiKey }) => apiKey }),
    secret: t.exposeString('secret', { description: SECRET }),
  }),
});

const RotateApiKeySuccess = builder.objectRef<IssuedKey>('RotateApiKeySuccess').implement({
  description: 'The key has another secret. Its id, prefix, limits and usage are the same.',
  fields: (t) => ({
    apiKey: t.field({ type: ApiKeyType, description: 'The key.', resolve: ({ apiKey }) => apiKey }),
    secret: t.exposeString('secret', { description: SECRET }),
  }),
});

const RevokeApiKeySuccess = builder.objectRef<{ apiKey: ApiKey }>('RevokeApiKeySuccess').implement({
  description: 'The key is not accepted any more, on any node, and what it had opened ends.',
  fields: (t) => ({
    apiKey: t.field({ type: ApiKeyType, description: 'The key.', resolve: ({ apiKey }) => apiKey }),
  }),
});

const SetApiKeyQuotaSuccess = builder.objectRef<{ apiKey: ApiKey }>('SetApiKeyQuotaSuccess').implement({
  description: 'The limits hold on all nodes within seconds.',
  fields: (t) => ({
    apiKey: t.field({ type: ApiKeyType, description: 'The key.', resolve: ({ apiKey }) => apiKey }),
  }),
});

const quotaErrors = ['InvalidInputError', 'NotFoundError', 'ForbiddenError'] as const;
const createErrors = ['InvalidInputError', 'ForbiddenError', 'ConflictError'] as const;
const rotateErrors = ['InvalidInputError', 'NotFoundError', 'ForbiddenError', 'ConflictError'] as const;
const revokeErrors = ['InvalidInputError', 'NotFoundError', 'ForbiddenError'] as const;

builder.mutationFields((t) => ({
  createApiKey: t.field({
    type: resultType('CreateApiKey', CreateApiKeySuccess, createErrors),
    description: 'Creates an API key. Requires the ADMIN role.',
    args: { input: t.arg({ type: CreateApiKeyInput, required: true, description: 'The key.' }) },
    resolve: (_, { input }, context) => outcome(createErrors, () => createApiKey(given(input), context)),
  }),
  rotateApiKey: t.field({
    type: resultType('RotateApiKey', RotateApiKeySuccess, rotateErrors),
    description:
      'Gives an API key another secret. Requires to be signed in as its owner, or the ADMIN role. What was opened with the ' +
      'secret before ends when that is not accepted any more.',
    args: {
      id: t.arg.id({ required: true, description: "The key's `id`." }),
      graceSeconds: t.arg.int({
        defaultValue: 0,
        description: 'How long the secret before is accepted, so that programs can change over: at most 30 days.',
      }),
    },
    resolve: (_, { id, graceSeconds }, context) =>
      outcome(rotateErrors, () => rotateApiKey(id, graceSeconds ?? 0, context)),
  }),
  setApiKeyQuota: t.field({
    type: resultType('SetApiKeyQuota', SetApiKeyQuotaSuccess, quotaErrors),
    description: 'Replaces all limits of an API key. Requires the ADMIN role.',
    args: {
      id: t.arg.id({ required: true, description: "The key's `id`." }),
      quota: t.arg({ type: ApiKeyQuotaInput, required: true, description: 'The limits. What is absent has none.' }),
    },
    resolve: (_, { id, quota }, context) => outcome(quotaErrors, () => setApiKeyQuota(id, given(quota), context)),
  }),
  revokeApiKey: t.field({
    type: resultType('RevokeApiKey', RevokeApiKeySuccess, revokeErrors),
    description:
      'Ends an API key for good, on all nodes, with the sockets and streams that it opened. Requires to be signed in as its ' +
      'owner, or the ADMIN role. Repeating it changes nothing.',
    args: { id: t.arg.id({ required: true, description: "The key's `id`." }) },
    resolve: (_, { id }, context) => outcome(revokeErrors, () => revokeApiKey(id, context)),
  }),
}));
