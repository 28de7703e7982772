import type { ModelVersion } from '../../recommend/recommender.ts';
import { outcome } from '../../resolvers/outcome.ts';
import { activateModelVersion, modelVersions } from '../../resolvers/recommend/model-versions.ts';
import { builder } from '../builder.ts';
import { resultType } from '../errors.ts';

const ModelVersionParameterType = builder
  .objectRef<{ name: string; value: string }>('ModelVersionParameter')
  .implement({
    description: 'A setting chosen by a training, or a count of its input.',
    fields: (t) => ({
      name: t.exposeString('name', { description: 'The name, for example `ridge`, `recency` or `listeners`.' }),
      value: t.exposeString('value', { description: 'The value as text.' }),
    }),
  });

const ModelVersionType = builder.objectRef<ModelVersion>('ModelVersion').implement({
  description: 'A version of the recommender, produced by one training.',
  fields: (t) => ({
    modelVersion: t.exposeString('version', { description: "The version's name, as in lists and evaluations." }),
    trainedAt: t.field({
      type: 'DateTime',
      description: 'When the version was trained.',
      resolve: ({ trainedAt }) => trainedAt,
    }),
    isActive: t.exposeBoolean('isActive', { description: 'Whether this version serves.' }),
    activatedAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When the version last began to serve. Null if it never did.',
      resolve: ({ activatedAt }) => activatedAt,
    }),
    activatedBy: t.exposeString('activatedBy', {
      nullable: true,
      description:
        'The `externalId` of the listener who made the version serve with `activateModelVersion`. Null if its training or ' +
        'a command did, or the listener has been erased.',
    }),
    isKept: t.exposeBoolean('isKept', {
      description:
        "Whether the version's weights are kept, so that it can serve. The weights of the last five versions and of " +
        'the active one are kept.',
    }),
    parameters: t.field({
      type: [ModelVersionParameterType],
      description: 'The settings chosen by the training, and counts of its input.',
      resolve: ({ parameters }) => Object.entries(parameters).map(([name, value]) => ({ name, value: String(value) })),
    }),
  }),
});

builder.queryFields((t) => ({
  modelVersions: t.field({
    type: [ModelVersionType],
    description: "The recommender's versions, newest first. Requires the ANALYST role.",
    args: { first: t.arg.int({ defaultValue: 20, description: 'Maximum number of versions: 1–100.' }) },
    resolve: (_, { first }, context) => modelVersions(first ?? 20, context),
  }),
}));

const ActivateModelVersionSuccess = builder
  .objectRef<{ version: ModelVersion }>('ActivateModelVersionSuccess')
  .implement({
    description: 'The version serves, on every node.',
    fields: (t) => ({
      version: t.field({
        type: ModelVersionType,
        description: 'The version as it is now.',
        resolve: ({ version }) => version,
      }),
    }),
  });

const activateErrors = ['InvalidInputError', 'NotFoundError', 'ForbiddenError'] as const;

builder.mutationFields((t) => ({
  activateModelVersion: t.field({
    type: resultType('ActivateModelVersion', ActivateModelVersionSuccess, activateErrors),
    description:
      'Makes a version of the recommender serve, earlier or later than the current one, if its weights are kept. ' +
      'Requires the ADMIN role.',
    args: { modelVersion: t.arg.string({ required: true, description: "The version's name." }) },
    resolve: (_, { modelVersion }, context) =>
      outcome(activateErrors, () => activateModelVersion(modelVersion, context)),
  }),
}));
