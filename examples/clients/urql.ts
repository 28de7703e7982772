import { Client, fetchExchange, subscriptionExchange } from '@urql/core';
import { cacheExchange } from '@urql/exchange-graphcache';
import { relayPagination } from '@urql/exchange-graphcache/extras';
import { createClient } from 'graphql-ws';
import { type Options, socketUrl } from './options.ts';

export function createUrqlClient({ url, token, webSocket }: Options): Client {
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
        // Pages of one list become one list.
        resolvers: { Query: { recommendations: relayPagination() } },
        // These belong to the object that holds them.
        keys: {
          Recommendation: () => null,
          Explanation: () => null,
          Credit: () => null,
          Genre: ({ slug }) => (typeof slug === 'string' ? slug : null),
        },
        // Feedback changes every list: the next render asks for a new one.
        updates: { Mutation: { recordFeedback: (_, __, cache) => cache.invalidate('Query', 'recommendations') } },
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
