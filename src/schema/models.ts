import type { Model } from '../ml/engine.ts';
import { encodeId } from '../resolvers/global-id.ts';
import { builder } from './builder.ts';
import { idDescription, NodeInterface } from './nodes.ts';

const ExecutionProviderType = builder.enumType('ExecutionProvider', {
  description: 'The hardware that a model runs on.',
  values: { CPU: { description: 'The CPU.' }, CUDA: { description: 'An NVIDIA GPU.' } } as const,
});

const ModelKernelsType = builder.enumType('ModelKernels', {
  description: "How a model's products are computed. Last bits differ between them, and so may texts.",
  values: {
    INTEGERS: { description: 'As sums of 8-bit integers, with one scale for each row and column.' },
    BLOCKS: { description: 'In blocks of 8 or 4 bits, with a scale each.' },
    FLOATS: { description: 'In floating point.' },
  } as const,
});

const ModelStatusType = builder.enumType('ModelStatus', {
  description: 'The status of a model on this server.',
  values: {
    ABSENT: { description: 'Not on disk and not being fetched.' },
    FETCHING: { description: 'Being fetched: see `fetched`.' },
    COMPILING: { description: 'On disk and being made ready: compiled, unless it was before, and opened.' },
    READY: { description: 'Ready to use.' },
    FAILED: { description: 'Cannot be used: see `failure`.' },
  } as const,
});

const ModelTaskType = builder.enumType('ModelTask', {
  description: 'The task of a model.',
  values: {
    TEXT_GENERATION: { description: 'Writes texts.' },
    TUNE_GENERATION: { description: 'Writes melodies.' },
    RECOMMENDATION: { description: 'Ranks tracks.' },
    EMBEDDING: { description: 'Computes vectors from texts.' },
    TRANSLATION: { description: 'Translates texts from one language into another.' },
  } as const,
});

export const ModelType = builder.objectRef<Model>('Model').implement({
  description: 'A model of the catalogue, and its status on this server.',
  interfaces: [NodeInterface],
  fields: (t) => ({
    id: t.id({ description: idDescription, resolve: ({ id }) => encodeId('Model', id) }),
    name: t.exposeString('name', { description: "The model's display name." }),
    task: t.field({ type: ModelTaskType, description: "The model's task.", resolve: ({ task }) => task }),
    version: t.exposeString('version', { description: "The version of the model's weights." }),
    license: t.exposeString('license', {
      nullable: true,
      description: "The SPDX identifier of the model's licence. Null if unknown.",
    }),
    executionProvider: t.field({
      type: ExecutionProviderType,
      description: 'The hardware that the model runs on.',
      resolve: ({ executionProvider }) => executionProvider,
    }),
    kernels: t.field({
      type: ModelKernelsType,
      nullable: true,
      description: "How the model's products are computed. Null for an ONNX export and for a model that is not READY.",
      resolve: ({ kernels }) => kernels ?? null,
    }),
    parameters: t.exposeFloat('parameters', { nullable: true, description: 'Number of parameters. Null if unknown.' }),
    contextTokens: t.exposeInt('contextTokens', {
      nullable: true,
      description: 'Length of the context in tokens. Null if unknown.',
    }),
    status: t.field({ type: ModelStatusType, description: "The model's status.", resolve: ({ status }) => status }),
    fetched: t.exposeFloat('fetched', {
      description: "Fraction of the model's files on disk, in [0, 1].",
    }),
    failure: t.exposeString('failure', {
      nullable: true,
      description: 'Why the model cannot be used. Null unless `status` is FAILED.',
    }),
  }),
});

builder.queryFields((t) => ({
  models: t.field({
    type: [ModelType],
    description: "The models in this server's catalogue.",
    resolve: (_, __, { engine }) => engine.models(),
  }),
}));
