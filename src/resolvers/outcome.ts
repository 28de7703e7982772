import {
  CadenzaError,
  ConflictError,
  ForbiddenError,
  IdempotencyConflictError,
  InvalidInputError,
  ModelUnavailableError,
  NotFoundError,
  OverloadedError,
} from '../lib/errors.ts';

const errorTypes = {
  ConflictError,
  ForbiddenError,
  IdempotencyConflictError,
  InvalidInputError,
  ModelUnavailableError,
  NotFoundError,
  OverloadedError,
};
export type ErrorTypeName = keyof typeof errorTypes;

/**
 * A failure as a value. graphql-js throws any `Error` that a resolver returns, so the facts are put into a plain
 * object.
 */
export interface Failure {
  readonly failure: ErrorTypeName;
  readonly message: string;
}

/**
 * Errors as data: an error that is a member of the result's union becomes the value. Any other is thrown, and the
 * transport gives it a code or masks it.
 */
export async function outcome<Success>(
  known: readonly ErrorTypeName[],
  act: () => Promise<Success>,
): Promise<Success | Failure> {
  try {
    return await act();
  } catch (error) {
    const failure = known.find((name) => error instanceof errorTypes[name]);
    if (failure === undefined || !(error instanceof CadenzaError)) throw error;
    return Object.assign({}, error, { failure, message: error.message });
  }
}

/** The union's member for a value: the error's type or the success. */
export function outcomeType(success: string, value: unknown): string {
  return isFailure(value) ? value.failure : success;
}

const isFailure = (value: unknown): value is Failure =>
  typeof value === 'object' && value !== null && 'failure' in value;
