/**
 * The error catalogue: every failure that a caller can act on is one of these. Anything else that is thrown is a defect
 * or an outage, and the transport masks it (SPEC [ERR1]).
 */
export abstract class CadenzaError extends Error {
  /** Stable, machine-readable: what `extensions.code` carries. */
  abstract readonly code: string;
  override get name(): string {
    return this.constructor.name;
  }
}

/** An argument is out of range, malformed or contradicts another. `field` is its dotted path, e.g. `input.prompt`. */
export class InvalidInputError extends CadenzaError {
  readonly code = 'INVALID_INPUT';
  readonly field: string | null;
  constructor(message: string, field: string | null = null) {
    super(message);
    this.field = field;
  }
}

/**
 * Nothing with this id exists, or the viewer may not know that it does. `id` is as the caller sent it; `field` is the dotted
 * path of the argument that held it, where there are several.
 */
export class NotFoundError extends CadenzaError {
  readonly code = 'NOT_FOUND';
  readonly id: string | null;
  readonly field: string | null;
  constructor(message: string, id: string | null = null, field: string | null = null) {
    super(message);
    this.id = id;
    this.field = field;
  }
}

export class ForbiddenError extends CadenzaError {
  readonly code = 'FORBIDDEN';
}

/** The request carries no valid identity where one is needed. */
export class UnauthenticatedError extends CadenzaError {
  readonly code = 'UNAUTHENTICATED';
}

/** The request's token was good, and is not any more. */
export class TokenExpiredError extends UnauthenticatedError {}

/** More than its share was asked for by a listener or from an address; nothing was done. */
export class RateLimitedError extends CadenzaError {
  readonly code = 'RATE_LIMITED';
  readonly retryAfterMs: number;
  constructor(message: string, retryAfterMs: number) {
    super(message);
    this.retryAfterMs = retryAfterMs;
  }
}

/** The thing is not in a state in which this can be done. */
export class ConflictError extends CadenzaError {
  readonly code = 'CONFLICT';
}

/** The idempotency key has been used for another input: what is given now would be lost. `field` is the key's dotted path. */
export class IdempotencyConflictError extends CadenzaError {
  readonly code = 'IDEMPOTENCY_CONFLICT';
  readonly field: string;
  constructor(field: string) {
    super(`${field} has been used for another input; nothing was changed. Repeat the first input, or use a new key`);
    this.field = field;
  }
}

/** A bounded queue is full; nothing was started. */
export class OverloadedError extends CadenzaError {
  readonly code = 'OVERLOADED';
  readonly retryAfterMs: number;
  constructor(message: string, retryAfterMs: number) {
    super(message);
    this.retryAfterMs = retryAfterMs;
  }
}

/** The model is absent, still being fetched or compiled, or failed. `modelId` is the catalogue's name for it. */
export class ModelUnavailableError extends CadenzaError {
  readonly code = 'MODEL_UNAVAILABLE';
  readonly modelId: string | null;
  constructor(message: string, modelId: string | null = null) {
    super(message);
    this.modelId = modelId;
  }
}

/** There is no room for a file on the disk; what was there before is as it was. */
export class DiskFullError extends CadenzaError {
  readonly code = 'DISK_FULL';
}

/** The start cannot go on (configuration, port, data folder, database). Its message is written for an operator. */
export class StartupError extends CadenzaError {
  readonly code = 'STARTUP';
}

/** The database or another part that everything needs does not answer; the same call may work later. */
export class ServiceUnavailableError extends CadenzaError {
  readonly code = 'SERVICE_UNAVAILABLE';
}

/** An operation took longer than it may; whether a change of it was made is not known to who asked. */
export class DeadlineExceededError extends CadenzaError {
  readonly code = 'DEADLINE_EXCEEDED';
}

/** Why work stops whose result nobody waits for; nobody is told. */
export class ClientLeftError extends CadenzaError {
  readonly code = 'CLIENT_LEFT';
}
