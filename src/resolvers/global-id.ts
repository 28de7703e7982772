import { InvalidInputError, NotFoundError } from '../lib/errors.ts';

const types = [
  'Track',
  'Artist',
  'Album',
  'Genre',
  'Listener',
  'Feedback',
  'Draft',
  'DraftGroup',
  'Document',
  'DocumentVersion',
  'Assist',
  'Model',
  'ApiKey',
] as const;
export type NodeType = (typeof types)[number];

/** Types whose objects are made on demand: caches key by their ids, and they cannot be fetched by them. */
const madeTypes = ['Recommendation', 'Explanation'] as const;

/** Global ids as in Relay: opaque to clients and unique over all types. */
export function encodeId(type: NodeType | (typeof madeTypes)[number], id: string | number): string {
  return Buffer.from(`${type}:${id}`).toString('base64url');
}

/** @throws InvalidInputError for a text that `encodeId` did not produce */
export function decodeId(global: string, field: string): { type: NodeType; id: string } {
  const text = Buffer.from(global, 'base64url').toString();
  const colon = text.indexOf(':');
  const type = types.find((name) => name === text.slice(0, colon));
  const id = text.slice(colon + 1);
  // Base64 is decoded leniently, but each object has only one valid id.
  if (type && isWellFormed(type, id) && encodeId(type, id) === global) return { type, id };
  const made = madeTypes.find((name) => name === text.slice(0, colon));
  if (made) throw new InvalidInputError(`${field} is the id of a ${made}, which is not fetched by its id`, field);
  throw new InvalidInputError(`${field} is not an id: "${global.slice(0, 60)}"`, field);
}

function isWellFormed(type: NodeType, id: string): boolean {
  switch (type) {
    case 'Model':
      return /^[\w.-]{1,100}$/.test(id);
    case 'Genre':
      return /^[\p{L}\p{M}\p{N}-]{1,400}$/u.test(id);
    case 'Draft':
    case 'DraftGroup':
    case 'Document':
    case 'DocumentVersion':
    case 'Assist':
      return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id);
    case 'Track':
    case 'Artist':
    case 'Album':
    case 'Listener':
    case 'Feedback':
    case 'ApiKey':
      return /^[1-9]\d{0,15}$/.test(id) && Number.isSafeInteger(Number(id));
  }
}

/** The id within its type. @throws InvalidInputError for an id of another type */
export function idOf(type: NodeType, global: string, field: string): string {
  const decoded = decodeId(global, field);
  if (decoded.type === type) return decoded.id;
  throw new InvalidInputError(`${field} is the id of a ${decoded.type}, not of a ${type}`, field);
}

export const numberOf = (
  type: Exclude<NodeType, 'Draft' | 'DraftGroup' | 'Document' | 'DocumentVersion' | 'Assist' | 'Genre' | 'Model'>,
  global: string,
  field: string,
): number => Number(idOf(type, global, field));

/**
 * Acts on the object with this id. A NotFoundError names the id as the client sent it; the domain knows another one.
 */
export async function asSent<Result>(global: string, act: () => Promise<Result>): Promise<Result> {
  try {
    return await act();
  } catch (error) {
    throw error instanceof NotFoundError ? new NotFoundError(error.message, global, error.field) : error;
  }
}

/** The same for inputs with several ids. The error names the field. */
export async function asSentIn<Result>(args: object, act: () => Promise<Result>): Promise<Result> {
  try {
    return await act();
  } catch (error) {
    if (!(error instanceof NotFoundError) || error.field === null) throw error;
    const at = error.field.split('.').reduce<unknown>((value, key) => (value as Record<string, unknown>)[key], args);
    throw new NotFoundError(error.message, typeof at === 'string' ? at : null, error.field);
  }
}
