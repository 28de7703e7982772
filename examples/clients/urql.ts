import { Client, fetchExchange, subscriptionExchange } from '@urql/core';
import { type Cache, cacheExchange, type CacheExchangeOpts } from '@urql/exchange-graphcache';
import { relayPagination } from '@urql/exchange-graphcache/extras';
import { createClient } from 'graphql-ws';
import { type Options, socketUrl } from './options.ts';

const WITHOUT_ID = ['Credit', 'ViewerFeedback', 'HistoryReason', 'PopularityReason', 'PreferenceReason'];

/** @param schema the introspected schema, by which Graphcache knows which types are an `Error` */
export function createUrqlClient(
  { url, token, webSocket }: Options,
  schema?: NonNullable<CacheExchangeOpts['schema']>,
): Client {
  const socket = createClient({
    url: socketUrl(url),
    webSocketImpl: webSocket,
    connectionParams: async () => ({ authorization: `Bearer ${await token()}` }),
  });
  return new Client({
    url,
    fetch: async (input, init) => {
      const headers = new Headers(init?.headers);
      headers.set('authorization', `Bearer ${await token()}`);
      return fetch(input, { ...init, headers });
    },
    exchanges: [
      cacheExchange({
        ...(schema && { schema }),
        // Pages of one list become one list.
        resolvers: { Query: { recommendations: relayPagination() } },
        // These have no id: they belong to the object that holds them.
        keys: Object.fromEntries(WITHOUT_ID.map((type) => [type, () => null])),
        updates: {
          // Feedback changes every list: the next render asks for a new one.
          Mutation: { recordFeedback: (_, __, cache) => forgetLists(cache, () => true) },
          // A first page may be of a new list: the pages of the one before do not continue it.
          Query: {
            recommendations: ({ recommendations }, _, cache) => {
              const { requestId } = recommendations as { requestId: string };
              forgetLists(cache, (other) => other !== requestId);
            },
          },
        },
      }),
      fetchExchange,
      subscriptionExchange({
        forwardSubscription: ({ query, variables, operationName }) => ({
          subscribe: (sink) => {
            const operation = {
              query: query ?? '',
              variables: variables ?? {},
              ...(operationName !== undefined && { operationName }),
            };
            return {
              unsubscribe: socket.subscribe(operation, {
                ...sink,
                next: ({ data, errors }) => sink.next({ data: data ?? null, ...(errors && { errors }) }),
              }),
            };
          },
        }),
      }),
    ],
  });
}

/** Drops the pages of lists from the cache. Their arguments name the field: without them, Graphcache finds none. */
function forgetLists(cache: Cache, isOf: (requestId: unknown) => boolean): void {
  for (const { fieldName, fieldKey, arguments: args } of cache.inspectFields('Query')) {
    if (fieldName !== 'recommendations') continue;
    const list = cache.resolve('Query', fieldKey);
    if (typeof list === 'string' && isOf(cache.resolve(list, 'requestId'))) cache.invalidate('Query', fieldName, args);
  }
}
