import { createClient } from 'graphql-ws';
import {
  Environment,
  type FetchFunction,
  type GraphQLResponse,
  Network,
  Observable,
  RecordSource,
  Store,
  type SubscribeFunction,
} from 'relay-runtime';
import { type Options, socketUrl } from './options.ts';

export function createRelayEnvironment(options: Options): Environment {
  const network = Network.create(fetchWith(options), subscribeWith(options));
  return new Environment({ network, store: new Store(new RecordSource()) });
}

const fetchWith =
  ({ url, token }: Options): FetchFunction =>
  async ({ text }, variables) => {
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${await token()}` };
    const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ query: text, variables }) });
    return (await response.json()) as GraphQLResponse;
  };

function subscribeWith({ url, token, webSocket }: Options): SubscribeFunction {
  const socket = createClient({
    url: socketUrl(url),
    webSocketImpl: webSocket,
    connectionParams: async () => ({ authorization: `Bearer ${await token()}` }),
  });
  return ({ text }, variables) =>
    Observable.create((sink) =>
      socket.subscribe(
        { query: text ?? '', variables },
        {
          next: ({ data, errors }) => {
            if (data) sink.next({ data });
            else sink.error(new Error(errors?.map(({ message }) => message).join('; ')));
          },
          error: (error) => sink.error(error instanceof Error ? error : new Error(JSON.stringify(error))),
          complete: () => sink.complete(),
        },
      ),
    );
}
