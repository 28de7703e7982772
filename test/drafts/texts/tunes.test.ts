import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Database } from '../../../src/db/client.ts';
import { createDrafts, type Draft, type Drafts, type StartDraftInput } from '../../../src/drafts/drafts.ts';
import { eventCursor } from '../../../src/drafts/log/draft-cursor.ts';
import { LocalWakeups } from '../../../src/lib/async/wakeups.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { silentLogger } from '../../../src/lib/log.ts';
import { createListeners, type Viewer } from '../../../src/listeners/listeners.ts';
import type { Engine } from '../../../src/ml/engine.ts';
import { parseTune } from '../../../src/tunes/abc/parse-tune.ts';
import { checkTune } from '../../../src/tunes/tunes.ts';
import { testDatabase } from '../../support/postgres/database.ts';
import { tinyEngine } from '../../support/tiny/tiny-engine.ts';
import { TINY_TUNES, writeTuneCatalogue } from '../../support/tunes/tune-model.ts';
import { CAROUSEL } from '../../support/tunes/tunes.ts';

let folder: string;
let engine: Engine;
let database: Database;
let drafts: Drafts;
let ann: Viewer;
let bob: Viewer;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cadenza-'));
  engine = await tinyEngine(folder, { id: TINY_TUNES, catalogueFile: await writeTuneCatalogue(folder) });
});

