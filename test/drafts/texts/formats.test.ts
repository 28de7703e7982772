import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { createDrafts, type Draft, type Drafts, type StartDraftInput } from '../../../src/drafts/drafts.ts';
import { LocalWakeups } from '../../../src/lib/async/wakeups.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { ConflictError, InvalidInputError } from '../../../src/lib/errors.ts';
import { silentLogger } from '../../../src/lib/log.ts';
import { randomStream } from '../../../src/lib/random.ts';
import { createListeners, type Viewer } from '../../../src/listeners/listeners.ts';
import type { Engine } from '../../../src/ml/engine.ts';
import { jsonOf } from '../../../src/resolvers/drafts/drafts.ts';
import { ended } from '../../support/drafts/draft-room.ts';
import { conforms } from '../../support/formats/format-writing.ts';
import { testDatabase } from '../../support/postgres/database.ts';
import { tinyEngine, writeTinyCatalogue } from '../../support/tiny/tiny-engine.ts';

const song = {
  type: 'object',
  properties: { title: { type: 'string', maxLength: 12 }, year: { type: 'integer', minimum: 1900, maximum: 1999 } },
  required: ['title', 'year'],
};
const asFormat = { type: 'JSON_SCHEMA', schema: JSON.stringify(song) } as const;

let folder: string;
let engine: Engine;
let drafts: Drafts;
let ann: Viewer;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cadenza-format-'));
  const longContext = { metadata: { 'llama.context_length': 4096 } };
  engine = await tinyEngine(folder, {
    catalogueFile: await writeTinyCatalogue(folder, longContext, { context: 4096 }),
  });
});
afterAll(async () => {
  await engine[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});
beforeEach(async () => {
  const database = await testDatabase();
  const wakeups = new LocalWakeups();
  const options = { database, engine, wakeups, clock: systemClock, log: silentLogger, random: randomStream(5) };
  const room = (drafts = createDrafts(options));
  onTestFinished(() => room[Symbol.asyncDispose]());
  const listener = await createListeners({ database, wakeups, clock: systemClock }).ensure('ann');
  ann = { listener, roles: new Set(['LISTENER']) };
});

const asked = (input: Partial<StartDraftInput>): StartDraftInput => ({ kind: 'POEM', prompt: 'Rain', ...input });
const write = async (input: Partial<StartDraftInput>): Promise<Draft> =>
  ended(drafts, ann, await drafts.start(ann, asked(input)));

describe('[FORMAT1] a draft with a format', () => {
  it('keeps it, says it, and [FORMAT6] is a value once it has ended by itself', async () => {
    const draft = await write({ format: { jsonSchema: song } });
    expect(draft).toMatchObject({ status: 'COMPLETED', finishReason: 'STOP', form: null, format: asFormat });
    expect(conforms(asFormat, draft.text), draft.text).toBe(true);
    expect(jsonOf(draft)).toEqual(JSON.parse(draft.text));
    expect(jsonOf({ ...draft, finishReason: 'TIME' })).toBeNull();
    expect(jsonOf({ ...draft, status: 'GENERATING', finishReason: null })).toBeNull();
    expect(jsonOf({ ...draft, text: 'changed' })).toBeNull();
  });

  it('is one of each kind, in as many alternatives as are asked for', async () => {
    const formats: [StartDraftInput['format'], RegExp][] = [
      [{ regex: '[A-Z]{3}-\\d{2,4}' }, /^[A-Z]{3}-\d{2,4}$/],
      [{ choice: ['happy', 'sad', 'hopeful 🎵'] }, /^(happy|sad|hopeful 🎵)$/u],
      [{ gbnf: 'root ::= "<" [a-f]{1,8} ">"' }, /^<[a-f]{1,8}>$/],
      [{ lark: '%import common.INT\nstart: INT ("+" INT)~1..3' }, /^\d+(\+\d+){1,3}$/],
    ];
    for (const [format = null, pattern] of formats) {
      const first = await write({ format, alternatives: 2 });
      expect(first.text).toMatch(pattern);
      expect(jsonOf(first)).toBeNull();
      const groups = await drafts.groupsByIds(ann, [first.groupId ?? '']);
      const ids = groups.get(first.groupId ?? '')?.drafts.map(({ id }) => id) ?? [];
      for (const id of ids) {
        const draft = (await drafts.byIds(ann, [id])).get(id);
        if (draft) expect((await ended(drafts, ann, draft)).text).toMatch(pattern);
      }
    }
  });

  it('[FORMAT2] gets as many tokens as its shortest answer may need, and is refused with fewer or too many', async () => {
    const long = { type: 'array', items: { const: 'x'.repeat(50) }, minItems: 9, maxItems: 9 };
    const draft = await drafts.start(ann, asked({ format: { jsonSchema: long } }));
    expect(draft.sampling.maxTokens).toBeGreaterThan(500);
    await ended(drafts, ann, draft);
    const few = drafts.start(ann, asked({ format: { jsonSchema: song }, sampling: { maxTokens: 10 } }));
    await expect(few).rejects.toThrow('may need 25 tokens');
    const endless = { type: 'string', minLength: 10_000 };
    await expect(drafts.start(ann, asked({ format: { jsonSchema: endless } }))).rejects.toThrow('at most 4096');
  });

  it('[FORMAT3] refuses what a format excludes, and what is none, and starts nothing', async () => {
    const format = { jsonSchema: song };
    const cases: [Partial<StartDraftInput>, string][] = [
      [{ format, kind: 'TUNE' }, 'input.format'],
      [{ format, form: { preset: 'HAIKU' } }, 'input.format'],
      [{ format, sampling: { bannedPhrases: ['a'] } }, 'input.sampling.bannedPhrases'],
      [{ format, sampling: { stop: ['}'] } }, 'input.sampling.stop'],
      [{ format: {} }, 'input.format'],
      [{ format: { regex: 'a', choice: ['a'] } }, 'input.format'],
      [{ format: { regex: '(?=a)' } }, 'input.format.regex'],
      [{ format: { jsonSchema: { not: {} } } }, 'input.format.jsonSchema'],
      [{ format: { gbnf: 'root ::= root' } }, 'input.format.gbnf'],
    ];
    for (const [input, field] of cases) {
      const error = await drafts.start(ann, asked(input)).catch((e: unknown) => e);
      expect(error, field).toBeInstanceOf(InvalidInputError);
      expect(error).toMatchObject({ field });
    }
    expect((await drafts.ofListener(ann, ann.listener.id, { first: 1 })).edges).toEqual([]);
  });
});

describe('[FORMAT5] what follows a draft with a format', () => {
  const unfinished = async (): Promise<Draft> => {
    const draft = await write({ format: { jsonSchema: song } });
    const text = draft.text.slice(0, Math.ceil(draft.text.length / 2));
    return drafts.update(ann, { draftId: draft.id, text, ifRevision: draft.sequence });
  };

  it('goes on where it was not finished', async () => {
    const { id, text } = await unfinished();
    const draft = await ended(drafts, ann, await drafts.continue(ann, { draftId: id }));
    expect(draft.text.startsWith(text)).toBe(true);
    expect(conforms(asFormat, draft.text), draft.text).toBe(true);
  });

  it('is a conflict for a complete answer and for a text that left it, and free with an instruction', async () => {
    const draft = await write({ format: { jsonSchema: song } });
    await expect(drafts.continue(ann, { draftId: draft.id })).rejects.toThrow(ConflictError);
    const free = { draftId: draft.id, instruction: 'More', sampling: { maxTokens: 2 } };
    expect(await ended(drafts, ann, await drafts.continue(ann, free))).toMatchObject({ format: null });
    const changed = await unfinished();
    await drafts.update(ann, { draftId: changed.id, text: 'rain', ifRevision: changed.sequence });
    await expect(drafts.continue(ann, { draftId: changed.id })).rejects.toThrow('no longer keeps its format');
  });

  it('is a further answer in it when it is written anew, and a branch goes on in it', async () => {
    const draft = await write({ format: { jsonSchema: song } });
    const again = await ended(drafts, ann, await drafts.branch(ann, { draftId: draft.id, sampling: { seed: 9 } }));
    expect(again.format).toEqual(asFormat);
    expect(conforms(asFormat, again.text), again.text).toBe(true);
    const place = { draftId: draft.id, at: 3, ifRevision: draft.sequence };
    const branch = await ended(drafts, ann, await drafts.branch(ann, place));
    expect(branch.text.slice(0, 3)).toBe(draft.text.slice(0, 3));
    expect(conforms(asFormat, branch.text), branch.text).toBe(true);
  });
});
