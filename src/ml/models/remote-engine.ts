import { ModelUnavailableError, NotFoundError } from '../../lib/errors.ts';
import type { Engine, Model, TextVectors, Translation } from '../contract.ts';

/**
 * The engine of a node that writes no drafts. It knows the models of the other nodes and leaves the writing to them. It
 * has no tokenizer, so a prompt that is too long is detected only by the node that takes up the draft.
 * @param models the models that other nodes report, best first
 */
export function createRemoteEngine(models: () => readonly Model[]): Engine & TextVectors & Translation {
  const checkReady = (modelId: string): void => {
    const model = models().find(({ id }) => id === modelId);
    if (!model && models().length > 0) throw new NotFoundError(`there is no model ${modelId}`, modelId);
    if (model?.status === 'READY') return;
    throw new ModelUnavailableError('no node can write with this model at the moment', modelId);
  };
  return {
    models,
    load: () => [],
    defaultModel: (task) => models().find((model) => model.task === task) ?? null,
    admit: (modelId) => {
      checkReady(modelId);
      return {
        generate: () => {
          throw new ModelUnavailableError('this node writes no drafts', modelId);
        },
        [Symbol.dispose]: () => undefined,
      };
    },
    whenReady: (modelId) => Promise.resolve(modelId).then(checkReady),
    checkFits: () => undefined,
    encode: () => Promise.reject(runsNone()),
    pairs: () => [],
    translate: () => Promise.reject(runsNone()),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

function runsNone(): ModelUnavailableError {
  return new ModelUnavailableError('this node runs no models: ask one with the role all');
}
