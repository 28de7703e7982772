// The peer of `bench/requests.ts`: Yoga as its documentation starts it, with the same types and default resolvers over one
// object that is already there. What is left is HTTP, parse, validate, execute and serialise: the floor.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createSchema, createYoga } from 'graphql-yoga';

const [schemaFile = '', answerFile = ''] = process.argv.slice(2);
const { data } = JSON.parse(readFileSync(answerFile, 'utf8')) as { data: { recommendations: unknown } };
const yoga = createYoga({
  schema: createSchema({
    typeDefs: readFileSync(schemaFile, 'utf8'),
    resolvers: { Query: { recommendations: () => data.recommendations } },
  }),
  logging: false,
});
const server = createServer((request, response) => void yoga(request, response));
server.listen(0, '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`);
});
