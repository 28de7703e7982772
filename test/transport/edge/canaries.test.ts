import {
  getNamedType,
  type GraphQLArgument,
  type GraphQLInputField,
  type GraphQLObjectType,
  isInputObjectType,
} from 'graphql';
import { expect, it, onTestFinished } from 'vitest';
import { loggerTo } from '../../../src/lib/log.ts';
import { openTracing } from '../../../src/lib/tracing/otlp.ts';
import { encodeId } from '../../../src/resolvers/global-id.ts';
import { buildSchema } from '../../../src/schema/schema.ts';
import { bearer, withAuth } from '../../support/access/auth.ts';
import { canaryOf } from '../../support/canaries.ts';
import { addTracks, someTracks } from '../../support/catalogue/catalogue.ts';
import { argumentTable } from '../../support/contract/argument-table.ts';
import { argumentsOf, callWith } from '../../support/contract/operations.ts';
import { addDrafts } from '../../support/drafts/drafts.ts';
import { ask, startListening } from '../../support/listening.ts';
import { startCollector } from '../../support/network/collector.ts';
import { testDatabase } from '../../support/postgres/database.ts';

const schema = buildSchema();
const [DOCUMENT, VERSION] = ['22222222-0000-4000-8000-000000000000', '33333333-0000-4000-8000-000000000000'];
/** The catalogue is everybody's. */
const PUBLIC = /^Mutation\.(?:upsertTracks|declareMetadataKeys)/;

const partsOf = (coordinate: string): [type: string, field: string, path: string] => {
  const [, type = '', field = '', path = ''] = /^(\w+)\.(\w+)\((.+)\)$/.exec(coordinate) ?? [];
  return [type, field, path];
};

/** The argument, or the field of an input, at a coordinate. */
function inputAt(coordinate: string): GraphQLArgument | GraphQLInputField {
  const [type, field, path] = partsOf(coordinate);
  const [first, ...rest] = path.split('.');
  const { args } = (schema.getType(type) as GraphQLObjectType).getFields()[field]!;
  let at: GraphQLArgument | GraphQLInputField = args.find(({ name }) => name === first)!;
  for (const key of rest) {
    const named = getNamedType(at.type);
    if (!isInputObjectType(named)) throw new Error(`${coordinate} has no ${key}`);
    at = named.getFields()[key]!;
  }
  return at;
}

const texts = argumentsOf(schema).filter((coordinate) =>
  ['String', 'JSON'].includes(getNamedType(inputAt(coordinate).type).name),
);

function embed(type: string, declarations: string, call: string): string {
  const track = `track(id: "${encodeId('Track', 1)}")`;
  const around: Record<string, string> = {
    ...{ Query: call, Mutation: call, Subscription: call, Track: `${track} { ${call} }` },
    ...{ Artist: `${track} { artist { ${call} } }`, Album: `${track} { album { ${call} } }` },
    ...{ Listener: `viewer { ${call} }`, Document: `document(id: "${encodeId('Document', DOCUMENT)}") { ${call} }` },
    ...{ Draft: `viewer { drafts(first: 1) { nodes { ${call} } } }`, Onboarding: `onboarding { ${call} }` },
  };
  const inner = around[type];
  if (inner === undefined) throw new Error(`say how ${type} is reached`);
  const kind = type === 'Mutation' || type === 'Subscription' ? type.toLowerCase() : 'query';
  return `${kind} ${declarations} { ${inner} }`;
}

/** A server whose log, at its most talkative, and traces can be read. */
async function startWatched() {
  const collector = await startCollector();
  const lines: string[] = [];
  const log = loggerTo({ write: (line) => void lines.push(line) }, 'trace');
  const tracingOf = { endpoint: collector.url, headers: {}, serviceName: 'tests', ratio: 1 };
  const traces = openTracing(tracingOf, log);
  const database = await testDatabase({ tracing: traces.tracing });
  const server = await startListening({ config: withAuth, database, log, tracing: traces.tracing });
  const metrics = async () => (await fetch(`${server.url}/metrics`)).text();
  onTestFinished(() => traces[Symbol.asyncDispose]());
  return { ...server, collector, lines, metrics };
}

/** Sends it, and reads what comes back; of a stream its beginning. */
async function send(url: string, document: string, variables: object, headers: Record<string, string>): Promise<void> {
  if (!document.startsWith('subscription')) {
    await ask(url, document, { ...variables }, headers);
    return;
  }
  const leaving = new AbortController();
  await fetch(url, {
    ...{ method: 'POST', body: JSON.stringify({ query: document, variables }), signal: leaving.signal },
    headers: { 'content-type': 'application/json', accept: 'text/event-stream', ...headers },
  });
  leaving.abort();
}

