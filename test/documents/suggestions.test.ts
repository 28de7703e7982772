import { describe, expect, it } from 'vitest';
import * as Y from 'yjs';
import type { Database } from '../../src/db/client.ts';
import { isAnyLeft } from '../../src/documents/yjs/peer-changes.ts';
import { withAuth } from '../support/access/auth.ts';
import { tokenOf } from '../support/access/tokens.ts';
import { rangeOf, stateOf } from '../support/documents/assists.ts';
import { createDocument, docOf, mutate, type Place, push, textOf, updateBy } from '../support/documents/documents.ts';
import { ask, startListening } from '../support/listening.ts';

const SET = 'mutation ($input: SetDocumentMemberInput!) { setDocumentMember(input: $input) { __typename } }';
const ERRORS = '... on Error { message } ... on InvalidInputError { field }';
const SUGGEST = `mutation ($input: SuggestInput!) { suggest(input: $input) { __typename ${ERRORS}
  ... on SuggestSuccess { suggestion { id passage alternatives author { id } } } } }`;
const ACCEPT = `mutation ($input: AcceptSuggestionInput!) { acceptSuggestion(input: $input) { __typename ${ERRORS} } }`;
const REJECT = `mutation ($input: RejectSuggestionInput!) { rejectSuggestion(input: $input) { __typename ${ERRORS} } }`;

/** Ann's document, and people with roles in it. */
async function room(text: string) {
  const server = await startListening({ config: withAuth });
  const place = async (name: string): Promise<Place> => ({
    ...server,
    headers: { authorization: `Bearer ${await tokenOf({ sub: name, roles: ['LISTENER'] })}` },
  });
  const ann = await place('ann');
  const documentId = await createDocument(ann, text);
  const share = async (name: string, role: string): Promise<Place> => {
    const own = await place(name);
    const { data } = await ask(server.graphqlUrl, '{ viewer { id } }', {}, own.headers);
    const { id: listenerId } = (data as { viewer: { id: string } }).viewer;
    await mutate(ann, SET, { input: { documentId, listenerId, role } });
    return own;
  };
  const suggested = async (by: Place, part: string, alternatives: string[]) => {
    const range = rangeOf(await stateOf(by, documentId), part);
    return mutate(by, SUGGEST, { input: { documentId, range, alternatives } }) as Promise<
      Awaited<ReturnType<typeof mutate>> & { suggestion?: { id: string } }
    >;
  };
  const pending = async (by: Place) => {
    const query = 'query ($id: ID!) { document(id: $id) { suggestions { id passage alternatives author { id } } } }';
    const { data } = await ask(server.graphqlUrl, query, { id: documentId }, by.headers);
    return (data as { document: { suggestions: object[] } }).document.suggestions;
  };
  const accept = (by: Place, suggestionId: string, choice?: number) =>
    mutate(by, ACCEPT, { input: { documentId, suggestionId, choice } });
  const reject = (by: Place, suggestionId: string) => mutate(by, REJECT, { input: { documentId, suggestionId } });
  return { ann, documentId, share, suggested, pending, accept, reject, database: server.database };
}

const viewerOf = async ({ graphqlUrl, headers }: Place): Promise<object> => {
  const { data } = await ask(graphqlUrl, '{ viewer { id } }', {}, headers);
  return (data as { viewer: object }).viewer;
};

/** As lib0 encodes it: seven bits a byte, the lowest first. */
const asVarUint = (value: number): number[] =>
  value < 128 ? [value] : [128 + (value % 128), ...asVarUint(Math.floor(value / 128))];

const updatesIn = async ({ sql }: Database): Promise<number> => (await sql`select from document_updates`).length;

