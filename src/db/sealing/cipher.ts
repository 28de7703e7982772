import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

export const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const ALGORITHM = 'aes-256-gcm';

/** The bytes were changed, belong elsewhere, or were encrypted with another key. */
export class TamperedError extends Error {}

/** AES-256-GCM: a random nonce, the tag and the ciphertext. */
export function encrypt(key: Buffer, data: Uint8Array, associated: string): Buffer {
  const nonce = randomNonce();
  const cipher = createCipheriv(ALGORITHM, key, nonce);
  cipher.setAAD(Buffer.from(associated));
  const encrypted = cipher.update(data);
  // GCM is a stream cipher, so that nothing is left for the end.
  cipher.final();
  return Buffer.concat([nonce, cipher.getAuthTag(), encrypted]);
}

/** @throws TamperedError */
export function decrypt(key: Buffer, bytes: Uint8Array, associated: string): Buffer {
  if (bytes.length < NONCE_BYTES + TAG_BYTES) throw new TamperedError('the encrypted data is too short');
  const decipher = createDecipheriv(ALGORITHM, key, bytes.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES });
  decipher.setAAD(Buffer.from(associated));
  decipher.setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
  const data = decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES));
  try {
    decipher.final();
  } catch (error) {
    throw new TamperedError('the encrypted data was changed, or belongs elsewhere', { cause: error });
  }
  return data;
}

/** Asking the system for a few bytes at a time takes longer than the encryption of a token. */
const POOL_BYTES = 12 * 1024;
let pool = Buffer.alloc(0);

function randomNonce(): Buffer {
  if (pool.length < NONCE_BYTES) pool = randomBytes(POOL_BYTES);
  const nonce = pool.subarray(0, NONCE_BYTES);
  pool = pool.subarray(NONCE_BYTES);
  return nonce;
}
