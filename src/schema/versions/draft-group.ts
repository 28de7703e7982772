import type { Draft, DraftGroup, GroupEvent } from '../../drafts/drafts.ts';
import * as drafts from '../../resolvers/drafts/drafts.ts';
import { encodeId } from '../../resolvers/global-id.ts';
import { outcome } from '../../resolvers/outcome.ts';
import { builder, given } from '../builder.ts';
import { DraftEventType } from '../drafts/draft-events.ts';
import { DraftType } from '../drafts/draft-refs.ts';
import { resultType } from '../errors.ts';
import { idDescription, NodeInterface } from '../nodes.ts';

const DraftGroupType = builder.objectRef<DraftGroup>('DraftGroup').implement({
  description: 'Drafts that were started together as alternatives.',
  interfaces: [NodeInterface],
  fields: (t) => ({
    id: t.id({ description: idDescription, resolve: ({ id }) => encodeId('DraftGroup', id) }),
    drafts: t.field({
      type: [DraftType],
      description: 'The alternatives that are left, by their numbers: one, after it was chosen with `chooseDraft`.',
      resolve: (group) => group.drafts,
    }),
  }),
});

builder.objectFields(DraftType, (t) => ({
  group: t.field({
    type: DraftGroupType,
    nullable: true,
    description: 'The alternatives with which the draft was started. Null if it was started alone.',
    resolve: (draft, _, context) => drafts.groupOf(draft, context),
  }),
  alternative: t.int({
    nullable: true,
    description: "The draft's number in its group, from 1. Null if it was started alone.",
    resolve: ({ alternative }) => alternative,
  }),
}));

const DraftGroupEventType = builder.objectRef<GroupEvent>('DraftGroupEvent').implement({
  description: "An event of one of a group's drafts.",
  fields: (t) => ({
    cursor: t.field({
      type: 'DraftCursor',
      description: 'Resumes all drafts of the group after this event.',
      resolve: ({ cursor }) => cursor,
    }),
    draftId: t.id({ description: "The draft's `id`.", resolve: ({ draftId }) => encodeId('Draft', draftId) }),
    alternative: t.exposeInt('alternative', { description: "The draft's number in the group, from 1." }),
    event: t.field({
      type: DraftEventType,
      nullable: true,
      description:
        'The event. Null if the draft is gone, because another was chosen or it was deleted or made PRIVATE.',
      resolve: ({ event }) => event,
    }),
  }),
});

builder.subscriptionFields((t) => ({
  draftGroupEvents: t.field({
    type: DraftGroupEventType,
    description:
      "The events of all drafts of a group, each draft's in their order, as `draftEvents` has those of one, until all " +
      'have ended.',
    args: {
      groupId: t.arg.id({ required: true, description: "The group's `id`." }),
      after: t.arg({ type: 'DraftCursor', description: 'The `cursor` of the last event of the group received.' }),
      keepOpen: t.arg.boolean({
        defaultValue: false,
        description: 'Whether to go on after the ends of the drafts, with later changes and continuations.',
      }),
    },
    subscribe: (_, args, context) => drafts.followGroup(given(args), context),
    // The result does not depend on the arguments, so readers that select the same fields share one answer per event.
    resolve: (event) => event,
  }),
}));

const ChooseDraftSuccess = builder.objectRef<{ draft: Draft }>('ChooseDraftSuccess').implement({
  description: 'The draft is the only one left of its group.',
  fields: (t) => ({
    draft: t.field({ type: DraftType, description: 'The draft as it is now.', resolve: ({ draft }) => draft }),
  }),
});

const chooseErrors = ['InvalidInputError', 'NotFoundError', 'ForbiddenError'] as const;

builder.mutationFields((t) => ({
  chooseDraft: t.field({
    type: resultType('ChooseDraft', ChooseDraftSuccess, chooseErrors),
    description:
      'Keeps one draft of a group and deletes the others, also while they are being written. A draft that is alone is ' +
      'not changed.',
    args: { id: t.arg.id({ required: true, description: 'The `id` of the draft to keep.' }) },
    resolve: (_, { id }, context) =>
      outcome(chooseErrors, async () => ({ draft: await drafts.chooseDraft(id, context) })),
  }),
}));
