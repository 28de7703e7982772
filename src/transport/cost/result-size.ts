/** The characters around a value in JSON: quotes, colon and comma. */
const AROUND = 4;
const NUMBER = 8;

/**
 * The approximate size of a result as JSON in bytes, without serialising it. Counting stops beyond the limit. Escapes
 * are not counted.
 */
export function bytesOfResult(result: unknown, limit: number): number {
  return limit - leftAfter(result, limit);
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

/** For short strings the minimum is close enough. */
const bytesOf = (text: string): number => (text.length < 16 ? text.length : Buffer.byteLength(text));
