import { ApolloClient, ApolloLink, HttpLink, InMemoryCache } from '@apollo/client';
import { SetContextLink } from '@apollo/client/link/context';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { relayStylePagination } from '@apollo/client/utilities';
import { OperationTypeNode } from 'graphql';
import { createClient } from 'graphql-ws';
import { type Options, socketUrl } from './options.ts';

/** Without it the cache does not know that `... on Error` applies to these. */
export const possibleTypes = {
  Error: [
    'ConflictError',
    'ForbiddenError',
    'IdempotencyConflictError',
    'InvalidInputError',
    'ModelUnavailableError',
    'NotFoundError',
    'OverloadedError',
    'QuotaExceededError',
    'RevisionConflictError',
  ],
};

/** The arguments that make another list. */
const LIST = ['filter', 'context', 'diversity', 'maxPerArtist', 'calibration', 'includeHeard', 'notServedForHours'];

export function createApolloClient({ url, token, webSocket }: Options): ApolloClient {
  const authorize = new SetContextLink(async () => ({ headers: { authorization: `Bearer ${await token()}` } }));
  const socket = createClient({
    url: socketUrl(url),
    webSocketImpl: webSocket,
    connectionParams: async () => ({ authorization: `Bearer ${await token()}` }),
  });
  const overHttp = authorize.concat(new HttpLink({ uri: url }));
  const isSubscription: Parameters<typeof ApolloLink.split>[0] = ({ operationType }) =>
    operationType === OperationTypeNode.SUBSCRIPTION;
  return new ApolloClient({
    link: ApolloLink.split(isSubscription, new GraphQLWsLink(socket), overHttp),
    cache: new InMemoryCache({
      possibleTypes,
      typePolicies: {
        // Lists with other arguments are other lists; pages of one list become one list.
        Query: {
          fields: { recommendations: relayStylePagination(LIST) },
        },
      },
    }),
  });
}
