import { backOff, connect, isFinal, pause, RequestError, results } from '../../../client/src/connection.ts';
import type { Operation } from './operation.ts';
import { socketUrl } from './request.ts';
import { session } from './session.svelte.ts';

/** Of a subscription: it is connected, or tries again after it has lost the server. */
export type Line = 'live' | 'lost';

/** How to connect as who uses the Studio. */
export function connection() {
  const { token, listenerId } = session.credential;
  return { url: socketUrl(), token: () => token, ...(listenerId !== null && { listenerId }) };
}

/**
 * A subscription whose every result is complete, so that it begins anew after a lost connection.
 * @throws RequestError for what cannot succeed
 */
export async function* follow<Data, Variables extends Record<string, unknown>>(
  { document, name }: Operation<Data, Variables>,
  variables: Variables,
  { signal, onLine }: { signal: AbortSignal; onLine: (line: Line) => void },
): AsyncGenerator<Data, void> {
  for (let failures = 0; !signal.aborted; failures++) {
    const { credential } = session;
    const client = connect(connection());
    const stop = (): void => void client.dispose();
    signal.addEventListener('abort', stop, { once: true });
    try {
      for await (const data of results<Data>(client, document, variables, name)) {
        failures = 0;
        onLine('live');
        yield data;
      }
    } catch (error) {
      if (isFinal(error)) throw error;
      if (error instanceof RequestError && error.code === 'UNAUTHENTICATED') session.refuse(credential, error.message);
    } finally {
      signal.removeEventListener('abort', stop);
      await client.dispose();
    }
    onLine('lost');
    await pause(backOff(failures), signal);
  }
}
