// A peer of `bench/fanout.ts`: GraphQL Yoga with graphql-ws and createPubSub, put together as their documentation says. Events
// are published within the process; there is no log behind them, so who is not there misses them.
import { setMaxListeners } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ExecutionArgs, GraphQLError } from 'graphql';
import { useServer } from 'graphql-ws/use/ws';
import { createPubSub, createSchema, createYoga } from 'graphql-yoga';
import { WebSocketServer } from 'ws';
import { isPublish, textOf } from '../fanout/work.ts';

interface Event {
  __typename: 'TokensAppended';
  cursor: string;
  text: string;
}

// It has one target for all subscribers of a draft, and would warn of the eleventh.
setMaxListeners(0);
const pubSub = createPubSub<{ event: [draftId: string, event: Event] }>();
const yoga = createYoga({
  logging: false,
  schema: createSchema({
    typeDefs: /* GraphQL */ `
      scalar DraftCursor
      type Query {
        nothing: Boolean
      }
      type Subscription {
        draftEvents(draftId: ID!, after: DraftCursor): DraftEvent!
      }
      union DraftEvent = DraftSnapshot | TokensAppended | DraftStatusChanged
      type DraftSnapshot {
        cursor: DraftCursor!
      }
      type TokensAppended {
        cursor: DraftCursor!
        text: String!
      }
      type DraftStatusChanged {
        cursor: DraftCursor!
        status: String!
      }
    `,
    resolvers: {
      Subscription: {
        draftEvents: {
          subscribe: (_: unknown, { draftId }: { draftId: string }) => pubSub.subscribe('event', draftId),
          resolve: (event: Event) => event,
        },
      },
    },
  }),
});

const server = createServer((request, response) => void yoga(request, response));
const sockets = new WebSocketServer({ server, path: yoga.graphqlEndpoint });
useServer(
  {
    execute: (args) => (args.rootValue as Enveloped).execute(args) as never,
    subscribe: (args) => (args.rootValue as Enveloped).subscribe(args) as never,
    onSubscribe: async (ctx, _id, params) => {
      const enveloped: Enveloped = yoga.getEnveloped({
        ...ctx,
        req: ctx.extra.request,
        socket: ctx.extra.socket,
        params,
      });
      const args: ExecutionArgs = {
        schema: enveloped.schema as ExecutionArgs['schema'],
        operationName: params.operationName ?? null,
        document: enveloped.parse(params.query) as ExecutionArgs['document'],
        variableValues: params.variables ?? null,
        contextValue: await enveloped.contextFactory(),
        rootValue: enveloped,
      };
      const errors = enveloped.validate(args.schema, args.document) as readonly GraphQLError[];
      return errors.length > 0 ? errors : args;
    },
  },
  sockets,
);
type Enveloped = ReturnType<typeof yoga.getEnveloped>;

process.on('message', (message) => {
  if (!isPublish(message)) return;
  for (const draftId of message.drafts) {
    const cursor = Buffer.from(`["draft:${draftId}",${message.step}]`).toString('base64url');
    pubSub.publish('event', draftId, { __typename: 'TokensAppended', cursor, text: textOf(message.step) });
  }
});

server.listen(0, '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`);
});
