import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import * as Y from 'yjs';
import { createAssists } from '../../src/assist/assist.ts';
import type { Database } from '../../src/db/client.ts';
import { selectPresence } from '../../src/db/documents/presence-queries.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { silentLogger } from '../../src/lib/log.ts';
import { encodeId, idOf } from '../../src/resolvers/global-id.ts';
import { withAuth } from '../support/access/auth.ts';
import { tokenOf } from '../support/access/tokens.ts';
import {
  ASKED,
  assist,
  cancelAssist,
  rangeOf,
  seeAssist,
  stateOf,
  statusOf,
  undoAssist,
} from '../support/documents/assists.ts';
import { bytesOf, createDocument, docOf, mutate, push, textOf, updateBy } from '../support/documents/documents.ts';
import { ask, startListening, type TestListening } from '../support/listening.ts';
import { ScriptedEngine, scriptedText } from '../support/models/scripted-engine.ts';
import { createDatabase } from '../support/postgres/database.ts';

let database: Database;
let server: TestListening;
let engine: ScriptedEngine;
const as = (listener: string) => ({ 'x-listener-id': listener });

beforeAll(async () => {
  database = await createDatabase();
});
afterAll(() => database[Symbol.asyncDispose]());

beforeEach(async () => {
  engine = new ScriptedEngine({ granted: 0 });
  server = await startListening({ engine, database });
});

const ann = () => ({ ...server, headers: as('ann') });

const SET_MEMBER = 'mutation ($input: SetDocumentMemberInput!) { setDocumentMember(input: $input) { __typename } }';

/** A document of Ann's on a server that knows people by their tokens, where everybody has the role that they were given. */
async function sharedDocument() {
  server = await startListening({ engine, database, config: withAuth });
  const place = async (name: string) => ({
    ...server,
    headers: { authorization: `Bearer ${await tokenOf({ sub: name, roles: ['LISTENER'] })}` },
  });
  const owner = await place('ann');
  const documentId = await createDocument(owner, 'Snow');
  const share = async (name: string, role: string | null) => {
    const own = await place(name);
    const { data } = await ask(server.graphqlUrl, '{ viewer { id } }', {}, own.headers);
    const { id: listenerId } = (data as { viewer: { id: string } }).viewer;
    await mutate(owner, SET_MEMBER, { input: { documentId, listenerId, role } });
    return own;
  };
  return { documentId, owner, share, nobody: await place('nobody') };
}
const twelve = { sampling: { seed: 5, maxTokens: 12 } };

/** Writes as a person does, at the place of a part of the text. */
async function type(id: string, client: number, change: (text: Y.Text, doc: Y.Doc) => void): Promise<void> {
  const doc = await stateOf(ann(), id);
  doc.clientID = client;
  await push(ann(), id, [updateBy(doc, (text) => change(text, doc))]);
}

async function begun(input: object): Promise<string> {
  const answer = await assist(ann(), input);
  expect(answer).toMatchObject({ __typename: 'AssistSuccess' });
  return answer.assist!.id;
}

async function draftTextOf(id: string): Promise<string> {
  return (await seeAssist(ann(), id))!.drafts[0]!.text;
}