afterAll(async () => {
  await engine[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

beforeEach(async () => {
  database = await testDatabase();
  drafts = openDrafts();
  const listeners = createListeners({ database, wakeups: new LocalWakeups(), clock: systemClock });
  const viewer = async (id: string): Promise<Viewer> => ({
    listener: await listeners.ensure(id),
    roles: new Set(['LISTENER']),
  });
  [ann, bob] = [await viewer('ann'), await viewer('bob')];
});

const openDrafts = (): Drafts =>
  createDrafts({ database, engine, wakeups: new LocalWakeups(), clock: systemClock, log: silentLogger });

const tune = (extra: Partial<StartDraftInput> = {}): StartDraftInput => ({
  kind: 'TUNE',
  prompt: 'A walk by the river',
  sampling: { seed: 7 },
  ...extra,
});

async function finished({ id }: Draft, from = drafts): Promise<Draft> {
  for await (const _ of from.follow(ann, id, null));
  const draft = (await from.byIds(ann, [id])).get(id);
  if (!draft) throw new Error('the draft is gone');
  return draft;
}

const write = async (input: StartDraftInput): Promise<Draft> => finished(await drafts.start(ann, input));

describe('a draft of kind TUNE', () => {
  it('[TUNE1] is ABC without a problem, whatever the model knows', async () => {
    const inputs = Array.from({ length: 12 }, (_, seed) =>
      tune({ sampling: { seed, temperature: 2, topK: 0, topP: 1 } }),
    );
    for (const draft of await Promise.all(inputs.map(write))) {
      expect(draft, draft.text).toMatchObject({ status: 'COMPLETED', finishReason: 'STOP' });
      expect(checkTune(draft.text), draft.text).toEqual([]);
      expect(draft.text).toMatch(/^X:1\nT:A walk by the river\n/);
    }
  });

  it('[LOG1] says that it is being written, after its header', async () => {
    const { id } = await drafts.start(ann, tune());
    const seen: string[] = [];
    for await (const event of drafts.follow(ann, id, eventCursor(id, { sequence: 0, epoch: 0 })))
      seen.push(event.type === 'status' ? event.status : event.type);
    expect(seen.slice(0, 3)).toEqual(['QUEUED', 'tokens', 'GENERATING']);
  });

  it('[TUNE5] is the same for the same seed, alone or beside others', async () => {
    const alone = await write(tune());
    const [again, ...others] = await Promise.all(
      [1, 2, 3].map((n) => write(tune({ sampling: { seed: n === 1 ? 7 : n } }))),
    );
    expect(again?.text).toBe(alone.text);
    for (const { text } of others) expect(text).not.toBe(alone.text);
  });

  it('[TUNE5] goes on where a process was stopped', async () => {
    const whole = await write(tune());
    const started = await drafts.start(ann, tune({ idempotencyKey: 'again' }));
    for await (const event of drafts.follow(ann, started.id, null)) if (event.type === 'tokens') break;
    await drafts[Symbol.asyncDispose]();
    await database.sql`update drafts set owner = null where id = ${started.id}`;
    const other = openDrafts();
    other.recover();
    expect((await finished(started, other)).text).toBe(whole.text);
    await other[Symbol.asyncDispose]();
  });

  it('[TUNE6] obeys its settings, and refuses what cannot be', async () => {
    const draft = await write(tune({ tune: { type: 'SLIP_JIG', key: 'E', mode: 'DORIAN', tempo: 120, bars: 4 } }));
    expect(parseTune(draft.text)).toMatchObject({
      rhythm: 'slip jig',
      tempo: 120,
      key: { tonic: 'E', mode: 'DORIAN' },
    });
    const refused: [Partial<StartDraftInput>, string][] = [
      [{ tune: { metre: '7/0' } }, 'input.tune.metre'],
      [{ tune: { range: { lowest: 'C2', highest: 'C3' } } }, 'input.tune'],
      [{ kind: 'POEM', tune: { key: 'D' } }, 'input.tune'],
      [{ sampling: { bannedPhrases: ['A'] } }, 'input.sampling.bannedPhrases'],
      [{ tune: { key: 'D', variationOf: draft.id } }, 'input.tune.key'],
      [{ tune: { infill: { bars: [1] } } }, 'input.tune.infill'],
      [{ tune: { infill: { abc: CAROUSEL, bars: [19] } } }, 'input.tune.infill.bars'],
      [{ tune: { variationOf: 'nothing' } }, 'input.tune.variationOf'],
    ];
    for (const [bad, field] of refused)
      await expect(drafts.start(ann, tune(bad))).rejects.toMatchObject({ code: 'INVALID_INPUT', field });
    await expect(drafts.start(bob, tune({ tune: { variationOf: draft.id } }))).rejects.toMatchObject({
      field: 'input.tune.variationOf',
    });
  });

  it('[TUNE9] writes some bars anew and leaves every other byte', async () => {
    const { text } = await write(tune({ tune: { infill: { abc: CAROUSEL, bars: [3, 4, 18] } } }));
    const before = parseTune(CAROUSEL).bars;
    const [third, fourth, last] = [2, 3, 17].map((i) => before[i]!);
    expect(text.startsWith(CAROUSEL.slice(0, third!.from))).toBe(true);
    expect(text).toContain(CAROUSEL.slice(fourth!.to, last!.from));
    expect(text.endsWith(CAROUSEL.slice(last!.to))).toBe(true);
    expect(text).not.toBe(CAROUSEL);
    expect(checkTune(text), text).toEqual([]);
  });

  it('[TUNE10] varies a tune that the viewer may read', async () => {
    const original = await write(tune({ tune: { type: 'JIG' } }));
    const varied = await write(tune({ prompt: 'Again', sampling: { seed: 8 }, tune: { variationOf: original.id } }));
    const [a, b] = [parseTune(original.text), parseTune(varied.text)];
    expect(b.title).toBe('Again');
    expect(b.bars.map(({ ticks }) => ticks)).toEqual(a.bars.map(({ ticks }) => ticks));
    expect(b.bars.at(-1)?.notes).toEqual(a.bars.at(-1)?.notes);
    expect(b.bars.map(({ notes }) => notes)).not.toEqual(a.bars.map(({ notes }) => notes));
    expect(checkTune(varied.text), varied.text).toEqual([]);
  });

  it('[TUNE11] gets a further section when it is continued, and its rest if it was ended early', async () => {
    const draft = await write(tune());
    const { text } = await finished(await drafts.continue(ann, { draftId: draft.id, sampling: { seed: 2 } }));
    expect(text.startsWith(draft.text)).toBe(true);
    expect(parseTune(text).bars.length).toBeGreaterThanOrEqual(parseTune(draft.text).bars.length + 8);
    expect(checkTune(text), text).toEqual([]);
    const short = await write(tune({ sampling: { seed: 7, maxTokens: 40 } }));
    expect(short.finishReason).toBe('LENGTH');
    const rest = await finished(await drafts.continue(ann, { draftId: short.id, sampling: { seed: 3 } }));
    expect(rest.finishReason).toBe('STOP');
    expect(rest.text.startsWith(short.text)).toBe(true);
    expect(checkTune(rest.text), rest.text).toEqual([]);
    await expect(drafts.continue(ann, { draftId: draft.id, instruction: 'faster' })).rejects.toMatchObject({
      field: 'input.instruction',
    });
  });
});
