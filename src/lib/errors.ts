/**
 * The error catalogue: every failure that a caller can act on is one of these. Anything else that is thrown is a defect
 * or an outage, and the transport masks it ([ERR1]).
 */
export abstract class CadenzaError extends Error {
  /** A stable code for programs, sent as `extensions.code`. */
  abstract readonly code: string;
  override get name(): string {
    return this.constructor.name;
  }
}

/**
 * An argument is out of range, malformed or contradicts another. `field` is its dotted path, for example
 * `input.prompt`.
 */
export class InvalidInputError extends CadenzaError {
  readonly code = 'INVALID_INPUT';
  readonly field: string | null;
  constructor(message: string, field: string | null = null) {
    super(message);
    this.field = field;
  }
}

/**
 * Nothing with this id exists, or the viewer may not see it. `id` is as the caller sent it. `field` is the dotted path
 * of the argument with the id, if there are several.
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

/** The request has no valid identity although one is required. */
export class UnauthenticatedError extends CadenzaError {
  readonly code = 'UNAUTHENTICATED';
}

/** The request's token was valid but has expired. */
export class TokenExpiredError extends UnauthenticatedError {}

/** A listener or an address has exceeded a limit. Nothing was done. */
export class RateLimitedError extends CadenzaError {
  readonly code = 'RATE_LIMITED';
  readonly retryAfterMs: number;
  constructor(message: string, retryAfterMs: number) {
    super(message);
    this.retryAfterMs = retryAfterMs;
  }
}

/** A quota of the API key is used up. Nothing was done. */
export class QuotaExceededError extends CadenzaError {
  readonly code = 'QUOTA_EXCEEDED';
  /** Its name, for example `tokensPerDay`. */
  readonly quota: string;
  readonly spent: number;
  readonly limit: number;
  /** When its period ends, as an RFC 3339 instant. */
  readonly resetsAt: string;
  readonly retryAfterMs: number;
  constructor(used: { quota: string; spent: number; limit: number; resetsAt: Date }, now: number) {
    const { quota, spent, limit, resetsAt } = used;
    super(`The API key's quota ${quota} is used up: ${spent} of ${limit}. It begins anew at ${resetsAt.toISOString()}`);
    this.quota = quota;
    this.spent = spent;
    this.limit = limit;
    this.resetsAt = resetsAt.toISOString();
    this.retryAfterMs = Math.max(0, resetsAt.getTime() - now);
  }
}

/** The object's state does not allow the operation. */
export class ConflictError extends CadenzaError {
  readonly code = 'CONFLICT';
}

/** The object has been changed since the revision that the caller knew. `revision` is the present one. */
export class RevisionConflictError extends CadenzaError {
  readonly code = 'REVISION_CONFLICT';
  readonly revision: number;
  constructor(revision: number) {
    super(`The draft has been changed since: its revision is ${revision} now. Nothing was changed`);
    this.revision = revision;
  }
}

/** The idempotency key was used for another input, so the new input would be lost. `field` is the key's dotted path. */
export class IdempotencyConflictError extends CadenzaError {
  readonly code = 'IDEMPOTENCY_CONFLICT';
  readonly field: string;
  constructor(field: string) {
    super(`${field} has been used for another input; nothing was changed. Repeat the first input, or use a new key`);
    this.field = field;
  }
}

/** A bounded queue is full. Nothing was started. */
export class OverloadedError extends CadenzaError {
  readonly code = 'OVERLOADED';
  readonly retryAfterMs: number;
  constructor(message: string, retryAfterMs: number) {
    super(message);
    this.retryAfterMs = retryAfterMs;
  }
}

/** The model is absent, being fetched or compiled, or has failed. `modelId` is its name in the catalogue. */
export class ModelUnavailableError extends CadenzaError {
  readonly code = 'MODEL_UNAVAILABLE';
  readonly modelId: string | null;
  constructor(message: string, modelId: string | null = null) {
    super(message);
    this.modelId = modelId;
  }
}

/** The disk has no room for a file. Existing data is unchanged. */
export class DiskFullError extends CadenzaError {
  readonly code = 'DISK_FULL';
}

/** The start cannot continue (configuration, port, data folder, database). The message is written for an operator. */
export class StartupError extends CadenzaError {
  readonly code = 'STARTUP';
}

/** The database or another required part does not answer. The same call may succeed later. */
export class ServiceUnavailableError extends CadenzaError {
  readonly code = 'SERVICE_UNAVAILABLE';
}

/** An operation exceeded its time limit. The caller does not know whether its change was made. */
export class DeadlineExceededError extends CadenzaError {
  readonly code = 'DEADLINE_EXCEEDED';
}

/** Stops work whose result nobody waits for. It is never reported. */
export class ClientLeftError extends CadenzaError {
  readonly code = 'CLIENT_LEFT';
}

/** What was thrown, which need not be an error. */
export const asError = (thrown: unknown): Error => (thrown instanceof Error ? thrown : new Error(String(thrown)));
