import { describe, expect, it, onTestFinished } from 'vitest';
import * as Y from 'yjs';
import type { DocumentEvent } from '../../src/documents/documents.ts';
import type { Viewer } from '../../src/listeners/listeners.ts';
import { idOf } from '../../src/resolvers/global-id.ts';
import { base64, createDocument, docOf, push, updateBy } from '../support/documents/documents.ts';
import { startListening, type TestListening } from '../support/listening.ts';

async function viewerOf({ services }: TestListening, externalId: string): Promise<Viewer> {
  return { listener: await services.listeners.ensure(externalId), roles: new Set(['LISTENER']) };
}

const as = (listener: string) => ({ 'x-listener-id': listener });

/** A reader that applies what it gets, and counts it. */
function follow(server: TestListening, viewer: Viewer, id: string, after: string | null = null) {
  const events = server.services.documents.follow(viewer, idOf('Document', id, 'id'), { after });
  onTestFinished(() => void events.return?.());
  const doc = new Y.Doc();
  const seen: DocumentEvent[] = [];
  const updates: string[] = [];
  const ended = (async () => {
    for await (const event of events) {
      seen.push(event);
      for (const update of event.type === 'state' ? [event.update] : event.updates) {
        if (event.type === 'updates') updates.push(base64(update));
        Y.applyUpdate(doc, new Uint8Array(update));
      }
    }
  })();
  ended.catch(() => undefined);
  return {
    doc,
    seen,
    updates,
    ended,
    text: () => doc.getText('text').toJSON(),
    leave: () => Promise.resolve(events.return?.()),
  };
}

