import { expect, it, onTestFinished } from 'vitest';
import WebSocket from 'ws';
import * as Y from 'yjs';
import { CadenzaProvider } from '../../packages/client/src/index.ts';
import { randomStream } from '../../src/lib/random.ts';
import { createDocument, textOf } from '../support/documents/documents.ts';
import { testDatabase } from '../support/postgres/database.ts';
import { startServer, type TestServer } from '../support/server.ts';

/** More by `STEPS=30000 npx vitest run test/documents/convergence.test.ts`. */
const STEPS = Number(process.env.STEPS ?? 400);
const USERS = 5;

/** Somebody who types at random places, on one of the nodes. */
class User {
  readonly doc = new Y.Doc();
  readonly #random: () => number;
  #provider: CadenzaProvider | null = null;

  constructor(seed: number) {
    this.#random = randomStream(seed);
  }

  join({ wsUrl }: TestServer, documentId: string): void {
    const options = { url: wsUrl, documentId, doc: this.doc, webSocketImpl: WebSocket, collectMs: 5 };
    this.#provider = new CadenzaProvider(options);
  }

  /** Leaves with what was not sent; the next node gets it. */
  async leave(): Promise<void> {
    await this.#provider?.destroy();
  }

  cut(): void {
    this.#provider?.disconnect();
  }

  get isSaved(): boolean {
    return this.#provider?.isSaved === true && this.#provider.status === 'connected';
  }

  /** @returns the word that was written, if it was one */
  type(word: string): void {
    const text = this.doc.getText('text');
    const at = Math.floor(this.#random() * (text.length + 1));
    if (this.#random() < 0.75 || text.length < 10) text.insert(at, word);
    else text.delete(Math.min(at, text.length - 3), 3);
  }

  get state(): string {
    return this.doc.getText('text').toJSON();
  }
}

it('[DOCUMENT2] [DOCUMENT4] users on two nodes, with cuts, late joiners and a killed node, end with the same text', async () => {
  const database = await testDatabase();
  const env = { DATABASE_URL: database.url };
  const [first, second] = await Promise.all([startServer(env), startServer(env)]);
  const place = { graphqlUrl: `${first.url}/graphql` };
  const id = await createDocument(place, 'in the beginning ');
  const users = Array.from({ length: USERS }, (_, i) => new User(i + 1));
  onTestFinished(async () => {
    await Promise.all(users.map((user) => user.leave()));
  });
  users.slice(0, 3).forEach((user, i) => user.join(i === 0 ? second : first, id));

  const random = randomStream(99);
  const typists = [...users.slice(0, 3)];
  for (let step = 0; step < STEPS; step++) {
    const user = typists[Math.floor(random() * typists.length)]!;
    user.type(`${step.toString(36)} `);
    if (random() < 0.03) user.cut();
    if (step === Math.floor(STEPS / 4) || step === Math.floor(STEPS / 3)) {
      const late = users[typists.length]!;
      late.join(typists.length % 2 === 0 ? second : first, id);
      typists.push(late);
    }
    if (step === Math.floor(STEPS / 2)) {
      await first.kill();
      for (const other of typists.slice(1)) {
        await other.leave();
        other.join(second, id);
      }
    }
    // Lets sockets work between the steps.
    if (step % 5 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  // One who typed all the while must be heard by all, whatever was cut.
  for (const user of typists) user.doc.getText('text').insert(0, 'last words ');

  await expect.poll(() => users.every((user) => user.isSaved)).toBe(true);
  const after = { graphqlUrl: `${second.url}/graphql` };
  await expect
    .poll(async () => {
      const server = await textOf(after, id);
      return users.map((user) => user.state === server);
    })
    .toEqual(users.map(() => true));
  const late = new User(77);
  users.push(late);
  late.join(second, id);
  await expect.poll(() => late.state).toBe(users[0]!.state);
  expect(late.state.match(/last words/g)!.length).toBe(USERS);
  const [row] = await database.sql<{ pending: number }[]>`
    select count(*)::int as pending from document_updates u join documents d on d.id = u.document_id where u.sequence > d.sequence`;
  expect(row!.pending).toBe(0);
});
