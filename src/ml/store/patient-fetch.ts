import { fetchThrough, type Network } from './network.ts';

export interface FetchContext {
  /** Time within which a server must start to respond. */
  connectTimeoutMs: number;
  network: Network;
  signal: AbortSignal;
}

export interface SourceContext extends FetchContext {
  /** Number of bytes that are already there. The source resumes from there if it can. */
  offset: number;
  /** A folder for temporary files of a source. */
  folder: string;
}

export interface OpenSource {
  /** The position in the file where the bytes begin: the requested offset, or 0 for a source that cannot resume. */
  start: number;
  body: AsyncIterable<Uint8Array>;
  /** A program may work for long before it produces bytes, so silence is no problem. */
  startsLate?: boolean;
}

/** No server answered. The message says briefly why. */
export class UnreachableError extends Error {}

/** `fetch` with a time limit for the start of the response. Its body ends with the signal. */
export function patientFetch({ connectTimeoutMs, network, signal }: FetchContext): typeof fetch {
  const fetch = fetchThrough(network.proxies);
  return async (input, init) => {
    const unanswered = new AbortController();
    const timer = setTimeout(() => unanswered.abort(), connectTimeoutMs);
    try {
      return await fetch(input, { ...init, signal: AbortSignal.any([signal, unanswered.signal]) });
    } catch (error) {
      if (unanswered.signal.aborted)
        throw new UnreachableError(`no answer within ${connectTimeoutMs / 1000} s`, { cause: error });
      signal.throwIfAborted();
      throw new UnreachableError(networkReason(error), { cause: error });
    } finally {
      clearTimeout(timer);
    }
  };
}

/** `fetch` hides the reason in `cause`, several levels deep if there is a proxy. */
function networkReason(error: unknown): string {
  const causes = [...chainOf(error)];
  const refused = causes.map(({ message }) => /^Proxy response \((\d+)\)/.exec(message)?.[1]).find(Boolean);
  if (refused !== undefined) return `the proxy answered ${refused}`;
  const cause = causes[1] ?? causes[0];
  const code = cause && 'code' in cause ? String(cause.code) : '';
  return code ? `cannot be reached (${code})` : cause?.message || 'cannot be reached';
}

function* chainOf(error: unknown): Iterable<Error> {
  for (let cause = error; cause instanceof Error; cause = cause.cause) yield cause;
}
