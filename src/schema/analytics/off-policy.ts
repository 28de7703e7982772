import type { OffPolicyEstimate, OffPolicyRefusal } from '../../recommend/recommender.ts';
import { offPolicyEstimate } from '../../resolvers/recommend/analytics.ts';
import { builder } from '../builder.ts';

const OffPolicyRefusalEnum = builder.enumType('OffPolicyRefusal', {
  description: 'Reason why there is no estimate for a version.',
  values: {
    NO_LISTS: { description: 'No list of the last day was served after the version was trained.' },
    TOO_FEW: { description: '`effectiveSampleSize` is below 100.' },
    NO_OVERLAP: { description: '`meanWeight` is below 0.9: much of what the version would show was never shown.' },
  } satisfies Record<OffPolicyRefusal, { description: string }>,
});

const OffPolicyEstimateType = builder.objectRef<OffPolicyEstimate>('OffPolicyEstimate').implement({
  description:
    'An estimate of the click-through rate that another recommender version would have, from at most 1,000 lists of ' +
    "the last day and their logged propensities. It is only as good as the server's exploration: see `meanWeight`.",
  fields: (t) => ({
    modelVersion: t.exposeString('modelVersion', { description: 'The version that is estimated.' }),
    servedAfter: t.field({
      type: 'DateTime',
      nullable: true,
      description:
        'Time at which the training of the version read the feedback: only lists served later are counted, since the ' +
        'version has learned from the earlier ones. Null for `untrained`.',
      resolve: ({ servedAfter }) => servedAfter,
    }),
    refusal: t.field({
      type: OffPolicyRefusalEnum,
      nullable: true,
      description: 'Reason why `ips`, `snips`, `low` and `high` are null. Null if there is an estimate.',
      resolve: ({ refusal }) => refusal,
    }),
    lists: t.exposeInt('lists', { description: 'Number of lists that the estimate is based on.' }),
    impressions: t.exposeInt('impressions', { description: 'Number of impressions in these lists.' }),
    ctr: t.exposeFloat('ctr', { nullable: true, description: 'Clicks per impression as served.' }),
    ips: t.exposeFloat('ips', {
      nullable: true,
      description: 'Estimate by inverse propensity scoring: unbiased, but with a high variance.',
    }),
    snips: t.exposeFloat('snips', {
      nullable: true,
      description: 'Estimate by self-normalised inverse propensity scoring: slightly biased, with a lower variance.',
    }),
    low: t.exposeFloat('low', {
      nullable: true,
      description: 'Lower bound of the 95 % confidence interval of `snips`. Null if all lists are of one listener.',
    }),
    high: t.exposeFloat('high', {
      nullable: true,
      description: 'Upper bound of the 95 % confidence interval of `snips`. Null if all lists are of one listener.',
    }),
    effectiveSampleSize: t.exposeFloat('effectiveSampleSize', {
      description: 'Number of impressions served by the version itself that would be equally informative.',
    }),
    meanWeight: t.exposeFloat('meanWeight', {
      nullable: true,
      description:
        'Mean weight of the impressions, by the attention that their positions get. Near 1 if the lists could have ' +
        'shown what the version would show; the shortfall is the part that cannot be estimated.',
    }),
  }),
});

builder.queryFields((t) => ({
  offPolicyEstimate: t.field({
    type: OffPolicyEstimateType,
    nullable: true,
    description:
      "Estimates a version's click-through rate before it serves. Null if the version does not exist or its weights " +
      'are not kept. Requires the ANALYST role.',
    args: { modelVersion: t.arg.string({ required: true, description: 'The version to estimate.' }) },
    resolve: (_, { modelVersion }, context) => offPolicyEstimate(modelVersion, context),
  }),
}));
