import type { ObjectRef } from '@pothos/core';
import { encodeId } from '../resolvers/global-id.ts';
import { type ErrorTypeName, type Failure, type FailureOf, outcomeType } from '../resolvers/outcome.ts';
import { builder } from './builder.ts';
import type { PothosTypes } from './connection.ts';

const ErrorInterface = builder.interfaceRef<Failure>('Error').implement({
  description: 'A failure that a client can act on.',
  fields: (t) => ({ message: t.exposeString('message', { description: 'A description of the problem for people.' }) }),
  resolveType: ({ failure }) => failure,
});

const implementing = { interfaces: [ErrorInterface] };

const errorTypes = {
  InvalidInputError: builder.objectRef<FailureOf<'InvalidInputError'>>('InvalidInputError').implement({
    ...implementing,
    description: 'An argument is out of range, malformed or contradicts another. Nothing was changed.',
    fields: (t) => ({
      field: t.exposeString('field', {
        nullable: true,
        description: "The argument's dotted path, for example `input.sampling.topP`.",
      }),
    }),
  }),
  NotFoundError: builder.objectRef<FailureOf<'NotFoundError'>>('NotFoundError').implement({
    ...implementing,
    description: 'No object with this id exists, or the viewer may not see it.',
    fields: (t) => ({ id: t.exposeID('id', { nullable: true, description: 'The id that was sent.' }) }),
  }),
  ForbiddenError: builder.objectRef<FailureOf<'ForbiddenError'>>('ForbiddenError').implement({
    ...implementing,
    description: 'The viewer lacks a permission or a role.',
  }),
  ConflictError: builder.objectRef<FailureOf<'ConflictError'>>('ConflictError').implement({
    ...implementing,
    description: "The object's state does not allow this operation.",
  }),
  IdempotencyConflictError: builder
    .objectRef<FailureOf<'IdempotencyConflictError'>>('IdempotencyConflictError')
    .implement({
      ...implementing,
      description: 'The idempotency key was used before, with another input. Nothing was changed.',
      fields: (t) => ({
        field: t.exposeString('field', { description: "The key's dotted path, for example `input.idempotencyKey`." }),
      }),
    }),
  RevisionConflictError: builder.objectRef<FailureOf<'RevisionConflictError'>>('RevisionConflictError').implement({
    ...implementing,
    description: 'The object has been changed since the revision that was sent. Nothing was changed.',
    fields: (t) => ({
      revision: t.exposeInt('revision', { description: "The object's present `revision`." }),
    }),
  }),
  OverloadedError: builder.objectRef<FailureOf<'OverloadedError'>>('OverloadedError').implement({
    ...implementing,
    description: "The engine's queue is full, or the viewer's share of it is used up. Nothing was started.",
    fields: (t) => ({
      retryAfterMs: t.exposeInt('retryAfterMs', {
        description: 'Milliseconds to wait before retrying: an upper estimate.',
      }),
    }),
  }),
  QuotaExceededError: builder.objectRef<FailureOf<'QuotaExceededError'>>('QuotaExceededError').implement({
    ...implementing,
    description: 'A quota of the API key is used up. Nothing was started.',
    fields: (t) => ({
      quota: t.exposeString('quota', { description: 'Its name: `draftsPerDay`, `tokensPerDay` or `tokensPerMonth`.' }),
      spent: t.exposeFloat('spent', { description: 'How much of it was used.' }),
      limit: t.exposeFloat('limit', { description: 'How much may be used.' }),
      resetsAt: t.field({
        type: 'DateTime',
        description: 'When it begins anew.',
        resolve: ({ resetsAt }) => new Date(resetsAt),
      }),
    }),
  }),
  ModelUnavailableError: builder.objectRef<FailureOf<'ModelUnavailableError'>>('ModelUnavailableError').implement({
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
export function resultType<Success extends object, Name extends ErrorTypeName>(
  name: string,
  success: ObjectRef<PothosTypes, Success>,
  errors: readonly Name[],
) {
  return builder.unionType(`${name}Result`, {
    description: `The result of \`${name.charAt(0).toLowerCase()}${name.slice(1)}\`.`,
    types: [success, ...errors.map((error) => errorTypes[error])],
    resolveType: (value) => outcomeType(`${name}Success`, value),
  });
}
