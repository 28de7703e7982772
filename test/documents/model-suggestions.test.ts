import { describe, expect, it, onTestFinished } from 'vitest';
import WebSocket from 'ws';
import * as Y from 'yjs';
import { CadenzaProvider } from '../../packages/client/src/index.ts';
import { createAssists } from '../../src/assist/assist.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { silentLogger } from '../../src/lib/log.ts';
import { withAuth } from '../support/access/auth.ts';
import { tokenOf } from '../support/access/tokens.ts';
import {
  assist,
  cancelAssist,
  rangeOf,
  seeAssist,
  stateOf,
  statusOf,
  undoAssist,
} from '../support/documents/assists.ts';
import { createDocument, mutate, type Place, push, textOf, updateBy } from '../support/documents/documents.ts';
import { tinyModel } from '../support/drafts/writers.ts';
import { ask, startListening } from '../support/listening.ts';
import { ScriptedEngine, scriptedText } from '../support/models/scripted-engine.ts';
import { writerReady } from '../support/network/wire.ts';
import { startServer } from '../support/server.ts';

const SET = 'mutation ($input: SetDocumentMemberInput!) { setDocumentMember(input: $input) { __typename } }';
const ACCEPT = 'mutation ($input: AcceptSuggestionInput!) { acceptSuggestion(input: $input) { __typename } }';
const PENDING = `query ($id: ID!) { document(id: $id) { suggestions { id passage alternatives
  assist { id mode task } modelTexts { text seed parts { start end text probability } } } } }`;

interface Pending {
  id: string;
  passage: string;
  alternatives: string[];
  assist: { id: string; mode: string; task: string } | null;
  modelTexts: {
    text: string;
    seed: number;
    parts: { start: number; end: number; text: string; probability: number }[];
  }[];
}

const three = { mode: 'SUGGEST', alternatives: 3, sampling: { seed: 5, maxTokens: 12 } };

async function pendingIn({ graphqlUrl, headers = {} }: Place, id: string): Promise<Pending[]> {
  const { data } = await ask(graphqlUrl, PENDING, { id }, headers);
  return (data as { document: { suggestions: Pending[] } }).document.suggestions;
}

/** Ann's document, in which Bob may suggest and Eve may read, on a server whose model writes as it is told. */
async function room(text: string) {
  const engine = new ScriptedEngine({ granted: 0 });
  const server = await startListening({ engine, config: withAuth });
  const place = async (name: string): Promise<Place> => ({
    ...server,
    headers: { authorization: `Bearer ${await tokenOf({ sub: name, roles: ['LISTENER'] })}` },
  });
  const ann = await place('ann');
  const documentId = await createDocument(ann, text);
  const share = async (name: string, role: string | null): Promise<Place> => {
    const own = await place(name);
    const { data } = await ask(server.graphqlUrl, '{ viewer { id } }', {}, own.headers);
    const { id: listenerId } = (data as { viewer: { id: string } }).viewer;
    await mutate(ann, SET, { input: { documentId, listenerId, role } });
    return own;
  };
  const [bob, eve] = [await share('bob', 'SUGGESTER'), await share('eve', 'READER')];
  /** Asks for a passage to be written anew. */
  const rewritten = async (by: Place, part: string, more = {}) => {
    const range = rangeOf(await stateOf(by, documentId), part);
    const { assist: begun, __typename } = await assist(by, { documentId, task: 'REWRITE', range, ...three, ...more });
    return { __typename, id: begun?.id ?? '' };
  };
  const type = async (change: (text: Y.Text) => void) => {
    const doc = await stateOf(ann, documentId);
    doc.clientID = 9;
    await push(ann, documentId, [updateBy(doc, change)]);
  };
  const open = (name: string) => openAs(server.wsUrl, documentId, name);
  const accept = (by: Place, suggestionId: string, choice: number) =>
    mutate(by, ACCEPT, { input: { documentId, suggestionId, choice } });
  return { server, engine, ann, bob, eve, documentId, share, rewritten, type, open, accept };
}

async function openAs(url: string, documentId: string, sub: string) {
  const doc = new Y.Doc();
  const token = () => tokenOf({ sub, roles: ['LISTENER'] });
  const provider = new CadenzaProvider({ url, documentId, doc, webSocketImpl: WebSocket, collectMs: 1, token });
  onTestFinished(() => provider.destroy());
  await expect.poll(() => provider.status).toBe('connected');
  return { provider, suggestions: provider.suggestions, text: doc.getText('text') };
}