it('[CANARY1] what is sent in any text of the contract is in no line of the log, no metric, no trace and no answer to others', async () => {
  const { database, graphqlUrl, services, collector, lines, metrics } = await startWatched();
  const { catalogue } = await addTracks(
    database,
    someTracks(3).map((track) => ({ ...track, album: { title: 'One' } })),
  );
  await catalogue.declareMetadataKeys([{ name: 'bpm', type: 'NUMBER' }]);
  const ann = await services.listeners.ensure('ann');
  const drafts = await addDrafts(database, ann.id, 2);
  await database.sql`insert into documents (id, listener_id, title) values (${DOCUMENT}, ${ann.id}, 'T')`;
  await database.sql`insert into document_versions (id, document_id, name, state) values (${VERSION}, ${DOCUMENT}, 'v', '\\x0000')`;
  // What makes a call good has no cursors.
  const cursors = new Proxy<Record<string, string>>({}, { get: () => Buffer.from('["x"]').toString('base64url') });
  const table = argumentTable({
    ...{ draft: encodeId('Draft', drafts[0]!), group: encodeId('DraftGroup', VERSION), cursors },
    ...{ document: encodeId('Document', DOCUMENT), version: encodeId('DocumentVersion', VERSION) },
  });
  const owner = await bearer({ sub: 'ann', roles: ['LISTENER', 'SERVICE', 'ANALYST', 'ADMIN'] });
  const planted = new Map<string, string>();
  const plant = async (coordinate: string): Promise<void> => {
    const [type, field] = partsOf(coordinate);
    const canary = canaryOf('');
    planted.set(coordinate, canary);
    const isList = String(inputAt(coordinate).type).startsWith('[');
    const args = table[`${type}.${field}`]?.args ?? {};
    const { document, variables } = callWith(schema, coordinate, args, isList ? [canary] : canary, (declared, call) =>
      embed(type, declared, call),
    );
    await send(graphqlUrl, document, variables, owner);
  };
  for (let at = 0; at < texts.length; at += 4) await Promise.all(texts.slice(at, at + 4).map(plant));
  expect(planted.size).toBeGreaterThan(150);

  const bob = await bearer({ sub: 'bob' });
  const others = [
    ...[
      '{ viewer { drafts { nodes { title text prompt } } } documents { nodes { title } } apiKeys { nodes { name } } }',
    ],
    `{ draft(id: "${encodeId('Draft', drafts[0]!)}") { title text prompt } }`,
    `{ document(id: "${encodeId('Document', DOCUMENT)}") { title text versions { nodes { name } } } }`,
    `{ node(id: "${encodeId('Listener', ann.id)}") { ... on Listener { displayName drafts { nodes { title } } } } }`,
    `{ node(id: "${encodeId('Listener', ann.id)}") { ... on Listener { preferences { tags text } } } }`,
    `mutation { updateDraft(input: { draftId: "${encodeId('Draft', drafts[0]!)}", title: "x" }) { __typename ... on Error { message } } }`,
    '{ recommendations { nodes { explanation { summary } } } auditLog { nodes { object } } }',
  ];
  const answers = await Promise.all(others.map((query) => ask(graphqlUrl, query, {}, bob)));
  const spans = () => collector.spans.length;
  await expect.poll(spans, { timeout: 60_000 }).toBeGreaterThan(planted.size);
  const places = {
    log: lines.join(''),
    metrics: await metrics(),
    traces: collector.sent(),
  };
  for (const [place, text] of Object.entries(places)) {
    expect(text.length, place).toBeGreaterThan(1_000);
    expect(
      [...planted].filter(([, canary]) => text.includes(canary)).map(([where]) => where),
      place,
    ).toEqual([]);
  }
  const told = JSON.stringify(answers);
  const secret = [...planted].filter(([where]) => !PUBLIC.test(where));
  expect(secret.filter(([, canary]) => told.includes(canary)).map(([where]) => where)).toEqual([]);
}, 300_000);

it('[CANARY1] a failure of the database is logged without the row that it refused, and answered without both', async () => {
  const { database, graphqlUrl, lines } = await startWatched();
  await addTracks(database, someTracks(1));
  await database.sql`alter table feedback add constraint refuse_all check (plays > 1000) not valid`;
  const canary = canaryOf('key');
  const record = `mutation ($key: String!) { recordFeedback(input: { trackId: "${encodeId('Track', 1)}", kind: PLAY, idempotencyKey: $key }) { __typename } }`;
  const { errors } = await ask(graphqlUrl, record, { key: canary }, await bearer({ sub: 'ann' }));
  expect(errors?.[0]?.extensions?.code).toBe('INTERNAL_SERVER_ERROR');
  expect(JSON.stringify(errors)).not.toContain(canary);
  const logged = lines.filter((line) => line.includes('Masked failure'));
  expect(logged).toHaveLength(1);
  // What it was can still be told.
  expect(logged[0]).toContain('23514');
  expect(logged[0]).toContain('refuse_all');
  expect(lines.join('')).not.toContain(canary);
});
