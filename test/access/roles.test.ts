import { readFileSync } from 'node:fs';
import { getNamedType, type GraphQLObjectType, isLeafType, isUnionType } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../../src/db/client.ts';
import type { MemberRole } from '../../src/documents/documents.ts';
import { ROLES } from '../../src/listeners/listeners.ts';
import { encodeId } from '../../src/resolvers/global-id.ts';
import { permits, roleTable } from '../../src/schema/access/role-table.ts';
import { fieldRules } from '../../src/schema/access/rules.ts';
import { buildSchema } from '../../src/schema/schema.ts';
import { bearer, withAuth } from '../support/access/auth.ts';
import { addTracks, someTracks } from '../support/catalogue/catalogue.ts';
import { ASKED } from '../support/documents/assists.ts';
import { addDrafts } from '../support/drafts/drafts.ts';
import { type Answer, ask, startListening, type TestListening } from '../support/listening.ts';
import { createDatabase } from '../support/postgres/database.ts';
import { firstOfStream } from '../support/streams.ts';

const schema = buildSchema();
const TRACK = encodeId('Track', 1);
let database: Database;

beforeAll(async () => {
  database = await createDatabase();
  await addTracks(
    database,
    someTracks(5).map((track) => ({ ...track, album: { title: 'An album' } })),
  );
});
afterAll(() => database[Symbol.asyncDispose]());

/** Objects of one listener, new ones for each call, so that what a mutation does to one changes no other call. */
interface Belongings {
  listener: string;
  externalId: string;
  draft: () => string;
  /** A draft that everybody may read. */
  published: string;
  group: string;
  feedback: () => Promise<string>;
  key: () => Promise<string>;
  document: () => Promise<string>;
  version: () => Promise<string>;
  assist: () => Promise<string>;
}

/** @param member who else has a role in the documents */
async function belongingsOf(
  externalId: string,
  member: { externalId: string; role: MemberRole } | null = null,
): Promise<Belongings> {
  const { sql } = database;
  const [row] = await sql<{ id: number }[]>`
    insert into listeners (external_id, display_name) values (${externalId}, ${externalId}) returning id::float8 as id`;
  const { id } = row!;
  const drafts = await addDrafts(database, id, 30);
  const group = crypto.randomUUID();
  await sql`update drafts set visibility = 'SHARED' where id = ${drafts[28]!}`;
  await sql`update drafts set group_id = ${group}, alternative = 1 where id = ${drafts[29]!}`;
  const document = async () => {
    const uuid = crypto.randomUUID();
    await sql`insert into documents (id, listener_id, title) values (${uuid}, ${id}, 'Rain')`;
    if (member)
      await sql`insert into document_members (document_id, listener_id, role)
        select ${uuid}, id, ${member.role} from listeners where external_id = ${member.externalId}`;
    return uuid;
  };
  const made = async (type: 'Feedback' | 'ApiKey', rows: Promise<{ id: number }[]>) =>
    encodeId(type, (await rows)[0]!.id);
  return {
    ...{ externalId, listener: encodeId('Listener', id), group: encodeId('DraftGroup', group) },
    published: encodeId('Draft', drafts[28]!),
    draft: () => encodeId('Draft', drafts.shift()!),
    feedback: () =>
      made(
        'Feedback',
        sql`insert into feedback (listener_id, track_id, kind) values (${id}, 1, 'PLAY') returning id::float8 as id`,
      ),
    key: () =>
      made(
        'ApiKey',
        sql`insert into api_keys (prefix, digest, name, owner_id, roles, origins, quota)
          values (gen_random_uuid()::text, '', 'k', ${id}, '{LISTENER}', '{}', '{}') returning id::float8 as id`,
      ),
    document: async () => encodeId('Document', await document()),
    version: async () => {
      const uuid = crypto.randomUUID();
      await sql`insert into document_versions (id, document_id, name, state)
        values (${uuid}, ${await document()}, 'first', ${Buffer.from([0, 0])})`;
      return encodeId('DocumentVersion', uuid);
    },
    assist: async () => {
      const uuid = crypto.randomUUID();
      await sql`insert into document_assists (id, document_id, listener_id, draft_ids, status, client_id, asked, ended_at)
        values (${uuid}, ${await document()}, ${id}, '{}', 'WRITTEN', 1, ${JSON.stringify(ASKED)}::text::jsonb, now())`;
      return encodeId('Assist', uuid);
    },
  };
}

