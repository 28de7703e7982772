import {
  CadenzaError,
  ConflictError,
  ForbiddenError,
  IdempotencyConflictError,
  InvalidInputError,
  ModelUnavailableError,
  NotFoundError,
  OverloadedError,
  QuotaExceededError,
  RevisionConflictError,
} from '../lib/errors.ts';

const errorClasses = {
  ConflictError,
  ForbiddenError,
  IdempotencyConflictError,
  InvalidInputError,
  ModelUnavailableError,
  NotFoundError,
  OverloadedError,
  QuotaExceededError,
  RevisionConflictError,
};
type ErrorClasses = typeof errorClasses;
export type ErrorTypeName = keyof ErrorClasses;

/**
 * A failure as a value. graphql-js throws any `Error` that a resolver returns, so the facts are put into a plain
 * object.
 */
export interface Failure {
  readonly failure: ErrorTypeName;
  readonly message: string;
}

/** The failures of the errors with these names: what the error says, beside its type and message. */
export type FailureOf<Name extends ErrorTypeName> = {
  [Each in Name]: Failure & { readonly failure: Each } & Omit<InstanceType<ErrorClasses[Each]>, keyof CadenzaError>;
}[Name];

/**
 * Errors as data: an error that is a member of the result's union becomes the value. Any other is thrown, and the
 * transport gives it a code or masks it.
 */
export async function outcome<Success, Name extends ErrorTypeName>(
  known: readonly Name[],
  act: () => Promise<Success>,
): Promise<Success | FailureOf<Name>> {
  try {
    return await act();
  } catch (error) {
    const failure = describe(error);
    if (failure === undefined || !isOneOf(known, failure)) throw error;
    return failure;
  }
}

const names = Object.keys(errorClasses).filter((name): name is ErrorTypeName => name in errorClasses);

function describe(error: unknown): Failure | undefined {
  const failure = names.find((name) => error instanceof errorClasses[name]);
  return failure === undefined || !(error instanceof CadenzaError)
    ? undefined
    : Object.assign({}, error, { failure, message: error.message });
}

const isOneOf = <Name extends ErrorTypeName>(known: readonly Name[], value: Failure): value is FailureOf<Name> =>
  known.some((name) => name === value.failure);

/** The union's member for a value: the error's type or the success. */
export function outcomeType(success: string, value: unknown): string {
  return isFailure(value) ? value.failure : success;
}

const isFailure = (value: unknown): value is Failure =>
  typeof value === 'object' && value !== null && 'failure' in value;