describe('suggestions', () => {
  it('[SUGGEST1] what is left of a passage is seen in bounded steps, however often an update names it', () => {
    const doc = new Y.Doc({ gc: false });
    const [items, ranges] = [1_000, 20_000];
    for (let i = 0; i < items; i++) doc.getText('text').insert(0, 'a');
    doc.getText('text').delete(0, items);
    // The update has no content, and deletes all of the client again and again.
    const named = Array.from({ length: ranges }, () => [0, items]).flat();
    const removal = new Uint8Array([0, 1, doc.clientID, ranges, ...named].flatMap(asVarUint));
    expect(isAnyLeft(doc, removal, { steps: items + ranges })).toBe(false);
    expect(() => isAnyLeft(doc, removal, { steps: items })).toThrow(RangeError);
    doc.getText('text').insert(0, 'b');
    expect(isAnyLeft(doc, new Uint8Array([0, 1, doc.clientID, 1, 0, items + 1].flatMap(asVarUint)))).toBe(true);
  });

  it('[SUGGEST1] a suggester proposes and changes no text, and all readers see it pending', async () => {
    const { ann, documentId, share, suggested, pending, accept } = await room('The snow falls.');
    const [bob, eve] = [await share('bob', 'SUGGESTER'), await share('eve', 'READER')];
    const { suggestion, __typename } = await suggested(bob, 'falls', ['drifts', 'lies']);
    expect(__typename).toBe('SuggestSuccess');
    const seen = {
      id: suggestion!.id,
      passage: 'falls',
      alternatives: ['drifts', 'lies'],
      author: await viewerOf(bob),
    };
    for (const reader of [ann, bob, eve]) expect(await pending(reader)).toEqual([seen]);
    expect(await textOf(eve, documentId)).toBe('The snow falls.');
    const edit = updateBy(docOf(5), (text) => text.insert(0, 'x'));
    expect((await push(bob, documentId, [edit])).__typename).toBe('ForbiddenError');
    expect((await accept(bob, suggestion!.id)).__typename).toBe('ForbiddenError');
    expect((await suggested(eve, 'snow', ['rain'])).__typename).toBe('ForbiddenError');
    for (const alternatives of [[], Array<string>(6).fill('x'), ['x'.repeat(4_001)]])
      expect((await suggested(bob, 'snow', alternatives)).__typename).toBe('InvalidInputError');
    expect(await textOf(eve, documentId)).toBe('The snow falls.');
  });

  it('[SUGGEST2] is accepted once, as one change, and leaves what others typed into its passage', async () => {
    const { ann, documentId, share, suggested, pending, accept, reject, database } = await room('The snow falls.');
    const bob = await share('bob', 'SUGGESTER');
    const { suggestion } = await suggested(bob, 'falls', ['drifts', 'lies']);
    const doc = await stateOf(ann, documentId);
    doc.clientID = 9;
    await push(ann, documentId, [updateBy(doc, (text) => text.insert(11, 'MINE'))]);
    const before = await updatesIn(database);
    expect(await accept(ann, suggestion!.id, 2)).toMatchObject({
      __typename: 'InvalidInputError',
      field: 'input.choice',
    });
    const decided = await Promise.all([
      ...[accept(ann, suggestion!.id, 1), accept(ann, suggestion!.id, 1), reject(ann, suggestion!.id)],
    ]);
    expect(decided.filter(({ __typename }) => __typename === 'NotFoundError')).toHaveLength(2);
    expect(await updatesIn(database)).toBe(before + 1);
    expect(await pending(bob)).toEqual([]);
    expect(['The snow MINElies.', 'The snow faMINElls.']).toContain(await textOf(ann, documentId));
    const other = await suggested(bob, 'snow', ['rain']);
    expect((await accept(ann, other.suggestion!.id)).__typename).toBe('AcceptSuggestionSuccess');
    expect(await textOf(ann, documentId)).toMatch(/^The rain /);
  });

  it('[SUGGEST2] is rejected, and the text stays', async () => {
    const { ann, documentId, suggested, pending, reject } = await room('The snow falls.');
    const { suggestion } = await suggested(ann, 'falls', ['']);
    expect((await reject(ann, suggestion!.id)).__typename).toBe('RejectSuggestionSuccess');
    expect([await pending(ann), await textOf(ann, documentId)]).toEqual([[], 'The snow falls.']);
  });

  it('[SUGGEST1] is withdrawn when its passage is deleted, and nothing that is put into the map breaks the others', async () => {
    const { ann, documentId, suggested, pending, accept } = await room('The snow falls.');
    const gone = await suggested(ann, 'snow', ['rain']);
    const { suggestion } = await suggested(ann, 'falls', ['drifts']);
    const doc = await stateOf(ann, documentId);
    doc.clientID = 9;
    await push(ann, documentId, [
      updateBy(doc, (text) => text.delete(4, 5)),
      updateBy(doc, () => {
        const map = doc.getMap('suggestions');
        const { removal: _, ...most } = map.get(suggestion!.id) as { removal: string };
        map.set('bad', 5);
        map.set('worse', { ...most, removal: '/w==' });
      }),
    ]);
    expect(await pending(ann)).toMatchObject([{ id: suggestion!.id }]);
    for (const id of [gone.suggestion!.id, 'bad', 'worse', 'none'])
      expect((await accept(ann, id)).__typename).toBe('NotFoundError');
    expect((await accept(ann, suggestion!.id)).__typename).toBe('AcceptSuggestionSuccess');
    expect(await textOf(ann, documentId)).toBe('The drifts.');
  });
});