describe('following a document', () => {
  it('[DOCUMENT4] early, late and returning readers get each update once and in order', async () => {
    const server = await startListening();
    const place = { ...server, headers: as('ann') };
    const ann = await viewerOf(server, 'ann');
    const id = await createDocument(place, 'begin ');
    const doc = docOf(1);
    const early = follow(server, ann, id);
    await expect.poll(() => early.seen.length).toBe(1);
    Y.applyUpdate(doc, (early.seen[0] as Extract<DocumentEvent, { type: 'state' }>).update);
    const sent: string[] = [];
    const type = async (count: number): Promise<void> => {
      for (let i = 0; i < count; i++) {
        const update = updateBy(doc, (text) => text.insert(text.length, `${sent.length} `));
        sent.push(base64(update));
        await push(place, id, [update]);
      }
    };
    await type(10);
    await expect.poll(() => early.updates).toEqual(sent);
    const cursor = early.seen.at(-1)!.cursor;
    await early.leave();
    await type(10);
    const late = follow(server, ann, id);
    const back = follow(server, ann, id, cursor);
    await type(10);
    await expect.poll(() => back.updates).toEqual(sent.slice(10));
    await expect.poll(() => late.text()).toBe(doc.getText('text').toJSON());
    expect(late.seen[0]).toMatchObject({ type: 'state', reason: 'START' });
  });

  it('[DOCUMENT4] two readers at one position get the same object', async () => {
    const server = await startListening();
    const place = { ...server, headers: as('ann') };
    const ann = await viewerOf(server, 'ann');
    const id = await createDocument(place);
    const [one, two] = [follow(server, ann, id), follow(server, ann, id)];
    await expect.poll(() => [one.seen.length, two.seen.length]).toEqual([1, 1]);
    await push(place, id, [updateBy(docOf(1), (text) => text.insert(0, 'shared'))]);
    await expect.poll(() => [one.text(), two.text()]).toEqual(['shared', 'shared']);
    expect(two.seen.at(-1)).toBe(one.seen.at(-1));
  });

  it('[DOCUMENT4] a reader with a state vector is sent what it lacks', async () => {
    const server = await startListening();
    const place = { ...server, headers: as('ann') };
    const ann = await viewerOf(server, 'ann');
    const id = await createDocument(place, 'x'.repeat(1_000));
    const whole = await server.services.documents.state(
      (await server.services.documents.byIds(ann, [idOf('Document', id, 'id')])).get(idOf('Document', id, 'id'))!,
      null,
    );
    const from = { stateVector: whole.stateVector };
    const events = server.services.documents.follow(ann, idOf('Document', id, 'id'), from);
    const { value } = (await events.next()) as { value: Extract<DocumentEvent, { type: 'state' }> };
    expect(value.update.length).toBeLessThan(10);
    await events.return?.();
  });

  it('[DOCUMENT11] a reader that has nothing is sent the stored snapshot as it is, and what came since', async () => {
    const server = await startListening();
    const place = { ...server, headers: as('ann') };
    const ann = await viewerOf(server, 'ann');
    const id = await createDocument(place, 'begin ');
    const { sql } = server.database;
    const snapshot = async () =>
      (await sql<{ snapshot: Buffer; until: number }[]>`select snapshot, snapshot_until as until from documents`)[0]!;
    const key = idOf('Document', id, 'id');
    const doc = docOf(1);
    const type = async (count: number): Promise<void> => {
      const updates = Array.from({ length: count }, (_, i) => updateBy(doc, (text) => text.insert(0, `${i} `)));
      await push(place, id, updates);
    };
    for (let i = 0; i < 3; i++) await type(80);
    await expect.poll(async () => (await snapshot()).until).toBeGreaterThan(0);
    await type(70);
    const reader = follow(server, ann, id);
    await expect.poll(() => reader.text()).toBe(`${doc.getText('text').toJSON()}begin `);
    const { snapshot: stored, until } = await snapshot();
    const kept = await server.database.vault.open(stored.subarray(3), `documents ${key} snapshot`);
    expect(reader.seen[0]).toMatchObject({ type: 'state', reason: 'START', update: kept });
    expect(reader.updates).toHaveLength(310 - until);
  });

  it('[DOCUMENT5] [DOCUMENT7] a log that was compacted, or lost its end in a restore, is replaced by the state', async () => {
    const server = await startListening();
    const place = { ...server, headers: as('ann') };
    const ann = await viewerOf(server, 'ann');
    const id = await createDocument(place);
    const doc = docOf(1);
    const first = await push(place, id, [updateBy(doc, (text) => text.insert(0, 'a'))]);
    for (let i = 0; i < 8; i++) {
      const updates = Array.from({ length: 100 }, () => updateBy(doc, (text) => text.insert(text.length, 'b')));
      await push(place, id, updates);
    }
    await expect
      .poll(async () => (await server.database.sql`select from document_updates where sequence = 1`).length)
      .toBe(0);
    const behind = follow(server, ann, id, first.cursor);
    await expect.poll(() => behind.text().length).toBe(801);
    expect(behind.seen[0]).toMatchObject({ type: 'state', reason: 'COMPACTED' });

    const { cursor } = behind.seen.at(-1)!;
    await server.database
      .sql`update document_updates set mark = mark + 1 where sequence = (select max(sequence) from document_updates)`;
    await server.database.sql`update documents set mark = mark + 1`;
    const lost = follow(server, ann, id, cursor);
    await expect.poll(() => lost.seen.length).toBeGreaterThan(0);
    expect(lost.seen[0]).toMatchObject({ type: 'state', reason: 'DIVERGED' });
  });

  it('[DOCUMENT1] ends when the reader may read it no more, and for no others', async () => {
    const server = await startListening();
    const place = { ...server, headers: as('ann') };
    const [ann, bob] = [await viewerOf(server, 'ann'), await viewerOf(server, 'bob')];
    const id = await createDocument(place);
    const key = idOf('Document', id, 'id');
    const stranger = follow(server, bob, id);
    await expect(stranger.ended).rejects.toThrow('no such document');
    await server.services.documents.setMember(ann, key, bob.listener.id, 'READER');
    const [own, shared] = [follow(server, ann, id), follow(server, bob, id)];
    await expect.poll(() => [own.seen.length, shared.seen.length]).toEqual([1, 1]);
    const updates = [updateBy(docOf(2), (text) => text.insert(0, 'b'))];
    await expect(server.services.documents.push(bob, { documentId: key, updates })).rejects.toThrow('for reading');
    await server.services.documents.setMember(ann, key, bob.listener.id, null);
    await expect(shared.ended).rejects.toThrow('no such document');
    await push(place, id, [updateBy(docOf(1), (text) => text.insert(0, 'still here'))]);
    await expect.poll(() => own.text()).toBe('still here');
    expect(shared.text()).toBe('');
    await server.services.documents.delete(ann, key);
    await expect(own.ended).rejects.toThrow('no such document');
  });

  it('[DOCUMENT4] leaving ends an idle stream at once, and leaves nothing behind', async () => {
    const server = await startListening();
    const ann = await viewerOf(server, 'ann');
    const id = await createDocument({ ...server, headers: as('ann') });
    const before = server.wakeups.size;
    const readers = Array.from({ length: 20 }, () => follow(server, ann, id));
    await expect.poll(() => readers.every(({ seen }) => seen.length === 1)).toBe(true);
    await Promise.all(readers.map(({ leave }) => leave()));
    await Promise.all(readers.map(({ ended }) => ended));
    await expect.poll(() => server.wakeups.size).toBe(before);
  });
});