describe('a model that suggests', () => {
  it('[ASSIST7] suggests alternatives with probabilities and seeds, changes no text, and two clients see and decide it', async () => {
    const { engine, ann, bob, eve, documentId, rewritten, open } = await room('One. Two three four. Five.');
    const [first, second] = [await open('ann'), await open('bob')];
    const { id } = await rewritten(bob, 'Two three four.');
    engine.grant(10);
    await expect.poll(async () => (await seeAssist(bob, id))!.drafts.some(({ text }) => text !== '')).toBe(true);
    expect([await textOf(eve, documentId), await pendingIn(eve, documentId)]).toEqual([
      'One. Two three four. Five.',
      [],
    ]);
    engine.grant(100);
    await expect.poll(() => statusOf(eve, id)).toBe('WRITTEN');

    const texts = engine.requests.map((request) => scriptedText(request).trim()).sort();
    const [seen] = await pendingIn(eve, documentId);
    expect(seen).toMatchObject({ passage: 'Two three four.', assist: { id, mode: 'SUGGEST', task: 'REWRITE' } });
    expect(seen!.alternatives.toSorted()).toEqual(texts);
    expect(seen!.modelTexts.map(({ text, seed }) => [text, seed])).toEqual(
      seen!.alternatives.map((text, i) => [text, 5 + i]),
    );
    for (const { text, parts } of seen!.modelTexts) {
      expect(parts.map((part) => part.text).join('')).toBe(text);
      for (const { start, end, probability, text: part } of parts)
        expect([text.slice(start, end), probability]).toEqual([part, 0.6065]);
    }
    for (const { suggestions } of [first, second])
      await expect.poll(() => suggestions.list().map(({ alternatives }) => alternatives)).toEqual([seen!.alternatives]);
    const [listed] = second.suggestions.list();
    expect(listed!.odds!.map((odds) => odds.length)).toEqual(seen!.modelTexts.map(({ parts }) => parts.length));
    expect(await textOf(ann, documentId)).toBe('One. Two three four. Five.');

    await first.suggestions.accept(seen!.id, 1);
    await expect.poll(() => second.text.toJSON()).toBe(`One. ${seen!.alternatives[1]} Five.`);
    await expect.poll(() => second.suggestions.list()).toEqual([]);
  });

  it('[ASSIST7] suggests a continuation for its place, and what was typed meanwhile stays where it is', async () => {
    const { engine, ann, bob, documentId, type, accept } = await room('The snow. The end.');
    const range = rangeOf(await stateOf(bob, documentId), 'The snow.');
    const { id } = (await assist(bob, { documentId, task: 'CONTINUE', range, ...three, alternatives: null })).assist!;
    await type((text) => text.insert(0, 'First: '));
    engine.grant(100);
    await expect.poll(() => statusOf(bob, id)).toBe('WRITTEN');
    const [{ id: suggestionId, passage, alternatives }] = (await pendingIn(ann, documentId)) as [Pending];
    expect([passage, alternatives.length]).toEqual(['', 1]);
    expect((await accept(ann, suggestionId, 0)).__typename).toBe('AcceptSuggestionSuccess');
    expect(await textOf(ann, documentId)).toBe(`First: The snow.${alternatives[0]} The end.`);
  });

  it('[ASSIST7] who may only read asks for nothing, who suggests writes nothing, and wrong numbers are named', async () => {
    const { engine, bob, eve, documentId, rewritten } = await room('One. Two.');
    expect((await rewritten(eve, 'Two.')).__typename).toBe('ForbiddenError');
    expect((await rewritten(bob, 'Two.', { mode: 'WRITE', alternatives: null })).__typename).toBe('ForbiddenError');
    const range = rangeOf(await stateOf(bob, documentId), 'Two.');
    for (const wrong of [{ alternatives: 0 }, { alternatives: 6 }, { mode: null }])
      expect(await assist(bob, { documentId, task: 'REWRITE', range, ...three, ...wrong })).toMatchObject({
        ...{ __typename: 'InvalidInputError', field: 'input.alternatives' },
      });
    expect(engine.requests).toEqual([]);
  });

  it('[ASSIST4] [ASSIST7] suggests nothing when its passage is deleted, it is cancelled, or who asked may suggest no more', async () => {
    const { engine, bob, ann, documentId, rewritten, type, share } = await room('One. Two. Three. Four.');
    const gone = await rewritten(bob, 'Two.');
    await type((text) => text.delete(5, 4));
    await expect.poll(() => statusOf(ann, gone.id)).toBe('RANGE_DELETED');
    const cancelled = await rewritten(bob, 'Three.');
    expect(await cancelAssist(bob, cancelled.id)).toMatchObject({ __typename: 'CancelAssistSuccess' });
    await expect.poll(() => statusOf(ann, cancelled.id)).toBe('CANCELLED');
    const refused = await rewritten(bob, 'Four.');
    await share('bob', 'READER');
    engine.grant(100);
    await expect.poll(() => statusOf(ann, refused.id)).toBe('FORBIDDEN');
    expect([await pendingIn(ann, documentId), await textOf(ann, documentId)]).toEqual([[], 'One.  Three. Four.']);
  });

  it('[ASSIST5] [ASSIST7] what a model suggests is withdrawn, or taken back after it was accepted, and nothing else', async () => {
    const { engine, ann, bob, documentId, rewritten, type, accept } = await room('One. Two. Three.');
    engine.grant(1_000);
    const pending = await rewritten(ann, 'Two.');
    await expect.poll(() => statusOf(ann, pending.id)).toBe('WRITTEN');
    expect(await undoAssist(bob, pending.id)).toMatchObject({ __typename: 'ForbiddenError' });
    expect((await undoAssist(ann, pending.id)).assist!.undoneAt).not.toBeNull();
    expect(await pendingIn(ann, documentId)).toEqual([]);
    expect(await undoAssist(ann, pending.id)).toMatchObject({ __typename: 'ConflictError' });

    const { id } = await rewritten(ann, 'Two.');
    await expect.poll(() => statusOf(ann, id)).toBe('WRITTEN');
    const [suggestion] = await pendingIn(ann, documentId);
    await accept(ann, suggestion!.id, 2);
    expect(await textOf(ann, documentId)).toBe(`One. ${suggestion!.alternatives[2]} Three.`);
    await type((text) => text.insert(7, 'MINE'));
    expect(await undoAssist(ann, id)).toMatchObject({ __typename: 'UndoAssistSuccess' });
    expect((await textOf(ann, documentId))!.replace('MINE', '')).toBe('One. Two. Three.');
    expect(await textOf(ann, documentId)).toContain('MINE');

    // One that was rejected has written nothing, and so there is nothing to put back.
    const { id: rejected } = await rewritten(ann, 'Three.');
    await expect.poll(() => statusOf(ann, rejected)).toBe('WRITTEN');
    const [last] = await pendingIn(ann, documentId);
    const reject = 'mutation ($input: RejectSuggestionInput!) { rejectSuggestion(input: $input) { __typename } }';
    await mutate(ann, reject, { input: { documentId, suggestionId: last!.id } });
    const before = await textOf(ann, documentId);
    expect(await undoAssist(ann, rejected)).toMatchObject({ __typename: 'UndoAssistSuccess' });
    expect(await textOf(ann, documentId)).toBe(before);
  });

  it('[ASSIST2] [ASSIST7] processes that carry out one assist together suggest once', async () => {
    const { server, engine, ann, documentId, rewritten } = await room('One. Two. Three.');
    const { id } = await rewritten(ann, 'Two.');
    const { services, database, wakeups } = server;
    const others = [1, 2].map(() =>
      createAssists({ ...services, database, wakeups, clock: systemClock, log: silentLogger }),
    );
    for (const each of others) {
      await database.sql`update document_assists set held_until = null`;
      each.recover();
      const held = () => database.sql`select from document_assists where held_until > now()`;
      await expect.poll(async () => (await held()).length).toBe(1);
    }
    engine.grant(100);
    await expect.poll(() => statusOf(ann, id)).toBe('WRITTEN');
    for (const each of others) await each[Symbol.asyncDispose]();
    expect(await pendingIn(ann, documentId)).toHaveLength(1);
  });
});

