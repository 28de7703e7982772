import type { ModelVersion } from '../recommend/recommender.ts';
import { activateModelVersion, modelVersions } from '../resolvers/model-versions.ts';
import { outcome } from '../resolvers/outcome.ts';
import { builder } from './builder.ts';
import { resultType } from './errors.ts';

const ModelVersionParameterType = builder
  .objectRef<{ name: string; value: string }>('ModelVersionParameter')
  .implement({
    description: 'One of the settings that a training chose, or a count of what it read.',
    fields: (t) => ({
      name: t.exposeString('name', { description: 'E.g. `ridge`, `recency`, `listeners`.' }),
      value: t.exposeString('value', { description: 'As text.' }),
    }),
  });

const ModelVersionType = builder.objectRef<ModelVersion>('ModelVersion').implement({
  description: 'One training of the recommender.',
  fields: (t) => ({
    modelVersion: t.exposeString('version', { description: 'Its name, as lists and evaluations have it.' }),
    trainedAt: t.field({ type: 'DateTime', description: 'When.', resolve: ({ trainedAt }) => trainedAt }),
    isActive: t.exposeBoolean('isActive', { description: 'Whether it is the one that serves.' }),
    isKept: t.exposeBoolean('isKept', {
      description:
        'Whether its weights are still there, so that it can serve: those of the last five, and of the active one.',
    }),
    parameters: t.field({
      type: [ModelVersionParameterType],
      description: 'What was chosen, and counts of what it was trained on.',
      resolve: ({ parameters }) => Object.entries(parameters).map(([name, value]) => ({ name, value: String(value) })),
    }),
  }),
});

builder.queryFields((t) => ({
  modelVersions: t.field({
    type: [ModelVersionType],
    description: "The recommender's versions, newest first. ANALYST role.",
    args: { first: t.arg.int({ defaultValue: 20, description: 'At most so many: 1–100.' }) },
    resolve: (_, { first }, context) => modelVersions(first ?? 20, context),
  }),
}));

const ActivateModelVersionSuccess = builder
  .objectRef<{ version: ModelVersion }>('ActivateModelVersionSuccess')
  .implement({
    description: 'The version serves, on every node.',
    fields: (t) => ({
      version: t.field({ type: ModelVersionType, description: 'As it now is.', resolve: ({ version }) => version }),
    }),
  });

const activateErrors = ['InvalidInputError', 'NotFoundError', 'ForbiddenError'] as const;

builder.mutationFields((t) => ({
  activateModelVersion: t.field({
    type: resultType('ActivateModelVersion', ActivateModelVersionSuccess, activateErrors),
    description:
      'ADMIN role. Goes back to an earlier version of the recommender whose weights are kept, or forth again.',
    args: { modelVersion: t.arg.string({ required: true, description: 'Which one.' }) },
    resolve: (_, { modelVersion }, context) =>
      outcome(activateErrors, () => activateModelVersion(modelVersion, context)) as never,
  }),
}));
