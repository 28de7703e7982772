import type { Model } from '../ml/engine.ts';
import { encodeId } from '../resolvers/global-id.ts';
import { builder } from './builder.ts';
import { idDescription, NodeType } from './nodes.ts';

const ExecutionProviderType = builder.enumType('ExecutionProvider', {
  description: 'What a model runs on.',
  values: { CPU: { description: 'The processor.' }, CUDA: { description: 'An NVIDIA GPU.' } } as const,
});

const ModelStatusType = builder.enumType('ModelStatus', {
  description: 'How far a model is.',
  values: {
    ABSENT: { description: 'Not on disk, and nobody is fetching it.' },
    FETCHING: { description: 'On its way: see `fetched`.' },
    COMPILING: { description: 'On disk, being turned into what runs.' },
    READY: { description: 'Writes at once.' },
    FAILED: { description: 'See `failure`.' },
  } as const,
});

const ModelTaskType = builder.enumType('ModelTask', {
  description: 'What a model is for.',
  values: {
    TEXT_GENERATION: { description: 'Writes texts.' },
    TUNE_GENERATION: { description: 'Writes melodies.' },
    RECOMMENDATION: { description: 'Ranks tracks.' },
    EMBEDDING: { description: 'Turns texts into vectors.' },
  } as const,
});

export const ModelType = builder.objectRef<Model>('Model').implement({
  description: 'A model of the catalogue, and how far it is on this server.',
  interfaces: [NodeType],
  fields: (t) => ({
    id: t.id({ description: idDescription, resolve: ({ id }) => encodeId('Model', id) }),
    name: t.exposeString('name', { description: 'For people.' }),
    task: t.field({ type: ModelTaskType, description: 'What it is for.', resolve: ({ task }) => task }),
    version: t.exposeString('version', { description: 'Of the weights.' }),
    license: t.exposeString('license', { nullable: true, description: 'SPDX name, where it is known.' }),
    executionProvider: t.field({
      type: ExecutionProviderType,
      description: 'What it runs on here.',
      resolve: ({ executionProvider }) => executionProvider,
    }),
    parameters: t.exposeFloat('parameters', { nullable: true, description: 'How many weights it has.' }),
    contextTokens: t.exposeInt('contextTokens', { nullable: true, description: 'Tokens that it can hold in view.' }),
    status: t.field({ type: ModelStatusType, description: 'How far it is.', resolve: ({ status }) => status }),
    fetched: t.exposeFloat('fetched', {
      description: 'Share of the file on disk, in [0, 1], while it is being fetched.',
    }),
    failure: t.exposeString('failure', { nullable: true, description: 'Why `status` is FAILED.' }),
  }),
});

builder.queryFields((t) => ({
  models: t.field({
    type: [ModelType],
    description: 'The models that this server knows.',
    resolve: (_, __, { engine }) => engine.models(),
  }),
}));
