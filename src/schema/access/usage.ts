import type { UsageOfDay } from '../../access/access.ts';
import { type UsageArgs, usageOfDays } from '../../resolvers/access/usage.ts';
import { need } from '../../resolvers/catalogue.ts';
import { builder, given } from '../builder.ts';
import { connectionType, pageArgs } from '../connection.ts';
import { ListenerType } from '../drafts/draft-refs.ts';

const UsageOfDayType = builder.objectRef<UsageOfDay>('UsageOfDay').implement({
  description: 'What was used on a day of UTC with an API key, or by a listener without one.',
  fields: (t) => ({
    day: t.field({ type: 'DateOrTime', description: 'The day.', resolve: ({ day }) => day }),
    listener: t.field({
      type: ListenerType,
      description: "Who answers for it: the key's owner, or whose token it was.",
      resolve: ({ listenerId }, _, { loaders }) => need(loaders.listeners.get(listenerId), `listener ${listenerId}`),
    }),
    keyPrefix: t.string({
      nullable: true,
      description: 'The `prefix` of the API key. Null for tokens.',
      resolve: async ({ keyId }, _, { loaders }) =>
        keyId === null ? null : ((await loaders.keys.get(keyId))?.prefix ?? null),
    }),
    requests: t.exposeFloat('requests', { description: 'Number of operations.' }),
    drafts: t.exposeFloat('drafts', {
      description: 'Number of drafts begun, alternatives and continuations included.',
    }),
    tokensIn: t.exposeFloat('tokensIn', { description: 'Number of tokens that models read for drafts.' }),
    tokensOut: t.exposeFloat('tokensOut', { description: 'Number of tokens that models wrote.' }),
    engineSeconds: t.float({
      description: 'Time of the engine: of steps that several drafts share, the parts of these.',
      resolve: ({ engineMs }) => engineMs / 1000,
    }),
    storedBytes: t.exposeFloat('storedBytes', {
      description: 'Bytes of drafts and documents in the database, as last measured on that day.',
    }),
  }),
});

builder.queryFields((t) => ({
  usage: t.field({
    type: connectionType('UsageOfDay', UsageOfDayType),
    description:
      "What was used on each day, oldest first: the viewer's own and with the viewer's keys or, for ANALYST, everybody's.",
    args: {
      from: t.arg({ type: 'DateOrTime', required: true, description: 'The first day, in UTC.' }),
      to: t.arg({ type: 'DateOrTime', required: true, description: 'The last day: at most 366 days.' }),
      keyId: t.arg.id({ description: 'Only what was used with this API key.' }),
      ...pageArgs(50),
    },
    resolve: (_, args, context): ReturnType<typeof usageOfDays> =>
      usageOfDays({ ...given(args), first: args.first ?? 50 } satisfies UsageArgs, context),
  }),
}));
