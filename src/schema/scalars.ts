import { GraphQLError } from 'graphql';
import { builder } from './builder.ts';

/** Date, `T`, time to the millisecond at most, and `Z` or an offset: RFC 3339 without leap seconds. */
const RFC3339 = /^\d{4}-\d{2}-\d{2}T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})$/i;

builder.scalarType('DateTime', {
  description: 'An RFC 3339 instant in UTC, for example `2026-11-23T14:00:00Z`.',
  serialize: (value) => value.toISOString(),
  parseValue: parseInstant,
});

/** The same of a text that comes another way. Undefined if it is neither. */
export function momentOf(text: string): Date | string | undefined {
  return isDate(text) ? text : instantIn(text);
}

function parseInstant(value: unknown): Date {
  const date = instantIn(value);
  if (date) return date;
  throw new GraphQLError(
    `DateTime must be an RFC 3339 instant like 2026-11-23T14:00:00Z, not ${JSON.stringify(value)}`,
    {
      extensions: { code: 'INVALID_INPUT' },
    },
  );
}

function instantIn(value: unknown): Date | undefined {
  const date = typeof value === 'string' && RFC3339.test(value) ? new Date(value) : null;
  // In JavaScript a day that does not exist in its month rolls over. An offset may legitimately change the day.
  const exists = date && !Number.isNaN(date.getTime()) && date.getUTCFullYear() >= 1 && dayExists(value as string);
  return exists ? date : undefined;
}

function dayExists(text: string): boolean {
  const [year, month, day] = text.slice(0, 10).split('-').map(Number);
  return new Date(Date.UTC(year ?? 0, (month ?? 0) - 1, day)).getUTCDate() === day;
}

/** A date, or the moment that `DateTime` accepts. */
builder.scalarType('DateOrTime', {
  description:
    'An RFC 3339 instant like `2026-11-23T14:00:00Z`, or a date like `2026-11-23`: the beginning of that day in the ' +
    'time zone of the query.',
  serialize: (value) => (value instanceof Date ? value.toISOString() : value),
  parseValue: (value) => (isDate(value) ? value : parseInstant(value)),
});

const isDate = (value: unknown): value is string =>
  typeof value === 'string' &&
  /^(?!0000)\d{4}-\d{2}-\d{2}$/.test(value) &&
  !Number.isNaN(Date.parse(value)) &&
  dayExists(value);

builder.scalarType('Base64', {
  description: 'Bytes in Base64 (RFC 4648, section 4), with padding.',
  serialize: (bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64'),
  parseValue: (value) => {
    const bytes = typeof value === 'string' ? Buffer.from(value, 'base64') : null;
    // Decoding is lenient: what it does not give back was something else.
    if (bytes?.toString('base64') === value && bytes) return bytes;
    throw new GraphQLError('Base64 must be bytes in Base64 with padding', { extensions: { code: 'INVALID_INPUT' } });
  },
});

builder.scalarType('DocumentCursor', {
  description: "An opaque position in a document's log. Pass it as `after` to resume without gaps or repetitions.",
  serialize: (value) => value,
  parseValue: (value) => {
    if (typeof value === 'string') return value;
    throw new GraphQLError('DocumentCursor must be a string taken from a document or one of its events', {
      extensions: { code: 'INVALID_INPUT' },
    });
  },
});

builder.scalarType('DraftCursor', {
  description: "An opaque position in a draft's event log. Pass it as `after` to resume without gaps or repetitions.",
  serialize: (value) => value,
  parseValue: (value) => {
    if (typeof value === 'string') return value;
    throw new GraphQLError('DraftCursor must be a string taken from a draft or one of its events', {
      extensions: { code: 'INVALID_INPUT' },
    });
  },
});

builder.scalarType('Metadata', {
  description: 'An object with a value for each declared key: a text, a list of texts, a number, or true or false.',
  serialize: (value) => value,
  parseValue: (value) => {
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
    throw new GraphQLError('Metadata must be an object like { "bpm": 120 }', { extensions: { code: 'INVALID_INPUT' } });
  },
});

builder.scalarType('JSON', {
  description: 'Any JSON value: an object, a list, a text, a number, true, false or null.',
  serialize: (value) => value,
  parseValue: (value) => value,
});

builder.scalarType('MetadataValue', {
  description: 'A text, a number, or true or false.',
  serialize: (value) => value,
  parseValue: (value) => {
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
    throw new GraphQLError('MetadataValue must be a text, a number, or true or false', {
      extensions: { code: 'INVALID_INPUT' },
    });
  },
});
