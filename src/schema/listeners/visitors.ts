import type { Claimed, Listener } from '../../listeners/listeners.ts';
import { claimVisitor } from '../../resolvers/listeners.ts';
import { outcome } from '../../resolvers/outcome.ts';
import { builder } from '../builder.ts';
import { ListenerType } from '../drafts/draft-refs.ts';
import { resultType } from '../errors.ts';

const ClaimVisitorSuccess = builder.objectRef<Claimed & { listener: Listener }>('ClaimVisitorSuccess').implement({
  description: "The visitor's history is the account's. All numbers are 0 if it was before.",
  fields: (t) => ({
    listener: t.field({ type: ListenerType, description: 'The account.', resolve: ({ listener }) => listener }),
    feedback: t.exposeInt('feedback', { description: 'Number of feedback events that were moved.' }),
    verdicts: t.exposeInt('verdicts', {
      description: 'Number of reactions, saved and hidden tracks that were moved, including those taken back.',
    }),
    preferences: t.exposeBoolean('preferences', {
      description: "Whether the visitor's preferences were moved. An account that has stated any keeps its own.",
    }),
    lists: t.exposeInt('lists', {
      description: 'Number of lists that were moved: their cursors and `requestId`s are valid for the account.',
    }),
    drafts: t.exposeInt('drafts', { description: 'Number of drafts that were moved, also while they are written.' }),
  }),
});

const claimErrors = ['InvalidInputError', 'NotFoundError', 'ConflictError', 'ForbiddenError'] as const;

builder.mutationFields((t) => ({
  claimVisitor: t.field({
    type: resultType('ClaimVisitor', ClaimVisitorSuccess, claimErrors),
    description:
      "Gives a visitor's history to the viewer: feedback, reactions, preferences, lists and drafts. Send it with the " +
      "account's token after signing in. The visitor's token is refused from then on. Repeating it changes nothing.",
    args: {
      visitorToken: t.arg.string({ required: true, description: 'The token that `POST /visitors` returned.' }),
    },
    resolve: (_, { visitorToken }, context) => outcome(claimErrors, () => claimVisitor(visitorToken, context)),
  }),
}));