/** The arguments of a call, where some are required: of nobody's objects, or of these. */
const calls: Record<string, (of: Belongings) => string | Promise<string>> = {
  'Query.album': () => `id: "${encodeId('Album', 1)}"`,
  'Query.artist': () => `id: "${encodeId('Artist', 1)}"`,
  'Query.track': () => `id: "${TRACK}"`,
  'Query.tracksByExternalId': () => 'externalIds: ["x"]',
  'Query.explanation': () => `trackId: "${TRACK}"`,
  'Query.node': () => `id: "${TRACK}"`,
  'Query.nodes': () => `ids: ["${TRACK}"]`,
  'Query.analyseText': () => 'text: "rain"',
  'Query.checkTune': () => 'abc: "X:1"',
  'Query.classifyText': () => 'texts: ["rain"]',
  'Query.detectLanguage': () => 'texts: ["rain"]',
  'Query.embed': () => 'texts: ["rain"]',
  'Query.moodOf': () => 'texts: ["rain"]',
  'Query.sentiment': () => 'texts: ["rain"]',
  'Query.translate': () => 'texts: ["rain"], from: "en", to: "pt"',
  'Query.draft': ({ draft }) => `id: "${draft()}"`,
  'Query.document': async ({ document }) => `id: "${await document()}"`,
  'Query.groupRecommendations': ({ listener }) => `listenerIds: ["${listener}"]`,
  'Query.listener': ({ externalId }) => `externalId: "${externalId}"`,
  'Query.offPolicyEstimate': () => 'modelVersion: "none"',
  'Mutation.setPreferences': () => 'input: { tags: ["rain"] }',
  'Mutation.setReaction': () => `trackId: "${TRACK}", reaction: LIKE`,
  'Mutation.setSaved': () => `trackId: "${TRACK}", saved: true`,
  'Mutation.setHidden': () => `trackId: "${TRACK}", hidden: false`,
  'Mutation.startDraft': () => 'input: { kind: POEM, prompt: "rain", sampling: { maxTokens: 1 } }',
  'Mutation.setConsent': ({ listener }) => `input: { listenerId: "${listener}", training: true }`,
  'Mutation.eraseMe': () => 'confirm: "somebody else"',
  'Mutation.claimVisitor': () => 'visitorToken: "none"',
  'Mutation.recordFeedback': ({ listener }) => `input: { trackId: "${TRACK}", kind: PLAY, listenerId: "${listener}" }`,
  'Mutation.recordFeedbackBatch': ({ listener }) =>
    `input: [{ trackId: "${TRACK}", kind: PLAY, listenerId: "${listener}" }]`,
  'Mutation.removeFeedback': async ({ feedback }) => `id: "${await feedback()}"`,
  'Mutation.applyRewrite': ({ draft }) => `input: { draftId: "${draft()}" }`,
  'Mutation.cancelDraft': ({ draft }) => `id: "${draft()}"`,
  'Mutation.chooseDraft': ({ draft }) => `id: "${draft()}"`,
  'Mutation.continueDraft': ({ draft }) => `input: { draftId: "${draft()}" }`,
  'Mutation.deleteDraft': ({ draft }) => `id: "${draft()}"`,
  'Mutation.updateDraft': ({ draft }) => `input: { draftId: "${draft()}", title: "Rain" }`,
  'Mutation.branchDraft': ({ draft }) => `input: { draftId: "${draft()}", sampling: { maxTokens: 1 } }`,
  'Mutation.rewriteDraft': ({ draft }) =>
    `input: { draftId: "${draft()}", ifRevision: 1, insertAt: 0, sampling: { maxTokens: 1 } }`,
  'Mutation.revokeApiKey': async ({ key }) => `id: "${await key()}"`,
  'Mutation.rotateApiKey': async ({ key }) => `id: "${await key()}"`,
  'Mutation.createDocument': () => 'input: { title: "Rain" }',
  'Mutation.joinDocument': () => 'secret: "none"',
  'Mutation.deleteDocument': async ({ document }) => `id: "${await document()}"`,
  'Mutation.shareDocument': async ({ document }) => `input: { documentId: "${await document()}", role: READER }`,
  'Mutation.revokeDocumentLinks': async ({ document }) => `id: "${await document()}"`,
  'Mutation.setDocumentMember': async ({ document, listener }) =>
    `input: { documentId: "${await document()}", listenerId: "${listener}", role: READER }`,
  'Mutation.renameDocument': async ({ document }) => `id: "${await document()}", title: "Snow"`,
  'Mutation.pushUpdates': async ({ document }) => `input: { documentId: "${await document()}", updates: [] }`,
  'Mutation.saveDocumentVersion': async ({ document }) => `input: { documentId: "${await document()}", name: "mine" }`,
  'Mutation.restoreDocumentVersion': async ({ version }) => `id: "${await version()}"`,
  'Mutation.assist': async ({ document }) =>
    `input: { documentId: "${await document()}", task: CONTINUE, sampling: { maxTokens: 1 } }`,
  'Mutation.suggest': async ({ document }) =>
    `input: { documentId: "${await document()}", range: { start: "AQR0ZXh0QQ==", end: "AQR0ZXh0QQ==" }, alternatives: ["x"] }`,
  'Mutation.acceptSuggestion': async ({ document }) =>
    `input: { documentId: "${await document()}", suggestionId: "x" }`,
  'Mutation.rejectSuggestion': async ({ document }) =>
    `input: { documentId: "${await document()}", suggestionId: "x" }`,
  'Mutation.cancelAssist': async ({ assist }) => `id: "${await assist()}"`,
  'Mutation.undoAssist': async ({ assist }) => `id: "${await assist()}"`,
  'Mutation.setPresence': async ({ document }) =>
    `input: { documentId: "${await document()}", clientId: 1, clock: 1, state: "{}" }`,
  'Mutation.declareMetadataKeys': () => 'input: [{ name: "bpm", type: NUMBER }]',
  'Query.scoreText': () => 'text: "Snow"',
  'Query.unexpectedWords': () => 'text: "Snow"',
  'Mutation.removeMetadataKey': () => 'name: "bpm"',
  'Mutation.upsertTracks': () => 'input: []',
  'Mutation.withdrawTracks': () => 'input: { externalIds: ["none"] }',
  'Mutation.eraseListener': () => 'input: { externalId: "nobody" }',
  'Mutation.activateModelVersion': () => 'modelVersion: "none"',
  'Query.usage': () => 'from: "2026-11-01", to: "2026-11-30"',
  'Mutation.setApiKeyQuota': async ({ key }) => `id: "${await key()}", quota: {}`,
  'Mutation.createApiKey': () => 'input: { name: "k", owner: "somebody" }',
  'Subscription.draftEvents': ({ draft }) => `draftId: "${draft()}"`,
  'Subscription.draftGroupEvents': ({ group }) => `groupId: "${group}"`,
  'Subscription.draftReport': ({ draft }) => `draftId: "${draft()}"`,
  'Subscription.documentUpdates': async ({ document }) => `documentId: "${await document()}"`,
  'Subscription.documentPresence': async ({ document }) => `documentId: "${await document()}"`,
  'Listener.tracks': () => 'mark: LIKED',
};
/** Objects are reached by their ids, and listeners, whose existence is no secret, as owners. */
const objects: Record<string, (of: Belongings) => string | Promise<string>> = {
  Feedback: ({ feedback }) => feedback(),
  Draft: ({ draft }) => draft(),
  DraftGroup: ({ group }) => group,
  ApiKey: ({ key }) => key(),
  Document: ({ document }) => document(),
  DocumentVersion: ({ version }) => version(),
  Assist: ({ assist }) => assist(),
};
/** What members may be made, each with what those before it may do. */
const MEMBER_ROLES = ['READER', 'SUGGESTER', 'EDITOR'] as const;

