import { once } from 'node:events';
import { chmod, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import WebSocket from 'ws';
import { followDraft } from '../../examples/client/follow-draft.ts';
import { addTracks, someTracks } from '../support/catalogue/catalogue.ts';
import { ask } from '../support/listening.ts';
import { collect, dataOf, followOverSocket, startDraft, textOf, writerReady } from '../support/network/wire.ts';
import { testDatabase } from '../support/postgres/database.ts';
import { canMount, smallDisk } from '../support/postgres/small-disk.ts';
import { dataFolder, spawnServer, startServer, type TestServer } from '../support/server.ts';
import { TINY, writeTirelessCatalogue } from '../support/tiny/tiny-engine.ts';

const embedded = async () => ({ DATABASE_URL: '', CADENZA_DATA_DIR: await dataFolder() });

async function writer(fetch: 'auto' | 'off' = 'auto') {
  const models = await writeTirelessCatalogue(await dataFolder());
  return { CADENZA_MODELS: models, CADENZA_FETCH_MODELS: fetch };
}

async function postmaster(dataDir: string): Promise<number> {
  return Number.parseInt(await readFile(join(dataDir, 'postgres', 'data', 'postmaster.pid'), 'utf8'), 10);
}

const story = { kind: 'STORY', prompt: 'A storm', sampling: { maxTokens: 2_000, seed: 3 } };

const modelOf = async (server: TestServer) => {
  type Models = { models: { id: string; status: string; failure: string | null }[] };
  const { models } = await dataOf<Models>(server, '{ models { id status failure } }');
  return models.find(({ id }) => Buffer.from(id, 'base64').toString() === `Model:${TINY}`);
};

/** What `startDraft` says when it does not start one. */
const refusalOf = (server: TestServer) =>
  startDraft(server, story).then(String, (error: unknown) => (error as Error).message);

describe('the start', () => {
  it('[START4] a port in use is named, and nothing is left running', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    onTestFinished(() => void other.close());
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const env = await embedded();
    const { code, output } = await spawnServer({ ...env, PORT: String(port) }).exited;
    expect(code).toBe(1);
    expect(output).toContain(`Port ${port} is in use by another program. End it, or choose another: PORT=${port + 1}`);
    expect(output).not.toMatch(/at file:|\.ts:/);
    await expect(postmaster(env.CADENZA_DATA_DIR)).rejects.toThrow('ENOENT');
  });

  it.runIf(canMount)('[DB4] [START4] a full disk is named', async () => {
    const { code, output } = await spawnServer({ DATABASE_URL: '', CADENZA_DATA_DIR: smallDisk(8 << 10) }).exited;
    expect(code).toBe(1);
    expect(output).toMatch(/No space left on device|disk is full/);
    expect(output).not.toMatch(/at file:|\.ts:/);
  });
});

describe('the database', () => {
  it('[DB6] [DB5] [LOG4] dies and is restarted: requests fail and work again, a draft and its reader continue', async () => {
    const env = { ...(await embedded()), ...(await writer()) };
    const server = await startServer(env);
    await writerReady(server);
    const { id, cursor } = await startDraft(server, story);
    const pid = await postmaster(env.CADENZA_DATA_DIR);
    const seen: string[] = [];
    const read = async () => {
      const options = { url: `${server.url}/graphql`, webSocket: WebSocket };
      for await (const event of followDraft(options, id, { after: cursor })) {
        if (event.__typename !== 'TokensAppended') continue;
        if (seen.length === 0) process.kill(pid, 'SIGKILL');
        seen.push(event.text);
      }
    };
    const reading = read();
    await server.said('The embedded PostgreSQL has stopped; restarting it');
    const database = { back: false };
    const returned = server.said('The embedded PostgreSQL runs again').then(() => (database.back = true));
    const codes = new Set<unknown>();
    while (!database.back) {
      const { errors } = await ask(`${server.url}/graphql`, '{ viewer { feedback { totalCount } } }');
      for (const { extensions } of errors ?? []) codes.add(extensions?.code);
    }
    await returned;
    expect([...codes]).toEqual(['SERVICE_UNAVAILABLE']);
    await reading;
    const whole = await collect(followOverSocket(server, { id }));
    expect(whole[0]?.draft?.status).toBe('COMPLETED');
    expect(seen.join('')).toBe(textOf(whole));
  });

  it('[DB3] [FB1] [LOG5] everything that was acknowledged survives kill -9 of server and database', async () => {
    const env = { ...(await embedded()), ...(await writer()), CADENZA_DEMO: 'auto' };
    const first = await startServer(env);
    await writerReady(first);
    type Tracks = { tracks: { nodes: { id: string }[] } };
    const { tracks } = await dataOf<Tracks>(first, '{ tracks(first: 100) { nodes { id } } }');
    const { id } = await startDraft(first, story);
    const acknowledged: string[] = [];
    const like = `mutation ($input: FeedbackInput!) { recordFeedback(input: $input) {
      ... on RecordFeedbackSuccess { feedback { id } } } }`;
    type Liked = { recordFeedback: { feedback: { id: string } } };
    await Promise.allSettled(
      tracks.nodes.map(async (track) => {
        const { recordFeedback } = await dataOf<Liked>(first, like, { input: { trackId: track.id, kind: 'LIKE' } });
        acknowledged.push(recordFeedback.feedback.id);
        if (acknowledged.length === 20) first.process.kill('SIGKILL');
      }),
    );
    await first.exited;
    process.kill(await postmaster(env.CADENZA_DATA_DIR), 'SIGKILL');

    const second = await startServer(env);
    const found = await dataOf<{ nodes: ({ id: string } | null)[] }>(
      second,
      'query ($ids: [ID!]!) { nodes(ids: $ids) { id } }',
      {
        ids: acknowledged,
      },
    );
    expect(acknowledged.length).toBeGreaterThanOrEqual(20);
    expect(found.nodes.map((node) => node?.id)).toEqual(acknowledged);
    expect((await collect(followOverSocket(second, { id }))).at(-1)).toMatchObject({ status: 'COMPLETED' });
  });
});

