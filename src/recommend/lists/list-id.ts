import { createHash } from 'node:crypto';

/** What something is made from, as plain data with its keys in a fixed order. */
export type MadeFrom = readonly unknown[];

const digest = (made: MadeFrom): Buffer => createHash('sha256').update(JSON.stringify(made)).digest();

/** A short text that is the same for what is made from the same, on every node. */
export const digestOfData = (made: MadeFrom): string => digest(made).toString('base64url', 0, 16);

/** The same as a UUID (version 8 of RFC 9562, which leaves the other bits to the application). */
export function uuidOf(made: MadeFrom): string {
  const bytes = digest(made).subarray(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}
