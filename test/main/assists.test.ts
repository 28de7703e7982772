import { expect, it } from 'vitest';
import { randomStream } from '../../src/lib/random.ts';
import { assist, seeAssist, statusOf } from '../support/documents/assists.ts';
import { createDocument, textOf } from '../support/documents/documents.ts';
import { tinyModel } from '../support/drafts/writers.ts';
import { writerReady } from '../support/network/wire.ts';
import { testDatabase } from '../support/postgres/database.ts';
import { startServer, type TestServer } from '../support/server.ts';

/** More by `KILLS=20 npx vitest run test/main/assists.test.ts`. */
const kills = Number(process.env.KILLS ?? 1);
const TOKENS = Math.min(2_000, 300 + 100 * kills);

const placeOf = ({ url }: TestServer) => ({ graphqlUrl: `${url}/graphql` });

it(
  '[ASSIST2] a killed node’s assist is taken over by another, and loses and repeats no word',
  async () => {
    const random = randomStream(7);
    const database = await testDatabase();
    const env = { ...(await tinyModel()), DATABASE_URL: database.url };
    const nodes = await Promise.all([startServer(env), startServer(env)]);
    await Promise.all(nodes.map(writerReady));
    const asked = { task: 'CONTINUE', sampling: { seed: 3, maxTokens: TOKENS } };
    const begin = async (place: ReturnType<typeof placeOf>) => {
      const documentId = await createDocument(place, 'The snow');
      return { documentId, id: (await assist(place, { ...asked, documentId })).assist!.id };
    };
    const undisturbed = await begin(placeOf(nodes[0]));
    await expect.poll(() => statusOf(placeOf(nodes[0]), undisturbed.id)).toBe('WRITTEN');
    const whole = (await textOf(placeOf(nodes[0]), undisturbed.documentId))!;

    const { documentId, id } = await begin(placeOf(nodes[0]));
    for (let left = kills; left > 0; left--) {
      const until = Math.floor((random() * whole.length) / left);
      const length = async () => (await textOf(placeOf(nodes[1]), documentId))!.length;
      await expect.poll(length).toBeGreaterThanOrEqual(Math.min(until, whole.length));
      await nodes.shift()!.kill();
      if (left > 1) nodes.push(await startServer(env));
    }
    const last = placeOf(nodes.at(-1)!);
    await expect.poll(() => statusOf(last, id)).toBe('WRITTEN');
    expect(await textOf(last, documentId)).toBe(whole);
    expect((await seeAssist(last, id))!.drafts[0]!.text.trimEnd()).toBe(whole.slice('The snow'.length));
  },
  60_000 + 20_000 * kills,
);