it('[ASSIST2] [ASSIST7] the server is killed while its model writes: the next one suggests what would have been suggested', async () => {
  const env = await tinyModel();
  const first = await startServer(env);
  await writerReady(first);
  const place = { graphqlUrl: `${first.url}/graphql` };
  const documentId = await createDocument(place, 'One. Two. Three.');
  const range = rangeOf(await stateOf(place, documentId), 'Two.');
  const asked = { documentId, task: 'REWRITE', range, mode: 'SUGGEST', alternatives: 2 };
  const begin = async () => (await assist(place, { ...asked, sampling: { seed: 3, maxTokens: 300 } })).assist!.id;
  const undisturbed = await begin();
  await expect.poll(() => statusOf(place, undisturbed)).toBe('WRITTEN');
  const [expected] = await pendingIn(place, documentId);

  const id = await begin();
  await expect.poll(async () => (await seeAssist(place, id))!.drafts.every(({ text }) => text !== '')).toBe(true);
  await first.kill();
  const next = await startServer(env);
  const there = { graphqlUrl: `${next.url}/graphql` };
  await expect.poll(() => statusOf(there, id)).toBe('WRITTEN');
  const pending = await pendingIn(there, documentId);
  expect(pending).toHaveLength(2);
  expect(pending[1]!.modelTexts).toEqual(expected!.modelTexts);
  expect(await textOf(there, documentId)).toBe('One. Two. Three.');
});