/** Not there, whoever asks. */
const NOT_THERE = new Set([
  'Mutation.removeMetadataKey',
  'Mutation.eraseListener',
  'Mutation.activateModelVersion',
  'Mutation.withdrawTracks',
  'Mutation.joinDocument',
]);

async function documentFor(type: string, field: string, of: Belongings): Promise<string> {
  const declared = (schema.getType(type) as GraphQLObjectType).getFields()[field]!;
  const named = getNamedType(declared.type);
  const hasForbidden = isUnionType(named) && named.getTypes().some(({ name }) => name.endsWith('Error'));
  const selection = isLeafType(named) ? '' : `{ __typename ${hasForbidden ? '... on Error { message }' : ''} }`;
  const call = async () => {
    const args = await calls[`${type}.${field}`]?.(of);
    return `reached: ${field} ${args === undefined ? '' : `(${args})`} ${selection}`;
  };
  if (type === 'Listener') return `{ draft(id: "${of.published}") { owner { ${await call()} } } }`;
  const object = objects[type];
  if (object) return `{ node(id: "${await object(of)}") { ... on ${type} { ${await call()} } } }`;
  return `${type.toLowerCase()} { ${await call()} }`;
}

const answerTo = (type: string, document: string, { graphqlUrl }: TestListening, headers: Record<string, string>) =>
  (type === 'Subscription' ? firstOfStream : ask)(graphqlUrl, document, {}, headers);