describe('a model that writes into a document', () => {
  it('[ASSIST1] writes whole words behind its place while others write around it, in changes of its own client', async () => {
    const documentId = await createDocument(ann(), 'The snow. The end.');
    const id = await begun({
      documentId,
      task: 'CONTINUE',
      ...twelve,
      range: rangeOf(await stateOf(ann(), documentId), 'The snow.'),
    });
    engine.grant(4);
    await expect.poll(() => draftTextOf(id)).not.toBe('');
    await expect
      .poll(async () => (await textOf(ann(), documentId))!.length)
      .toBeGreaterThan('The snow. The end.'.length);
    await type(documentId, 1, (text) => text.insert(0, 'First: '));
    await type(documentId, 1, (text) => text.insert(text.length, ' Last.'));
    engine.grant(100);
    await expect.poll(() => statusOf(ann(), id)).toBe('WRITTEN');
    const draft = await draftTextOf(id);
    expect(await textOf(ann(), documentId)).toMatch(/^First: The snow\./);
    expect((await textOf(ann(), documentId))!.replace(/\s+/g, ' ')).toBe(
      `First: The snow.${draft.trimEnd()} The end. Last.`.replace(/\s+/g, ' '),
    );
    const doc = await stateOf(ann(), documentId);
    const { clientId } = (await seeAssist(ann(), id))!;
    const own = doc.store.clients
      .get(clientId)!
      .map((item) => (item instanceof Y.Item && item.content instanceof Y.ContentString ? item.content.str : '?'));
    expect(own.join('')).toBe(draft.trimEnd());
  });

  it('[ASSIST1] shows the word that is not complete as the presence of its client', async () => {
    const documentId = await createDocument(ann(), 'Snow');
    const id = await begun({ documentId, task: 'CONTINUE', sampling: { seed: 5, maxTokens: 60 } });
    const present = async () => {
      const [row] = await selectPresence(server.database, [idOf('Document', documentId, 'id')]);
      return (
        row && (JSON.parse(row.state ?? '') as { user: object; assist: { id: string; tail: string }; cursor: unknown })
      );
    };
    await expect.poll(present).toMatchObject({ user: { name: 'Scripted', isModel: true } });
    const request = { ...engine.requests[0]!, sampling: { ...engine.requests[0]!.sampling, maxTokens: 1 } };
    while (!scriptedText(request).endsWith('é')) request.sampling.maxTokens++;
    engine.grant(request.sampling.maxTokens);
    await expect.poll(async () => (await present())?.assist.tail).toMatch(/é$/);
    expect((await present())!.cursor).toMatchObject({ anchor: {}, head: {} });
    engine.grant(100);
    await expect.poll(() => statusOf(ann(), id)).toBe('WRITTEN');
    await expect.poll(present).toBeUndefined();
  });

  it('[ASSIST3] a passage is written anew: it goes with the last word, and what others typed into it stays', async () => {
    const documentId = await createDocument(ann(), 'One. Two three four. Five.');
    const range = rangeOf(await stateOf(ann(), documentId), 'Two three four.');
    const id = await begun({ documentId, task: 'REWRITE', range, instruction: 'shorter', ...twelve });
    engine.grant(6);
    await expect.poll(async () => (await textOf(ann(), documentId))!.length).toBeGreaterThan(26);
    expect(await textOf(ann(), documentId)).toMatch(/^One\. Two three four\..+ Five\.$/s);
    await type(documentId, 1, (text) => text.insert('One. Two '.length, 'MINE '));
    engine.grant(100);
    await expect.poll(() => statusOf(ann(), id)).toBe('WRITTEN');
    const draft = (await draftTextOf(id)).trim();
    expect(await textOf(ann(), documentId)).toBe(`One. MINE ${draft} Five.`);
    expect((await seeAssist(ann(), id))!.base).toMatchObject({
      before: 'One. ',
      passage: 'Two three four.',
      after: ' Five.',
    });

    await type(documentId, 2, (text) => text.insert(text.toJSON().indexOf(draft) + 2, '(YOURS)'));
    expect((await undoAssist(ann(), id)).assist!.undoneAt).not.toBeNull();
    expect(await textOf(ann(), documentId)).toMatch(/^One\. MINE .*Five\.$/s);
    expect((await textOf(ann(), documentId))!.replace('(YOURS)', '').replace('MINE ', '')).toBe(
      'One. Two three four. Five.',
    );
    expect(await undoAssist(ann(), id)).toMatchObject({ __typename: 'ConflictError' });
  });

  it('[ASSIST3] a passage that is not written to its end stays as it was', async () => {
    const documentId = await createDocument(ann(), 'One. Two three. Four.');
    const range = rangeOf(await stateOf(ann(), documentId), 'Two three.');
    const id = await begun({ documentId, task: 'REWRITE', range, ...twelve });
    engine.grant(6);
    await expect.poll(async () => (await textOf(ann(), documentId))!.length).toBeGreaterThan(21);
    await cancelAssist(ann(), id);
    await expect.poll(() => statusOf(ann(), id)).toBe('CANCELLED');
    expect(await textOf(ann(), documentId)).toBe('One. Two three. Four.');
  });

  it('[ASSIST3] nothing of a new passage stays when who asked for it may write no more', async () => {
    const { documentId, owner, share } = await sharedDocument();
    const bob = await share('bob', 'EDITOR');
    const range = rangeOf(await stateOf(owner, documentId), 'Snow');
    const { id } = (await assist(bob, { documentId, task: 'REWRITE', range, ...twelve })).assist!;
    engine.grant(6);
    await expect.poll(async () => (await textOf(owner, documentId))!.length).toBeGreaterThan(4);
    await share('bob', null);
    engine.grant(100);
    await expect.poll(() => statusOf(owner, id)).toBe('FORBIDDEN');
    expect(await textOf(owner, documentId)).toBe('Snow');
  });

  it('[ASSIST2] a visitor who becomes an account while a passage is written has it whole', async () => {
    const { documents, assists, listeners } = server.services;
    const visitor = { listener: await listeners.ensure('visitor:1'), roles: new Set(['LISTENER'] as const) };
    const { id } = await documents.create(visitor, { title: 'A text', text: 'Snow' });
    const documentId = encodeId('Document', id);
    const doc = new Y.Doc();
    const mine = async () => (await documents.byIds(visitor, [id])).get(id)!;
    Y.applyUpdate(doc, new Uint8Array((await documents.state(await mine(), null)).update));
    const { start, end } = rangeOf(doc, 'Snow');
    const range = { start: bytesOf(start), end: bytesOf(end) };
    const begun = await assists.start(visitor, { documentId: id, task: 'REWRITE', range, ...twelve });
    engine.grant(6);
    await expect.poll(async () => (await documents.text(await mine(), 'PLAIN')).length).toBeGreaterThan(4);
    const account = await listeners.ensure('ann');
    await listeners.claim(account.id, 'visitor:1');
    engine.grant(100);
    const assistId = encodeId('Assist', begun.id);
    await expect.poll(() => statusOf(ann(), assistId)).toBe('WRITTEN');
    expect(await textOf(ann(), documentId)).toBe((await draftTextOf(assistId)).trim());
  });

  it('[ASSIST4] stops when its range, or all that it has written, is deleted', async () => {
    const documentId = await createDocument(ann(), 'One. Two three. Four.');
    const doc = await stateOf(ann(), documentId);
    const passage = await begun({ documentId, task: 'REWRITE', range: rangeOf(doc, 'Two three.'), ...twelve });
    await type(documentId, 1, (text) => text.delete(5, 10));
    await expect.poll(() => statusOf(ann(), passage)).toBe('RANGE_DELETED');
    await expect.poll(() => textOf(ann(), documentId)).toBe('One.  Four.');

    const place = await begun({ documentId, task: 'CONTINUE', ...twelve });
    engine.grant(6);
    await expect.poll(async () => (await textOf(ann(), documentId))!.length).toBeGreaterThan(11);
    const deleted = async () => {
      // It may write another word in the meantime.
      await type(documentId, 1, (text) => text.delete(11, text.length - 11));
      return statusOf(ann(), place);
    };
    await expect.poll(deleted).toBe('RANGE_DELETED');
    expect((await seeAssist(ann(), place))!.drafts).toHaveLength(1);
    expect(await textOf(ann(), documentId)).toBe('One.  Four.');
  });

  it('[ASSIST2] two processes that write one draft, and one that takes over, lose and repeat no word', async () => {
    const documentId = await createDocument(ann(), 'Snow');
    const id = await begun({ documentId, task: 'CONTINUE', sampling: { seed: 5, maxTokens: 60 } });
    const { sql } = server.database;
    const other = () => {
      const { services, database, wakeups } = server;
      return createAssists({ ...services, database, wakeups, clock: systemClock, log: silentLogger });
    };
    const others = [other(), other(), other()];
    for (const each of others) {
      const before = (await textOf(ann(), documentId))!.length;
      engine.grant(10);
      // As if the process that holds it had fallen silent, and goes on all the same.
      await sql`update document_assists set held_until = null`;
      each.recover();
      await expect.poll(async () => (await textOf(ann(), documentId))!.length).toBeGreaterThan(before);
      await expect
        .poll(
          async () => (await sql`select from document_assists where held_until > now() and ended_at is null`).length,
        )
        .toBe(1);
    }
    engine.grant(100);
    await expect.poll(() => statusOf(ann(), id)).toBe('WRITTEN');
    expect(await textOf(ann(), documentId)).toBe(`Snow${(await draftTextOf(id)).trimEnd()}`);
    for (const each of others) await each[Symbol.asyncDispose]();
  });

  it('[ASSIST5] anybody who edits takes back what a model wrote and nothing else, and readers see all of it', async () => {
    const { documentId, owner, share, nobody } = await sharedDocument();
    const [bob, eve] = [await share('bob', 'EDITOR'), await share('eve', 'READER')];
    expect(await assist(eve, { documentId, task: 'CONTINUE' })).toMatchObject({ __typename: 'ForbiddenError' });
    const { id } = (await assist(owner, { documentId, task: 'CONTINUE', ...twelve })).assist!;
    expect(await undoAssist(bob, id)).toMatchObject({ __typename: 'ConflictError' });
    engine.grant(100);
    await expect.poll(() => statusOf(eve, id)).toBe('WRITTEN');
    const seen = (await seeAssist(eve, id))!;
    expect(seen).toMatchObject({ modelDigest: 'scripted', samplings: [{ seed: 5, maxTokens: 12 }], drafts: [] });
    expect(seen.messages.at(-1)).toEqual({ role: 'assistant', content: 'Snow' });
    expect(seen.messages).toEqual(engine.requests[0]!.messages);
    const doc = await stateOf(bob, documentId);
    await push(bob, documentId, [updateBy(doc, (text) => text.insert(6, 'PEOPLE'))]);
    expect(await undoAssist(eve, id)).toMatchObject({ __typename: 'ForbiddenError' });
    expect(await undoAssist(bob, id)).toMatchObject({ __typename: 'UndoAssistSuccess' });
    expect(await textOf(bob, documentId)).toBe('SnowPEOPLE');
    expect(await seeAssist(nobody, id)).toBeNull();
  });

  it('[ASSIST6] repeating a key starts nothing, and bad ranges and tasks are refused by name', async () => {
    const documentId = await createDocument(ann(), 'Snow falls.');
    const input = { documentId, task: 'CONTINUE', ...twelve, idempotencyKey: 'once' };
    const [one, two] = await Promise.all([assist(ann(), input), assist(ann(), input)]);
    expect(two.assist!.id).toBe(one.assist!.id);
    expect(await assist(ann(), { ...input, instruction: 'other' })).toMatchObject({
      __typename: 'IdempotencyConflictError',
    });
    expect(
      await server.database.sql`select from document_assists where document_id = ${idOf('Document', documentId, 'id')}`,
    ).toHaveLength(1);
    const range = rangeOf(await stateOf(ann(), documentId), 'falls');
    const refused: [object, string][] = [
      [{ task: 'REWRITE' }, 'input.range'],
      [{ task: 'REWRITE', range: { start: range.start, end: range.start } }, 'input.range'],
      [{ task: 'CONTINUE', range: { start: range.end, end: range.start } }, 'input.range.end'],
      [{ task: 'CONTINUE', tune: {} }, 'input.tune'],
      [{ task: 'CONTINUE', kind: 'TUNE' }, 'input.kind'],
      [{ task: 'TUNE', form: { preset: 'HAIKU' } }, 'input.form'],
    ];
    for (const [bad, field] of refused)
      expect(await assist(ann(), { documentId, ...bad }), field).toMatchObject({
        __typename: 'InvalidInputError',
        field,
      });
    engine.grant(100);
    await expect.poll(() => statusOf(ann(), one.assist!.id)).toBe('WRITTEN');
  });

  it('[ASSIST6] a passage whose formatting is too large, or that embeds no object, is refused, and the others go on', async () => {
    const documentId = await createDocument(ann(), 'ab'.repeat(20));
    await type(documentId, 7, (text) => {
      text.format(0, 40, { comment: 'x'.repeat(4_000) });
      for (let at = 0; at < 40; at += 2) text.format(at, 1, { bold: true });
      text.insertEmbed(40, 5);
    });
    const doc = await stateOf(ann(), documentId);
    const at = (index: number) =>
      Buffer.from(Y.encodeRelativePosition(Y.createRelativePositionFromTypeIndex(doc.getText('text'), index))).toString(
        'base64',
      );
    for (const [start, end] of [
      [0, 40],
      [40, 41],
    ] as const)
      expect(
        await assist(ann(), { documentId, task: 'REWRITE', range: { start: at(start), end: at(end) } }),
      ).toMatchObject({ __typename: 'InvalidInputError', field: 'input.range.end' });
    // As an earlier build could store it.
    const damaged = { ...ASKED, delta: [{ insert: 5 }] };
    await server.database.sql`
      insert into document_assists (id, document_id, listener_id, draft_ids, client_id, asked, created_at, status)
      select gen_random_uuid(), id, listener_id, array[gen_random_uuid()], 9, ${JSON.stringify(damaged)}::text::jsonb, now(), 'WRITING'
      from documents where id = ${idOf('Document', documentId, 'id')}`;
    const id = await begun({ documentId, task: 'CONTINUE', ...twelve });
    engine.grant(100);
    await expect.poll(() => statusOf(ann(), id)).toBe('WRITTEN');
    const failed = () => server.database.sql`select from document_assists where client_id = 9 and status = 'FAILED'`;
    await expect.poll(async () => (await failed()).length).toBe(1);
  });

  it('[ASSIST4] stops when whoever asked may not edit any more, or the document is gone', async () => {
    const { documentId, owner, share } = await sharedDocument();
    const bob = await share('bob', 'EDITOR');
    const { assist: asked } = await assist(bob, { documentId, task: 'CONTINUE', ...twelve });
    await share('bob', 'READER');
    engine.grant(8);
    await expect.poll(() => statusOf(owner, asked!.id)).toBe('FORBIDDEN');
    expect(await textOf(owner, documentId)).toBe('Snow');
    const { assist: mine } = await assist(owner, { documentId, task: 'CONTINUE', ...twelve });
    const draftId = idOf('Draft', mine!.drafts[0]!.id, 'id');
    await mutate(owner, 'mutation ($id: ID!) { deleteDocument(id: $id) { __typename } }', { id: documentId });
    const status = async () =>
      (await server.database.sql<{ status: string }[]>`select status from drafts where id = ${draftId}`)[0]!.status;
    await expect.poll(status).toBe('CANCELLED');
  });
});

it('[ASSIST1] a document that has had many clients keeps one for each assist', async () => {
  const documentId = await createDocument(ann(), 'Snow');
  await push(ann(), documentId, [updateBy(docOf(7), (text) => text.insert(0, 'x'))]);
  const ids = [];
  for (let i = 0; i < 2; i++) ids.push(await begun({ documentId, task: 'CONTINUE', ...twelve }));
  engine.grant(100);
  for (const id of ids) await expect.poll(() => statusOf(ann(), id)).toBe('WRITTEN');
  const doc = await stateOf(ann(), documentId);
  const clients = await Promise.all(ids.map(async (id) => (await seeAssist(ann(), id))!.clientId));
  expect(new Set(clients).size).toBe(2);
  for (const client of clients) expect(doc.store.clients.has(client)).toBe(true);
});
