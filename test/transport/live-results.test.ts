import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { buildSchema, GraphQLError, isObjectType, parse } from 'graphql';
import { describe, expect, it, onTestFinished } from 'vitest';
import WebSocket, { WebSocketServer } from 'ws';
import type { Context } from '../../src/resolvers/context.ts';
import type { Answer } from '../../src/transport/live-results.ts';
import { createSubscribe, LiveResults } from '../../src/transport/live-results.ts';
import { textFrame } from '../../src/transport/sockets/frame.ts';

const schema = buildSchema(`
  type Query { nothing: Int }
  type Subscription { events(after: String): Event }
  type Event { text(loud: Boolean): String later: String mine: String broken: String never: String }
`);

type Field = (args: object, context: unknown) => unknown;
const eventType = schema.getType('Event');
if (!isObjectType(eventType)) throw new Error('no such type');
// A field that computes has a resolver, as all of ours have: compiled, a property is taken as it is.
for (const [name, field] of Object.entries(eventType.getFields())) {
  field.resolve = (source: Record<string, Field>, args, context) => source[name]?.(args as object, context);
}

interface TestEvent {
  text: string;
}

/** Subscriptions that are all handed the same events, and a count of what is resolved. */
function room({ mostMs = 30_000 } = {}) {
  const resolved: string[] = [];
  const note = (name: string) => resolved.push(name);
  const fields = {
    text: ({ loud }: { loud?: boolean }, _: unknown) => (note('text'), loud ? 'RAIN' : 'rain'),
    later: async () => (note('later'), await Promise.resolve('snow')),
    mine: (_: unknown, { viewer }: Context) => (note('mine'), viewer.listener.externalId),
    broken: () => (note('broken'), Promise.reject(new Error('inner workings'))),
    never: () => (note('never'), new Promise(() => undefined)),
  };
  const event = { events: fields };
  const masked: unknown[] = [];
  const subscribe = createSubscribe((error) => (masked.push(error), new GraphQLError('masked')), mostMs);
  const join = async (query: string, variableValues: Record<string, unknown> = {}, externalId = 'ann') => {
    const source = async function* (): AsyncGenerator {
      yield await Promise.resolve(event);
    };
    const contextValue = { viewer: { listener: { externalId } } };
    const args = { schema, document: documentOf(query), variableValues, contextValue, rootValue: { events: source } };
    const results = await subscribe(args);
    if (!(results instanceof LiveResults)) throw new Error(JSON.stringify(results));
    return results;
  };
  return { join, resolved, masked };
}

const documents = new Map<string, ReturnType<typeof parse>>();
function documentOf(query: string) {
  const document = documents.get(query) ?? parse(query);
  documents.set(query, document);
  return document;
}

const answersOf = async (joined: Promise<LiveResults>[]) => {
  const answers = await Promise.all((await Promise.all(joined)).map((results) => results.nextAnswer()));
  return answers.map((answer) => answer as Answer);
};
const dataOf = ({ result }: Answer) => JSON.parse(JSON.stringify(result.data?.events)) as TestEvent;

describe('[SERVE8] an event that several subscribers receive', () => {
  it.each(['text', 'later'])('is executed once for all that select the same fields: %s', async (field) => {
    const { join, resolved } = room();
    const query = `subscription ($after: String) { events(after: $after) { ${field} } }`;
    const answers = await answersOf(['1', '2', '3'].map((after) => join(query, { after })));
    expect(resolved).toEqual([field]);
    expect(new Set(answers.map(({ socketBytes }) => socketBytes)).size).toBe(
      field === 'text' ? 1 : answers.length && 1,
    );
    expect(answers[0]?.streamBytes.toString()).toBe(
      `event: next\ndata: {"data":{"events":{"${field}":"${field === 'text' ? 'rain' : 'snow'}"}}}\n\n`,
    );
  });

  it('is executed for each document, operation and variable that the answer depends on', async () => {
    const { join, resolved } = room();
    const loud = `subscription ($loud: Boolean, $with: Boolean = true) { events { a: text(loud: $loud) ...T @include(if: $with) } }
      fragment T on Event { text }`;
    const answers = await answersOf([
      join(loud, { loud: true }),
      join(loud, { loud: false }),
      join(loud, { loud: true, with: false }),
      join('subscription { events { text } }'),
    ]);
    expect(answers.map(dataOf)).toEqual([
      { a: 'RAIN', text: 'rain' },
      { a: 'rain', text: 'rain' },
      { a: 'RAIN' },
      { text: 'rain' },
    ]);
    expect(resolved).toHaveLength(6);
  });

  it('is executed for each subscriber if the answer depends on the viewer', async () => {
    const { join, resolved } = room();
    const query = 'subscription { events { text mine } }';
    const answers = await answersOf(['ann', 'bob', 'ann'].map((who) => join(query, {}, who)));
    expect(answers.map(dataOf)).toMatchObject([{ mine: 'ann' }, { mine: 'bob' }, { mine: 'ann' }]);
    expect(resolved.filter((name) => name === 'mine')).toHaveLength(3);
    const late = 'subscription { events { later mine } }';
    const others = await answersOf(['ann', 'bob'].map((who) => join(late, {}, who)));
    expect(others.map(dataOf)).toMatchObject([{ mine: 'ann' }, { mine: 'bob' }]);
  });

  it('has its failures masked and logged once', async () => {
    const { join, masked } = room();
    const query = 'subscription { events { text broken } }';
    const answers = await answersOf([join(query), join(query)]);
    for (const { result } of answers) expect(result).toMatchObject({ data: {}, errors: [{ message: 'masked' }] });
    expect(masked).toHaveLength(1);
  });
});

it('a frame of any length is received as its two parts', async () => {
  const http = createServer().listen(0, '127.0.0.1');
  const sockets = new WebSocketServer({ noServer: true });
  const upgraded = new Promise<Duplex>((resolve) => {
    http.on('upgrade', (request, stream: Duplex, head) => {
      sockets.handleUpgrade(request, stream, head, () => resolve(stream));
    });
  });
  await once(http, 'listening');
  const client = new WebSocket(`ws://127.0.0.1:${(http.address() as AddressInfo).port}`);
  onTestFinished(() => (client.terminate(), void http.close()));
  const stream = await upgraded;
  for (const length of [0, 1, 119, 120, 65_529, 65_530, 200_000]) {
    const message = once(client, 'message');
    stream.write(textFrame(Buffer.from('ééé'), Buffer.from('x'.repeat(length))));
    expect(String((await message)[0])).toBe(`ééé${'x'.repeat(length)}`);
  }
});

it('[EDGE7] an event that takes longer than an operation may is answered with an error', async () => {
  const { join, masked } = room({ mostMs: 20 });
  const [answer] = await answersOf([join('subscription { events { never } }')]);
  expect(answer?.result).toEqual({ errors: [new GraphQLError('masked')] });
  expect(masked).toMatchObject([{ originalError: { code: 'DEADLINE_EXCEEDED' } }]);
});
