import type { ObjectRef } from '@pothos/core';
import type {
  IdempotencyConflictError,
  InvalidInputError,
  ModelUnavailableError,
  NotFoundError,
  OverloadedError,
} from '../lib/errors.ts';
import { encodeId } from '../resolvers/global-id.ts';
import { type ErrorTypeName, type Failure, outcomeType } from '../resolvers/outcome.ts';
import { builder } from './builder.ts';
import type { PothosTypes } from './connection.ts';

const ErrorInterface = builder.interfaceRef<Failure>('Error').implement({
  description: 'A failure that a client can act on.',
  fields: (t) => ({ message: t.exposeString('message', { description: 'A description of the problem for people.' }) }),
  resolveType: ({ failure }) => failure as never,
});

const implementing = { interfaces: [ErrorInterface] };

const errorTypes = {
  InvalidInputError: builder.objectRef<Failure & Pick<InvalidInputError, 'field'>>('InvalidInputError').implement({
    ...implementing,
    description: 'An argument is out of range, malformed or contradicts another. Nothing was changed.',
    fields: (t) => ({
      field: t.exposeString('field', {
        nullable: true,
        description: "The argument's dotted path, for example `input.sampling.topP`.",
      }),
    }),
  }),
  NotFoundError: builder.objectRef<Failure & Pick<NotFoundError, 'id'>>('NotFoundError').implement({
    ...implementing,
    description: 'No object with this id exists, or the viewer may not see it.',
    fields: (t) => ({ id: t.exposeID('id', { nullable: true, description: 'The id that was sent.' }) }),
  }),
  ForbiddenError: builder.objectRef<Failure>('ForbiddenError').implement({
    ...implementing,
    description: 'The viewer lacks a permission or a role.',
  }),
  ConflictError: builder.objectRef<Failure>('ConflictError').implement({
    ...implementing,
    description: "The object's state does not allow this operation.",
  }),
  IdempotencyConflictError: builder
    .objectRef<Failure & Pick<IdempotencyConflictError, 'field'>>('IdempotencyConflictError')
    .implement({
      ...implementing,
      description: 'The idempotency key was used before, with another input. Nothing was changed.',
      fields: (t) => ({
        field: t.exposeString('field', { description: "The key's dotted path, for example `input.idempotencyKey`." }),
      }),
    }),
  OverloadedError: builder.objectRef<Failure & Pick<OverloadedError, 'retryAfterMs'>>('OverloadedError').implement({
    ...implementing,
    description: "The engine's queue is full, or the viewer's share of it is used up. Nothing was started.",
    fields: (t) => ({
      retryAfterMs: t.exposeInt('retryAfterMs', {
        description: 'Milliseconds to wait before retrying: an upper estimate.',
      }),
    }),
  }),
  ModelUnavailableError: builder
    .objectRef<Failure & Pick<ModelUnavailableError, 'modelId'>>('ModelUnavailableError')
    .implement({
      ...implementing,
      description: 'The model is absent, being fetched or compiled, or has failed.',
      fields: (t) => ({
        modelId: t.id({
          nullable: true,
          description: "The model's `id`. Null if there is no model for the task.",
          resolve: ({ modelId }) => (modelId === null ? null : encodeId('Model', modelId)),
        }),
      }),
    }),
};

/** `NAMEResult`: the success or one of the errors. */
export function resultType<Success extends object>(
  name: string,
  success: ObjectRef<PothosTypes, Success>,
  errors: readonly ErrorTypeName[],
) {
  return builder.unionType(`${name}Result`, {
    description: `The result of \`${name.charAt(0).toLowerCase()}${name.slice(1)}\`.`,
    types: [success, ...errors.map((error) => errorTypes[error])] as never,
    resolveType: (value) => outcomeType(`${name}Success`, value) as never,
  });
}
