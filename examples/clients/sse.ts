import { type Client, createClient } from 'graphql-sse';
import type { Options } from './options.ts';

/** Live lists over server-sent events, where a proxy or a platform has no WebSocket. */
export function createSseClient({ url, token }: Options): Client {
  return createClient({ url, headers: async () => ({ authorization: `Bearer ${await token()}` }) });
}
