import { Refused } from '../server/request.ts';
import type { Words } from './en.ts';

/** What to say of a failure. The server's own sentence says more than a code does. */
export function problemOf(error: unknown, t: Words): string {
  if (!(error instanceof Refused)) return error instanceof Error ? error.message : t.common.unreachable;
  if (error.code === 'UNREACHABLE') return t.common.unreachable;
  if (error.code === 'OverloadedError') return t.common.overloaded;
  return error.field === null ? error.message : `${error.field}: ${error.message}`;
}
