import { createHash, randomBytes } from 'node:crypto';

/** Begins every key, so that scanners for leaked secrets can find them. */
const BEGINNING = 'cadenza_';
const PREFIX_BYTES = 5;
const SECRET_BYTES = 32;
const CHECKSUM_BYTES = 6;
/** Five random bytes, 32 secret bytes and six of a checksum over all before them. */
const FORM = /^(cadenza_[\da-f]{10})_([\w-]{43})([\w-]{8})$/;

/** A key in parts. */
export interface KeyText {
  /** Names the key and is no secret. */
  prefix: string;
  /** The whole key. */
  secret: string;
}

/** A new name for a key. */
export const newPrefix = (): string => BEGINNING + randomBytes(PREFIX_BYTES).toString('hex');

/** A new secret for the key with this name: 256 random bits. */
export function newKey(prefix: string): KeyText {
  const checked = `${prefix}_${randomBytes(SECRET_BYTES).toString('base64url')}`;
  return { prefix, secret: checked + checksumOf(checked) };
}

/** Whether a text is meant as a key, and not as another kind of token. */
export const isMeantAsKey = (text: string): boolean => text.startsWith(BEGINNING);

/** Null for what was mistyped, shortened or invented: that is found without the database ([KEY2]). */
export function readKey(secret: string): KeyText | null {
  const [, prefix, , checksum] = FORM.exec(secret) ?? [];
  if (prefix === undefined || checksum === undefined) return null;
  return checksum === checksumOf(secret.slice(0, -checksum.length)) ? { prefix, secret } : null;
}

/** What is stored of a key. It has 256 random bits, so that a fast digest is enough. */
export const keyDigest = ({ secret }: Pick<KeyText, 'secret'>): Buffer => createHash('sha256').update(secret).digest();

/** Six of its bytes: a mistake goes unnoticed once in 2^48. */
const checksumOf = (text: string): string =>
  createHash('sha256').update(text).digest().subarray(0, CHECKSUM_BYTES).toString('base64url');