/** Whether the caller got at it; an operation that fails later did. */
function isReached({ data, errors }: Answer, coordinate: string): boolean {
  const codes = (errors ?? []).map(({ extensions }) => String(extensions?.code));
  if (codes.some((code) => code === 'GRAPHQL_VALIDATION_FAILED' || code === 'BAD_USER_INPUT'))
    throw new Error(`${coordinate}: ${JSON.stringify(errors)}`);
  if (codes.includes('FORBIDDEN') || codes.includes('NOT_FOUND')) return false;
  const [first] = Object.values(data ?? {});
  if (
    first === null &&
    /^(Query\.(draft|document)|Draft|DraftGroup|Feedback|ApiKey|Document|DocumentVersion|Assist)\b/.test(coordinate)
  )
    return false;
  const { __typename: reached, message = '' } = (first ?? {}) as { __typename?: string; message?: string };
  // Of a document that it may see.
  if (reached === 'NotFoundError')
    return NOT_THERE.has(coordinate) || message.startsWith('There is no such suggestion');
  return reached !== 'ForbiddenError';
}

describe('[ROLE1] every field', () => {
  const coordinates = Object.entries(fieldRules).flatMap(([type, rules]) =>
    Object.keys(rules).map((field) => [type, field]),
  );

  it.each(ROLES)('is open to %s for its own objects and for those of others exactly as its rule says', async (role) => {
    const server = await startListening({ database, config: withAuth });
    const headers = await bearer({ sub: `own of ${role}`, roles: [role] });
    const [own, other] = [await belongingsOf(`own of ${role}`), await belongingsOf(`other than ${role}`)];
    const wrong: string[] = [];
    for (const [type = '', field = ''] of coordinates) {
      // It says nothing until a list changes.
      if (field === 'recommendationsChanged') continue;
      const expected = permits(fieldRules[type]![field]!, role);
      for (const [whose, of] of [
        ['own', own],
        ['other', other],
      ] as const) {
        const objectsOf = type === 'Mutation' ? of : { ...of, draft: reread(of) };
        const answer = await answerTo(type, await documentFor(type, field, objectsOf), server, headers);
        if (isReached(answer, `${type}.${field}`) !== expected[whose])
          wrong.push(`${type}.${field} for ${whose} ${role}: ${JSON.stringify(answer).slice(0, 300)}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  it.each(MEMBER_ROLES)('of a document is open to its %ss exactly as its rule says', async (role) => {
    const server = await startListening({ database, config: withAuth });
    const externalId = `${role} of documents`;
    const headers = await bearer({ sub: externalId, roles: ['LISTENER'] });
    await belongingsOf(externalId);
    const of = await belongingsOf(`owner with ${role}`, { externalId, role });
    const wrong: string[] = [];
    for (const [type = '', field = ''] of coordinates) {
      const rule = fieldRules[type]![field]!;
      if (rule.for !== 'member') continue;
      const expected = rule.least !== 'OWNER' && MEMBER_ROLES.indexOf(rule.least) <= MEMBER_ROLES.indexOf(role);
      const answer = await answerTo(type, await documentFor(type, field, of), server, headers);
      if (isReached(answer, `${type}.${field}`) !== expected)
        wrong.push(`${type}.${field} for ${role}: ${JSON.stringify(answer).slice(0, 300)}`);
    }
    expect(wrong).toEqual([]);
  });

  /** Reading needs no new draft; a listener has only so many. */
  const kept = new Map<string, string>();
  function reread(of: Belongings): () => string {
    return () => {
      const draft = kept.get(of.externalId) ?? of.draft();
      kept.set(of.externalId, draft);
      return draft;
    };
  }
});

describe('[ROLE2] the table of the rules', () => {
  it('is in docs/roles.md', () => {
    const page = readFileSync(new URL('../../docs/roles.md', import.meta.url), 'utf8');
    const plain = (text: string) => text.replaceAll(/ *\| */g, '|').replaceAll(/-{3,}/g, '---');
    expect(plain(page)).toContain(plain(roleTable()));
  });

  it('lists every field of an operation and of an object that belongs to somebody, and none that is not there', () => {
    for (const [type, rules] of Object.entries(fieldRules))
      expect(Object.keys(rules).sort(), type).toEqual(
        Object.keys((schema.getType(type) as GraphQLObjectType).getFields()).sort(),
      );
  });
});
