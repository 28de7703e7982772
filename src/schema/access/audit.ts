import type { AuditEntry } from '../../access/access.ts';
import { auditLog } from '../../resolvers/access/audit.ts';
import { builder, given } from '../builder.ts';
import { connectionType, pageArgs } from '../connection.ts';

const AuditEntryType = builder.objectRef<AuditEntry>('AuditEntry').implement({
  description: 'Something that was done, or tried, that matters to others. No entry can be changed.',
  fields: (t) => ({
    at: t.field({ type: 'DateTime', description: 'When it had ended.', resolve: ({ at }) => at }),
    action: t.exposeString('action', {
      description: 'The field, for example `createApiKey`, or the command, for example `npm run keys -- create`.',
    }),
    actor: t.exposeString('actor', {
      nullable: true,
      description: 'The `externalId` of who did it. Null for a command, or somebody who has been erased.',
    }),
    keyPrefix: t.exposeString('keyPrefix', {
      nullable: true,
      description: 'The `prefix` of the API key that it was done with. Null for a token.',
    }),
    subject: t.exposeString('subject', {
      nullable: true,
      description:
        'The `externalId` of the listener whom it was done to. Null for none, or somebody who has been erased.',
    }),
    object: t.exposeString('object', {
      nullable: true,
      description: 'What it was done to, if no listener: an id, a name, or a number of items.',
    }),
    address: t.exposeString('address', {
      nullable: true,
      description: 'The address that the request came from, as it is counted for rates. Null for a command.',
    }),
    requestId: t.exposeString('requestId', {
      nullable: true,
      description: 'The `X-Request-Id` of the request. Null for a command.',
    }),
    outcome: t.exposeString('outcome', {
      description: 'DONE, the error type of the result or the error code that it ended with, or FAILED.',
    }),
  }),
});

builder.queryFields((t) => ({
  auditLog: t.field({
    type: connectionType('AuditEntry', AuditEntryType),
    description: 'What was done that matters to others, newest first. Requires the ADMIN role.',
    args: {
      action: t.arg.string({ description: 'Only entries of this action: 1–100 characters.' }),
      ...pageArgs(20),
    },
    resolve: (_, args, context) => auditLog({ ...given(args), first: args.first ?? 20 }, context),
  }),
}));
