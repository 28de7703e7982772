import { expect, it } from 'vitest';
import { randomStream } from '../../src/lib/random.ts';
import { theRealModel, tinyModel } from '../support/drafts/writers.ts';
import { ask } from '../support/listening.ts';
import { realModel } from '../support/models/real-model.ts';
import {
  collect,
  collectUntilBroken,
  type DraftEvent,
  expectOnceAndInOrder,
  followOverSocket,
  startDraft,
  type StartedDraft,
  textOf,
  tokensOf,
  writerReady,
} from '../support/network/wire.ts';
import { startServer, type TestServer } from '../support/server.ts';

/** `KILLS=50 npx vitest run test/main/kills.test.ts` is the long form: on the real model, when it is on disk. */
const kills = Number(process.env.KILLS ?? 3);
const long = process.env.KILLS !== undefined;
const DRAFTS = 8;
/** Enough that there is something to write between any two kills. */
const TOKENS = Math.min(2_000, 100 + 40 * kills);

const stories = Array.from({ length: DRAFTS }, (_, i) => ({
  kind: 'STORY',
  prompt: `The ${i + 1}. of eight storms – 暴风雨 🌊`,
  sampling: { maxTokens: TOKENS, seed: 100 + i },
}));

/** A draft and its reader, who comes back with the cursor of the last event that arrived. */
interface Reading {
  draft: StartedDraft;
  seen: DraftEvent[];
}

it(
  `[LOG5] [LOG2] [GEN9] [USE2] killed ${kills} times while eight drafts are written: each ends with the text it would have had`,
  async () => {
    const env = { ...(await (long && realModel !== null ? theRealModel() : tinyModel())), CADENZA_QUEUE: '64' };
    const first = await startServer(env);
    await writerReady(first);
    const begin = (): Promise<Reading[]> =>
      Promise.all(stories.map(async (story) => ({ draft: await startDraft(first, story), seen: [] })));
    const whole = (reading: Reading) => collect(followOverSocket(first, resumeAt(reading)));
    const undisturbed = (await Promise.all((await begin()).map(whole))).map(tokensOf);
    const readings = await begin();
    const last = await killAgainAndAgain(first, readings, undisturbed.flat().length, () => startServer(env));
    for (const [i, { draft, seen }] of readings.entries()) {
      seen.push(...(await collect(followOverSocket(last, resumeAt({ draft, seen })))));
      expectOnceAndInOrder(seen);
      expect(tokensOf(seen)).toEqual(undisturbed[i]);
      const late = await collect(followOverSocket(last, { id: draft.id }));
      expect(textOf(late)).toBe(textOf(seen));
    }
    await expectCounted(last);
  },
  60_000 + 20_000 * kills,
);

const SPENT = `query ($from: DateOrTime!, $to: DateOrTime!) {
  viewer { drafts(first: 100) { nodes { usage { promptTokens completionTokens } } } }
  usage(from: $from, to: $to) { nodes { tokensIn tokensOut } } }`;

/** To the token, whoever wrote them. */
async function expectCounted({ url }: TestServer): Promise<void> {
  const [from, to] = [-1, 1].map((days) => new Date(Date.now() + days * 24 * 3_600_000));
  const { data } = await ask(`${url}/graphql`, SPENT, { from, to });
  const { viewer, usage } = data as {
    viewer: { drafts: { nodes: { usage: { promptTokens: number; completionTokens: number } }[] } };
    usage: { nodes: { tokensIn: number; tokensOut: number }[] };
  };
  const sum = (numbers: number[]) => numbers.reduce((total, one) => total + one, 0);
  const drafts = viewer.drafts.nodes.map((draft) => draft.usage);
  expect(sum(usage.nodes.map((day) => day.tokensIn))).toBe(sum(drafts.map((used) => used.promptTokens)));
  expect(sum(usage.nodes.map((day) => day.tokensOut))).toBe(sum(drafts.map((used) => used.completionTokens)));
}

/**
 * @param tokens of all drafts to their ends: the model may end them long before `TOKENS`
 * @returns the server that was not killed any more
 */
async function killAgainAndAgain(
  first: TestServer,
  readings: Reading[],
  tokens: number,
  restart: () => Promise<TestServer>,
) {
  const random = randomStream(kills);
  let server = first;
  for (let left = kills; left > 0; left--) {
    const remaining = tokens - readings.flatMap(({ seen }) => tokensOf(seen)).length;
    // Now and then at none at all: before the drafts were taken up.
    await readAndKill(server, readings, Math.floor((random() * remaining) / (left + 1)));
    server = await restart();
  }
  return server;
}

/** All read on until so many tokens have come, whoever's; then the server dies, and what the readers have is kept. */
async function readAndKill(server: TestServer, readings: Reading[], tokens: number): Promise<void> {
  let come = 0;
  const onEvent = (event: DraftEvent): void => {
    come += event.tokens?.length ?? 0;
    if (come >= tokens) server.process.kill('SIGKILL');
  };
  if (tokens === 0) server.process.kill('SIGKILL');
  const all = await Promise.all(
    readings.map((reading) => collectUntilBroken(followOverSocket(server, resumeAt(reading)), onEvent)),
  );
  await server.exited;
  // What has come to its end before needs no reader; one at least was torn away, or nothing was tested.
  expect(all.some(({ broken }) => broken)).toBe(true);
  readings.forEach(({ seen }, i) => seen.push(...(all[i]?.seen ?? [])));
}

const resumeAt = ({ draft, seen }: Reading) => ({ id: draft.id, after: seen.at(-1)?.cursor ?? draft.cursor });