describe('the model', () => {
  /** A data folder with the model in it, compiled, whose server has ended. */
  async function prepared() {
    const env = { CADENZA_DATA_DIR: await dataFolder(), ...(await writer()) };
    const server = await startServer(env);
    await writerReady(server);
    await server.stop();
    const folder = join(env.CADENZA_DATA_DIR, 'models', TINY);
    const [name = ''] = await readdir(join(folder, 'compiled'));
    return { env, source: join(folder, 'tiny.gguf'), compiled: join(folder, 'compiled', name) };
  }

  it('[MODEL7] [MODEL8] a damaged file is reported with a remedy if nothing may be fetched', async () => {
    const { env, source } = await prepared();
    await damage(source);
    const server = await startServer({ ...env, CADENZA_FETCH_MODELS: 'off' });
    const failure = `its file is damaged: npm run models -- pull ${TINY}`;
    await server.said(`Tiny: ${failure}`);
    expect(await modelOf(server)).toMatchObject({ status: 'FAILED', failure });
    expect(await refusalOf(server)).toBe(`ModelUnavailableError: Tiny is not usable: ${failure}`);
  });

  it.each(['decoder.onnx', 'decoder.onnx.data', 'shape.json', 'digests.json'])(
    '[MODEL1] a compiled model whose %s was damaged is compiled anew',
    async (name) => {
      const { env, compiled } = await prepared();
      const whole = await readFile(join(compiled, name));
      await damage(join(compiled, name));
      const server = await startServer(env);
      await writerReady(server);
      expect((await readFile(join(compiled, name))).equals(whole)).toBe(true);
      await startDraft(server, story);
    },
  );

  it.runIf(canMount).each([
    ['file', 256, /there is no room for Tiny/],
    ['compiled model', 600, /there is no room for the compiled Tiny/],
  ])('[MODEL5] no room for its %s is reported, and everything else works', async (_, kibibytes, failure) => {
    const server = await startServer({ CADENZA_DATA_DIR: smallDisk(kibibytes), ...(await writer()) });
    await server.said(failure);
    expect(await modelOf(server)).toMatchObject({
      status: 'FAILED',
      failure: expect.stringMatching(failure) as string,
    });
    expect(await refusalOf(server)).toMatch(failure);
  });

  /** Overwrites the middle, at the same length: only reading tells. */
  async function damage(path: string): Promise<void> {
    const { size } = await stat(path);
    await chmod(path, 0o644);
    const bytes = await readFile(path);
    await writeFile(path, bytes.fill(0xff, size >> 2, size >> 1));
  }
});

it('[SERVE2] a body of 100 MB leaves no trace in the server’s memory', async () => {
  const database = await testDatabase();
  await addTracks(database, someTracks(5));
  const server = await startServer({ DATABASE_URL: database.url });
  await ask(`${server.url}/graphql`, '{ genres { slug } }');
  const before = await peakMemory(server);
  for (const headers of [{}, { 'content-length': String(100 << 20) }]) {
    expect([413, 'ECONNRESET', 'EPIPE']).toContain(await pour(`${server.url}/graphql`, 100, headers));
  }
  expect((await peakMemory(server)) - before).toBeLessThan(50);
  expect((await ask(`${server.url}/graphql`, '{ genres { slug } }')).errors).toBeUndefined();
});

/** The most memory that the process ever had, in MiB, where the system tells; 0 elsewhere. */
async function peakMemory({ process: { pid } }: TestServer): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0) / 1024;
}

/** Sends so many MiB, as fast as they are taken. @returns the status that came of it, or how the connection broke */
function pour(url: string, mebibytes: number, headers: Record<string, string>): Promise<number | string> {
  const chunk = Buffer.alloc(1 << 20, 0x20);
  return new Promise((resolve) => {
    const request = httpRequest(url, { method: 'POST', headers: { 'content-type': 'application/json', ...headers } });
    request.on('response', (response) => resolve(response.resume().statusCode ?? 0));
    request.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'error'));
    let left = mebibytes;
    const more = (): void => {
      while (left-- > 0 && !request.destroyed) if (!request.write(chunk)) return;
      if (!request.destroyed) request.end();
    };
    request.on('drain', more);
    more();
  });
}
