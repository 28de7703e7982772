import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import type { Database } from '../../../src/db/client.ts';
import { createDrafts, type Draft, type Drafts, type StartDraftInput } from '../../../src/drafts/drafts.ts';
import { LocalWakeups } from '../../../src/lib/async/wakeups.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { ConflictError, InvalidInputError } from '../../../src/lib/errors.ts';
import { silentLogger } from '../../../src/lib/log.ts';
import { randomStream } from '../../../src/lib/random.ts';
import { createListeners, type Viewer } from '../../../src/listeners/listeners.ts';
import type { Engine } from '../../../src/ml/engine.ts';
import { judgeVerse } from '../../../src/verse/judging.ts';
import type { VersePreset } from '../../../src/verse/verse.ts';
import { ended } from '../../support/drafts/draft-room.ts';
import { testDatabase } from '../../support/postgres/database.ts';
import { tinyEngine, writeTinyCatalogue } from '../../support/tiny/tiny-engine.ts';
import { formOf } from '../../support/verse.ts';

let folder: string;
let engine: Engine;
let database: Database;
let drafts: Drafts;
let ann: Viewer;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cadenza-verse-'));
  const longContext = { metadata: { 'llama.context_length': 2048 } };
  engine = await tinyEngine(folder, {
    catalogueFile: await writeTinyCatalogue(folder, longContext, { context: 2048 }),
  });
});
afterAll(async () => {
  await engine[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});
beforeEach(async () => {
  database = await testDatabase();
  const wakeups = new LocalWakeups();
  const options = { database, engine, wakeups, clock: systemClock, log: silentLogger, random: randomStream(5) };
  const room = (drafts = createDrafts(options));
  onTestFinished(() => room[Symbol.asyncDispose]());
  const listener = await createListeners({ database, wakeups, clock: systemClock }).ensure('ann');
  ann = { listener, roles: new Set(['LISTENER']) };
});

const poem = (input: Partial<StartDraftInput> = {}): StartDraftInput => ({ kind: 'POEM', prompt: 'Snow', ...input });
const haiku = formOf({ preset: 'HAIKU' });
const keeps = (text: string, form = haiku): boolean => Object.values(judgeVerse(text, form)).flat().every(Boolean);
const write = async (input: Partial<StartDraftInput>): Promise<Draft> =>
  ended(drafts, ann, await drafts.start(ann, poem(input)));

describe('[FORM4] a draft with a form', () => {
  it('keeps it, says it, and ends where it ends', async () => {
    const draft = await write({ form: { preset: 'HAIKU' } });
    expect(draft).toMatchObject({ form: haiku, finishReason: 'STOP' });
    expect(keeps(draft.text), draft.text).toBe(true);
  });

  it('[FORM7] has that of its kind by default, or the one that the prompt names', async () => {
    const short = { sampling: { maxTokens: 2 } };
    expect((await write({ kind: 'LYRICS', ...short })).form).toEqual(formOf({ preset: 'SONG' }));
    expect((await write(short)).form).toEqual(formOf({ preset: 'BALLAD' }));
    const cases: [Partial<StartDraftInput>, VersePreset | null][] = [
      [{ prompt: 'A haiku about snow' }, 'HAIKU'],
      [{ prompt: 'Snow, in free verse' }, null],
      [{ prompt: '初雪' }, null],
      [{ kind: 'STORY' }, null],
      [{ sampling: { maxTokens: 2, bannedPhrases: ['\n'] } }, null],
    ];
    for (const [input, preset] of cases)
      expect((await write({ ...short, ...input })).form, JSON.stringify(input)).toEqual(preset && formOf({ preset }));
  });

  it('[FORM7] gives way to a text that a person has changed, if nobody asked for it', async () => {
    const draft = await write({ sampling: { maxTokens: 9 } });
    await drafts.update(ann, { draftId: draft.id, text: '12 monkeys', ifRevision: draft.sequence });
    const input = { draftId: draft.id, sampling: { maxTokens: 3 } };
    expect(await ended(drafts, ann, await drafts.continue(ann, input))).toMatchObject({ form: null });
  });

  it('has none if it is FREE', async () => {
    expect((await write({ form: { preset: 'FREE' }, sampling: { maxTokens: 2 } })).form).toBeNull();
  });

  it('gets as many tokens as the form needs, unless a client has said how many', async () => {
    expect((await write({ form: { preset: 'LIMERICK' } })).sampling.maxTokens).toBe(256);
    const long = { stanzas: [{ lines: 20, syllables: [8] }] };
    const draft = await drafts.start(ann, poem({ form: long }));
    expect(draft.sampling.maxTokens).toBe(408);
    await ended(drafts, ann, draft);
    expect(await write({ form: { preset: 'HAIKU' }, sampling: { maxTokens: 5 } })).toMatchObject({
      finishReason: 'LENGTH',
      sampling: { maxTokens: 5 },
    });
  });

  it('refuses a form that cannot be, one of a tune, and banned phrases that it needs, and starts nothing', async () => {
    const noRhyme = { stanzas: [{ lines: 60, syllables: [7], rhyme: 'A'.repeat(60), metre: 'DACTYLIC' as const }] };
    const song = { preset: 'SONG' } as const;
    const refused: [Partial<StartDraftInput>, string][] = [
      [{ form: { stanzas: [] } }, 'input.form.stanzas'],
      [{ form: { stanzas: [{ lines: 2, rhyme: 'AAA' }] } }, 'input.form.stanzas.0.rhyme'],
      [{ form: noRhyme, sampling: { bannedPhrases: ['a', 'e', 'o', 'y'] } }, 'input.form.stanzas.0'],
      [{ form: song, kind: 'TUNE' }, 'input.form'],
      [{ form: song, sampling: { bannedPhrases: ['x', 'CHORUS'] } }, 'input.sampling.bannedPhrases.1'],
      [{ form: song, sampling: { bannedPhrases: ['\n'] } }, 'input.sampling.bannedPhrases.0'],
    ];
    for (const [input, field] of refused) {
      const error = await drafts.start(ann, poem(input)).catch((e: unknown) => e);
      expect(error).toBeInstanceOf(InvalidInputError);
      expect(error).toMatchObject({ field });
    }
    expect(await database.sql`select 1 from drafts`).toHaveLength(0);
  });
});

describe('[FORM5] the continuation of a draft with a form', () => {
  it('carries an unfinished form on, so that the whole is one verse', async () => {
    const begun = await write({ form: { preset: 'HAIKU' }, sampling: { maxTokens: 9 } });
    expect(keeps(begun.text)).toBe(false);
    const draft = await ended(drafts, ann, await drafts.continue(ann, { draftId: begun.id }));
    expect(draft.text.startsWith(begun.text)).toBe(true);
    expect(keeps(draft.text), draft.text).toBe(true);
  });

  it('begins a finished form again below a blank line', async () => {
    const first = await write({ form: { preset: 'HAIKU' } });
    const draft = await ended(drafts, ann, await drafts.continue(ann, { draftId: first.id }));
    expect(draft.text.startsWith(`${first.text}\n\n`)).toBe(true);
    expect(keeps(draft.text.slice(first.text.length + 2)), draft.text).toBe(true);
    const third = await ended(drafts, ann, await drafts.continue(ann, { draftId: first.id }));
    expect(keeps(third.text.slice(draft.text.length + 2)), third.text).toBe(true);
  });

  it('is free after an instruction, or takes the form that is given with it', async () => {
    const first = await write({ form: { preset: 'HAIKU' } });
    const input = { draftId: first.id, instruction: 'more', sampling: { maxTokens: 3 } };
    expect((await ended(drafts, ann, await drafts.continue(ann, input))).form).toBeNull();
    const form = { preset: 'LIMERICK' } as const;
    const given = { draftId: first.id, instruction: 'a limerick', form };
    const before = await ended(drafts, ann, first);
    const draft = await ended(drafts, ann, await drafts.continue(ann, given));
    expect(keeps(draft.text.slice(before.text.length + 2), formOf(form)), draft.text).toBe(true);
  });

  it('refuses to carry on a form that a person’s change has broken, and changes nothing', async () => {
    const begun = await write({ form: { preset: 'HAIKU' }, sampling: { maxTokens: 9 } });
    const change = { draftId: begun.id, text: '12 monkeys', ifRevision: begun.sequence };
    const typed = await drafts.update(ann, change);
    await expect(drafts.continue(ann, { draftId: begun.id })).rejects.toBeInstanceOf(ConflictError);
    expect(await ended(drafts, ann, begun)).toMatchObject({ text: '12 monkeys', sequence: typed.sequence });
    const form = { preset: 'FREE' } as const;
    const input = { draftId: begun.id, form, sampling: { maxTokens: 3 } };
    expect((await ended(drafts, ann, await drafts.continue(ann, input))).text.startsWith('12 monkeys')).toBe(true);
  });
});
