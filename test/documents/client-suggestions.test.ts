import { gzipSync } from 'node:zlib';
import { build } from 'vite';
import { describe, expect, it, onTestFinished } from 'vitest';
import WebSocket from 'ws';
import * as Y from 'yjs';
import { CadenzaProvider, RequestError } from '../../packages/client/src/index.ts';
import { withAuth } from '../support/access/auth.ts';
import { bearer, tokenOf } from '../support/access/tokens.ts';
import { createDocument, mutate, textOf } from '../support/documents/documents.ts';
import { ask, startListening, type TestListening } from '../support/listening.ts';

const SET = 'mutation ($input: SetDocumentMemberInput!) { setDocumentMember(input: $input) { __typename } }';
const PENDING = 'query ($id: ID!) { document(id: $id) { suggestions { id passage alternatives } } }';

/** A document of Ann's, in which Bob may suggest, and a client for whoever asks. */
async function room(text: string) {
  const server = await startListening({ config: withAuth });
  const headers = await bearer('ann');
  const id = await createDocument({ ...server, headers }, text);
  const { data } = await ask(server.graphqlUrl, '{ viewer { id } }', {}, await bearer('bob'));
  const { id: listenerId } = (data as { viewer: { id: string } }).viewer;
  await mutate({ ...server, headers }, SET, { input: { documentId: id, listenerId, role: 'SUGGESTER' } });
  const pending = async () => {
    const answer = await ask(server.graphqlUrl, PENDING, { id }, headers);
    return (answer.data as { document: { suggestions: { id: string }[] } }).document.suggestions;
  };
  const stored = () => textOf({ ...server, headers }, id);
  return { pending, stored, open: (sub: string) => open(server, id, sub) };
}

async function open({ wsUrl }: TestListening, documentId: string, sub: string) {
  const doc = new Y.Doc();
  const options = {
    url: wsUrl,
    documentId,
    doc,
    webSocketImpl: WebSocket,
    collectMs: 1,
    token: () => tokenOf({ sub }),
  };
  const provider = new CadenzaProvider(options);
  onTestFinished(() => provider.destroy());
  await expect.poll(() => provider.status).toBe('connected');
  return { provider, doc, text: doc.getText('text'), suggestions: provider.suggestions };
}

const codeOf = (attempt: Promise<unknown>): Promise<unknown> =>
  attempt.then(
    () => null,
    (error: unknown) => (error instanceof RequestError ? error.code : error),
  );

describe('suggestions in a client', () => {
  it('[SUGGEST3] lists what the server lists, where it is now, and decides it once', async () => {
    const { pending, stored, open } = await room('The snow falls on the quay.');
    const [ann, bob] = [await open('ann'), await open('bob')];
    let told = 0;
    const stop = ann.suggestions.onChange(() => told++);
    const first = await bob.suggestions.suggest(9, 14, ['drifts', 'lies']);
    const second = await bob.suggestions.suggest(0, 0, ['Softly. ']);
    await expect.poll(() => ann.suggestions.list().map(({ id }) => id)).toEqual([first, second]);
    expect(told).toBeGreaterThan(0);

    // What is typed before it moves it; at its ends it is outside.
    ann.text.insert(14, '!');
    ann.text.insert(9, '“');
    ann.text.insert(0, 'Look: ');
    const [listed, place] = ann.suggestions.list();
    expect(listed).toMatchObject({ from: 16, to: 21, passage: 'falls', alternatives: ['drifts', 'lies'] });
    expect(place).toMatchObject({ passage: '', alternatives: ['Softly. '] });
    expect(place?.from).toBe(place?.to);
    expect((await pending()).map(({ id }) => id)).toEqual([first, second]);

    // What was typed here is sent first, so that nobody decides about an older text.
    await ann.suggestions.accept(first, 1);
    await expect.poll(() => bob.text.toJSON()).toBe('Look: The snow “lies! on the quay.');
    expect(await codeOf(ann.suggestions.reject(first))).toBe('NotFoundError');
    await ann.suggestions.reject(second);
    await expect.poll(() => bob.suggestions.list()).toEqual([]);
    expect([await stored(), await pending()]).toEqual(['Look: The snow “lies! on the quay.', []]);
    stop();
    const before = told;
    ann.text.insert(0, 'x');
    expect(told).toBe(before);
  });

  it('[SUGGEST3] shows none that is withdrawn or is no suggestion, and says why one is refused', async () => {
    const { pending, open } = await room('The snow falls.');
    const [ann, bob] = [await open('ann'), await open('bob')];
    await bob.suggestions.suggest(4, 8, ['rain']);
    const kept = await bob.suggestions.suggest(9, 14, ['lies']);
    await expect.poll(() => ann.suggestions.list()).toHaveLength(2);
    ann.text.delete(4, 4);
    const map = ann.doc.getMap('suggestions');
    const { removal: _, ...most } = map.get(kept) as Record<string, unknown>;
    for (const bad of [
      5,
      null,
      {},
      { ...most, removal: '/w==' },
      { ...most, removal: '!' },
      { ...most, start: 'AAAA' },
    ])
      map.set(`bad ${map.size}`, bad);
    map.set('no texts', { ...most, alternatives: [1], removal: null });
    await ann.provider.whenSaved();
    for (const { suggestions } of [ann, bob])
      await expect.poll(() => suggestions.list().map(({ id }) => id)).toEqual([kept]);
    expect((await pending()).map(({ id }) => id)).toEqual([kept]);

    expect(await codeOf(bob.suggestions.accept(kept))).toBe('ForbiddenError');
    expect(await codeOf(ann.suggestions.accept(kept, 1))).toBe('InvalidInputError');
    expect(await codeOf(ann.suggestions.suggest(0, 3, []))).toBe('InvalidInputError');
    expect((await pending()).map(({ id }) => id)).toEqual([kept]);
  });

  it('[SUGGEST3] whenSaved settles when the server has everything, and fails when it takes nothing more', async () => {
    const { stored, open } = await room('Snow');
    const [ann, bob] = [await open('ann'), await open('bob')];
    const seen: boolean[] = [];
    ann.provider.onSaved((isSaved) => seen.push(isSaved));
    ann.text.insert(4, ' falls');
    await ann.provider.whenSaved();
    expect([seen, await stored()]).toEqual([[false, true], 'Snow falls']);
    bob.text.insert(0, 'x');
    await expect(bob.provider.whenSaved()).rejects.toThrow();
    await expect(bob.provider.whenSaved()).rejects.toThrow();
    await ann.provider.destroy();
    await expect(ann.suggestions.suggest(0, 4, ['Rain'])).rejects.toThrow('no connection');
  });
});

it('[SUGGEST3] all of the client has less than 12 kB, compressed, without yjs', async () => {
  const lib = { entry: 'packages/client/src/index.ts', formats: ['es' as const], fileName: 'client' };
  const built = await build({
    configFile: false,
    logLevel: 'error',
    build: { write: false, minify: true, lib, rolldownOptions: { external: ['yjs'] } },
  });
  const [output] = Array.isArray(built) ? built : [];
  const code = output?.output[0].code ?? '';
  expect(code).toContain('acceptSuggestion');
  expect(gzipSync(code).length).toBeLessThan(12_000);
});
