import { describe, expect, it } from 'vitest';
import * as Y from 'yjs';
import { BadUpdateError, inspectUpdate } from '../../src/documents/yjs/inspect-update.ts';
import { createDocument, docOf, push, textOf, updateBy } from '../support/documents/documents.ts';
import { startListening } from '../support/listening.ts';

const varint = (value: number): number[] => {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  return [...bytes, rest];
};
const made = (...bytes: number[]): Uint8Array => new Uint8Array(bytes);
/** One insertion into the root `text`: client, clock, the content's kind and bytes. */
const inserted = (client: number, clock: number, kind: number, content: readonly number[]): Uint8Array =>
  new Uint8Array([[1, 1], varint(client), varint(clock), [kind, 1, 4, 0x74, 0x65, 0x78, 0x74], content, [0]].flat());
const [DELETED, STRING, BINARY, ANY, DOC] = [1, 4, 3, 8, 9];
const nested = (levels: number): number[] => [...Array.from({ length: levels }, () => [117, 1]).flat(), 126];

const good = updateBy(docOf(7), (text) => text.insert(0, 'hello'));
/** Clients 1 and 2, each of whose first change comes after the other's. */
const circle = made(2, 1, 1, 0, 0x84, 2, 0, 1, 0x61, 1, 2, 0, 0x84, 1, 0, 1, 0x62, 0);

const hostile: [what: string, update: Uint8Array][] = [
  ['nothing', made()],
  ['a text', new TextEncoder().encode('hello, this is not an update')],
  ['an update that ends early', good.slice(0, -3)],
  ['an update with something behind it', made(...good, 1)],
  ['more clients than bytes', made(...varint(2 ** 40), 1, 1)],
  ['more changes than bytes', made(1, ...varint(2 ** 40), 1, 0)],
  ['a client beyond 32 bits', inserted(2 ** 33, 0, STRING, [1, 0x61])],
  ['a clock beyond what anybody types', inserted(1, 2 ** 40, STRING, [1, 0x61])],
  ['a deletion that is longer than any text', inserted(1, 0, DELETED, varint(2 ** 45))],
  ['bytes that are not there', inserted(1, 0, BINARY, varint(8_000))],
  ['an unknown kind of content', inserted(1, 0, 12, [1])],
  ['a value of many levels', inserted(1, 0, ANY, [1, ...nested(40)])],
  ['a value of more levels than there is stack', inserted(1, 0, ANY, [1, ...nested(100_000)])],
  ['a document inside', inserted(1, 0, DOC, [1, 0x61, 118, 0])],
  ['a gap', made(1, 2, 1, 0, 4, 1, 4, 0x74, 0x65, 0x78, 0x74, 1, 0x61, 10, 5, 0)],
  ['changes that wait for each other', circle],
];

describe('[DOCUMENT3] what strangers send as an update', () => {
  it.each(hostile)('%s is refused by name', (_, update) => {
    expect(() => inspectUpdate(update)).toThrow(BadUpdateError);
  });

  it('tells what a good update has and needs', () => {
    expect(inspectUpdate(good)).toEqual({ ranges: [{ client: 7, from: 0, to: 5 }], needs: [], deletes: false });
    const doc = docOf(8);
    Y.applyUpdate(doc, good);
    const next = updateBy(doc, (text) => {
      text.insert(5, '!');
      text.delete(0, 2);
    });
    expect(inspectUpdate(next)).toEqual({
      ranges: [{ client: 8, from: 0, to: 1 }],
      needs: [[7, 5]],
      deletes: true,
    });
  });

  it('changes nothing in the document, and the answer names the update', async () => {
    const place = await startListening();
    const id = await createDocument(place);
    for (const [what, update] of hostile) {
      const { __typename, field } = await push(place, id, [good, update]);
      expect([what, __typename, field]).toEqual([what, 'InvalidInputError', 'input.updates.1']);
    }
    const large = await push(place, id, [new Uint8Array(256 * 1024 + 1)]);
    expect(large).toMatchObject({ __typename: 'InvalidInputError', field: 'input.updates.0' });
    const many = await push(place, id, Array<Uint8Array>(101).fill(good));
    expect(many).toMatchObject({ __typename: 'InvalidInputError', field: 'input.updates' });
    expect(await textOf(place, id)).toBe('');
    const [row] = await place.database.sql<{ count: number }[]>`select count(*)::int as count from document_updates`;
    expect(row!.count).toBe(0);
  });

  it('that builds on what the server does not have is a conflict, and is taken once it has it', async () => {
    const place = await startListening();
    const id = await createDocument(place);
    const doc = docOf(1);
    const [first, second] = ['one', 'two '].map((word) => updateBy(doc, (text) => text.insert(0, word)));
    expect((await push(place, id, [second!])).__typename).toBe('ConflictError');
    const deletion = updateBy(doc, (text) => text.delete(0, 4));
    expect((await push(place, id, [deletion])).__typename).toBe('ConflictError');
    expect((await push(place, id, [first!, second!])).__typename).toBe('PushUpdatesSuccess');
    expect(await textOf(place, id)).toBe('two one');
    expect((await push(place, id, [deletion])).__typename).toBe('PushUpdatesSuccess');
    expect(await textOf(place, id)).toBe('one');
  });

  it('[DOCUMENT2] that is sent again changes nothing', async () => {
    const place = await startListening();
    const id = await createDocument(place);
    const before = await push(place, id, [good]);
    const nothing = Y.encodeStateAsUpdate(new Y.Doc());
    const again = await push(place, id, [good, nothing, good]);
    expect(again).toEqual(before);
    expect(await textOf(place, id)).toBe('hello');
  });

  it('[DOCUMENT2] is answered with what the sender lacks', async () => {
    const place = await startListening();
    const id = await createDocument(place, 'the beginning');
    const doc = docOf(3);
    const mine = updateBy(doc, (text) => text.insert(0, 'mine'));
    const { missing, stateVector } = await push(place, id, [mine], Y.encodeStateVector(doc));
    Y.applyUpdate(doc, new Uint8Array(Buffer.from(missing!, 'base64')));
    expect(doc.getText('text').toJSON()).toContain('the beginning');
    expect(Y.encodeStateVector(doc)).toEqual(new Uint8Array(Buffer.from(stateVector!, 'base64')));
    const bad = await push(place, id, [], made(5));
    expect(bad).toMatchObject({ __typename: 'InvalidInputError', field: 'input.stateVector' });
  });
});
