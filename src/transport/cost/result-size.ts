/** What surrounds a value in JSON: quotes, colon and comma. */
const AROUND = 4;
const NUMBER = 8;

/**
 * Whether a result would take more bytes than that as JSON, found out without making it: counting stops where the limit is
 * passed. Escapes are not counted.
 */
export function isLarger(result: unknown, bytes: number): boolean {
  return leftAfter(result, bytes) < 0;
}

function leftAfter(value: unknown, left: number): number {
  if (typeof value === 'string') return left - bytesOf(value) - AROUND;
  if (typeof value !== 'object' || value === null) return left - NUMBER;
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length && left >= 0; i++) left = leftAfter(value[i], left);
    return left - AROUND;
  }
  const object = value as Record<string, unknown>;
  for (const key in object) {
    if (left < 0) break;
    left = leftAfter(object[key], left - key.length - AROUND);
  }
  return left;
}

/** Most strings are short, and then the least that they can take is near enough. */
const bytesOf = (text: string): number => (text.length < 16 ? text.length : Buffer.byteLength(text));
