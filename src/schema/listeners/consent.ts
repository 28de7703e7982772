import type { Consent } from '../../listeners/listeners.ts';
import * as consent from '../../resolvers/access/consent.ts';
import { outcome } from '../../resolvers/outcome.ts';
import { builder, given } from '../builder.ts';
import { ListenerType } from '../drafts/draft-refs.ts';
import { resultType } from '../errors.ts';

const ConsentType = builder.objectRef<Consent>('Consent').implement({
  description:
    "What a listener's feedback may be used for. Their own recommendations use it in any case. Nobody's texts are used " +
    'for anything else than what they were written for.',
  fields: (t) => ({
    training: t.exposeBoolean('training', {
      description: 'Whether what others are recommended may learn from it: trained versions, and popularity.',
    }),
    analytics: t.exposeBoolean('analytics', {
      description: 'Whether it is counted in analytics, measurements and exports for analysts.',
    }),
    updatedAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: "When the listener last said so. Null if they never did: the operator's default holds.",
      resolve: ({ updatedAt }) => updatedAt,
    }),
  }),
});

builder.objectFields(ListenerType, (t) => ({
  consent: t.field({
    type: ConsentType,
    description: "What the listener's feedback may be used for.",
    resolve: (listener, _, context) => consent.consentOf(listener, context),
  }),
}));

const SetConsentInput = builder.inputType('SetConsentInput', {
  description: 'What feedback may be used for. An absent purpose stays as it is; at least one is needed.',
  fields: (t) => ({
    listenerId: t.id({
      description: "The listener's `id`. By default the viewer. Naming another listener requires the SERVICE role.",
    }),
    externalId: t.string({ description: "The calling app's own id for the listener, instead of `listenerId`." }),
    training: t.boolean({ description: 'Whether what others are recommended may learn from it.' }),
    analytics: t.boolean({ description: 'Whether it is counted in analytics.' }),
  }),
});

const SetConsentSuccess = builder.objectRef<{ consent: Consent }>('SetConsentSuccess').implement({
  description: 'The consent has been changed.',
  fields: (t) => ({
    consent: t.field({
      type: ConsentType,
      description: 'The consent as it is now.',
      resolve: (result) => result.consent,
    }),
  }),
});

const setErrors = ['InvalidInputError', 'NotFoundError', 'ForbiddenError'] as const;

builder.mutationFields((t) => ({
  setConsent: t.field({
    type: resultType('SetConsent', SetConsentSuccess, setErrors),
    description:
      'Says what feedback may be used for, given before and from now on: from the next training, the next refresh of ' +
      'popularity and the next count on. For example `setConsent(input: { training: false })`.',
    args: { input: t.arg({ type: SetConsentInput, required: true, description: 'What is allowed.' }) },
    resolve: (_, { input }, context) =>
      outcome(setErrors, async () => ({ consent: await consent.setConsent(given(input), context) })),
  }),
}));
