import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import type { Database } from '../../../src/db/client.ts';
import { createDrafts, type Draft, type Drafts, type StartDraftInput, tuneTextOf } from '../../../src/drafts/drafts.ts';
import { LocalWakeups } from '../../../src/lib/async/wakeups.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { silentLogger } from '../../../src/lib/log.ts';
import { randomStream } from '../../../src/lib/random.ts';
import { createListeners, type Viewer } from '../../../src/listeners/listeners.ts';
import type { Engine } from '../../../src/ml/engine.ts';
import { checkTune } from '../../../src/tunes/tunes.ts';
import { ended } from '../../support/drafts/draft-room.ts';
import { testDatabase } from '../../support/postgres/database.ts';
import { tinyEngine, writeTinyCatalogue } from '../../support/tiny/tiny-engine.ts';
import { misplacedStresses, sing, wordsSung } from '../../support/tunes/singing.ts';
import { CAROUSEL } from '../../support/tunes/tunes.ts';

/** A hymn in common metre, with a pickup, slurs and ties over bar lines. */
const HYMN = `X:1
T:The Ferry
M:3/4
L:1/8
Q:1/4=90
K:G
D2|G4(BG)|B4A2|G4E2|D4D2|G4(BG)|B4A2|d6-|d4B2|
d4(BG)|B4A2|G4E2|D4D2|G4(BG)|B4A2|G6-|G4|]
`;
/** Two parts of four lines of seven syllables, with rests. */
const MARCH = `X:2
T:Seven Stairs
M:4/4
L:1/4
K:C
CCGG|AAG z|FFEE|DDC z||
GGFF|EED z|GGFF|EED z|]
w: these words are left out
`;

let folder: string;
let engine: Engine;
let database: Database;
let drafts: Drafts;
let ann: Viewer;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cadenza-songs-'));
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
  drafts = openDrafts();
  const listener = await createListeners({ database, wakeups: new LocalWakeups(), clock: systemClock }).ensure('ann');
  ann = { listener, roles: new Set(['LISTENER']) };
});

function openDrafts(): Drafts {
  const options = { engine, wakeups: new LocalWakeups(), clock: systemClock, log: silentLogger };
  const opened = createDrafts({ ...options, database, random: randomStream(5) });
  onTestFinished(() => opened[Symbol.asyncDispose]());
  return opened;
}

const song = (abc: string, input: Partial<StartDraftInput> = {}): StartDraftInput => ({
  ...{ kind: 'LYRICS', prompt: 'The river', form: { fromTune: { abc } }, sampling: { seed: 3 }, ...input },
});
const write = async (input: StartDraftInput): Promise<Draft> => ended(drafts, ann, await drafts.start(ann, input));
const withWords = async (draft: Draft): Promise<string> => {
  const abc = await tuneTextOf(draft);
  if (abc === null) throw new Error('the draft has no tune');
  return abc;
};
const plain = (text: string): string[] => text.toLowerCase().match(/[a-z']+/g) ?? [];
const sung = (abc: string, verse = 0): string[] => wordsSung(abc, verse).flatMap(({ text }) => plain(text));

describe('[FORM8] words fitted to a tune', () => {
  it.each([
    ['a hymn', HYMN, '3/4', 1, ['8', '6', '8', '6']],
    ['a march', MARCH, '4/4', 0, ['7', '7', '7', '7']],
  ])(
    '%s: a syllable for each note, stresses on strong beats, a line for each phrase',
    async (_, abc, metre, pickup, lines) => {
      for (const seed of [1, 2, 3]) {
        const draft = await write(song(abc, { sampling: { seed, temperature: 2, topK: 0, topP: 1 } }));
        expect(draft).toMatchObject({ finishReason: 'STOP' });
        const tune = await withWords(draft);
        expect(checkTune(tune), tune).toEqual(checkTune(abc.replace(/^w:.*\n/m, '')));
        const words = wordsSung(tune, 0);
        expect(words.flatMap(({ text }) => plain(text))).toEqual(plain(draft.text));
        expect(misplacedStresses(words, metre, pickup), tune).toEqual([]);
        const form = draft.form?.stanzas.flatMap((stanza) => stanza.lines) ?? [];
        expect(form.map(({ most }) => String(most))).toEqual(lines);
        expect(draft.text.split(/\n+/)).toHaveLength(lines.length);
      }
    },
  );

  it('[FORM9] keeps the tune’s notes byte for byte, and leaves out words that it had', async () => {
    const tune = await withWords(await write(song(MARCH)));
    expect(tune.replace(/^w:.*\n/gm, '')).toBe(MARCH.replace(/^w:.*\n/m, ''));
    expect(tune).not.toContain('these words');
    expect(tune.match(/^w:/gm)).toHaveLength(2);
  });

  it('[FORM9] is set under a tune with endings, grace notes, chords and triplets', async () => {
    const tune = await withWords(await write(song(CAROUSEL, { sampling: { seed: 3, maxTokens: 1000 } })));
    expect(sung(tune).length).toBeGreaterThan(40);
  });

  it('[FORM9] is set as far as it is written, and a second verse below the first', async () => {
    const begun = await write(song(MARCH, { sampling: { seed: 3, maxTokens: 60 } }));
    const rows = sing(await withWords(begun)).map(({ words }) => words[0]?.text ?? null);
    expect(rows[0]).not.toBeNull();
    expect(rows.at(-1)).toBeNull();
    const whole = await ended(drafts, ann, await drafts.continue(ann, { draftId: begun.id }));
    expect(whole.text.startsWith(begun.text)).toBe(true);
    expect(sung(await withWords(whole))).toEqual(plain(whole.text));
    const longer = await ended(drafts, ann, await drafts.continue(ann, { draftId: begun.id }));
    const tune = await withWords(longer);
    expect([...sung(tune, 0), ...sung(tune, 1)]).toEqual(plain(longer.text));
  });

  it('[FORM9] leaves out a line that a person has changed until it no longer fits', async () => {
    const draft = await write(song(MARCH));
    const [first = '', ...others] = draft.text.split('\n');
    const text = ['Too short', ...others].join('\n');
    const changed = await drafts.update(ann, { draftId: draft.id, text, ifRevision: draft.sequence });
    const tune = await withWords(changed);
    const [free, rest] = [sing(tune).slice(0, 7), sing(tune).slice(7)];
    expect(free.every(({ words }) => words[0] == null)).toBe(true);
    expect(rest.every(({ words }) => words[0] != null)).toBe(true);
    const back = { draftId: draft.id, text: [first, ...others].join('\n'), ifRevision: changed.sequence };
    expect(sung(await withWords(await drafts.update(ann, back)))).toEqual(plain(draft.text));
  });

  it('[LOG5] is the same after a crash', async () => {
    const whole = await write(song(HYMN));
    const started = await drafts.start(ann, song(HYMN, { idempotencyKey: 'again' }));
    for await (const event of drafts.follow(ann, started.id, null)) if (event.type === 'tokens') break;
    await drafts[Symbol.asyncDispose]();
    await database.sql`update drafts set owner = null where id = ${started.id}`;
    drafts = openDrafts();
    drafts.recover();
    const again = await ended(drafts, ann, started);
    expect([again.text, again.form]).toEqual([whole.text, whole.form]);
  });

  it('[FORM8] takes a tune’s draft that the viewer may read, and refuses others', async () => {
    const draft = await write(song(MARCH));
    await drafts.update(ann, { draftId: draft.id, text: HYMN, ifRevision: draft.sequence });
    await database.sql`update drafts set kind = 'TUNE' where id = ${draft.id}`;
    const fitted = await write(song('', { form: { fromTune: { draftId: draft.id } } }));
    expect(sung(await withWords(fitted))).toEqual(plain(fitted.text));
    await database.sql`update drafts set status = 'GENERATING' where id = ${draft.id}`;
    const refused = drafts.start(ann, song('', { form: { fromTune: { draftId: draft.id } } }));
    await expect(refused).rejects.toMatchObject({ field: 'input.form.fromTune.tune' });
  });

  it('[FORM8] refuses a tune that cannot be sung, says why, and starts nothing', async () => {
    const head = 'X:1\nM:4/4\nL:1/4\nQ:1/4=120\nK:C\n';
    const abc = 'input.form.fromTune.abc';
    const refused: [StartDraftInput, string, RegExp][] = [
      [song('K:D\n'), abc, /no notes/],
      [song('ABCD|'), abc, /no key/],
      [song(`${head}ABCDE|]`), abc, /line 6: the bar is 5\/4 long/],
      [song(`${head}zzzz|]`), abc, /no notes to sing/],
      [song(`${head}C,,CEG|c'c''cG|]`), abc, /semitones/],
      [song(`${head}(${'CDEF|'.repeat(8)}C4)|]`), abc, /holds one syllable over 33 notes from bar 1/],
      [
        song(`${head.replace('120', '160')}${'C/4D/4E/4F/4'.repeat(4)}|${'G/4F/4E/4D/4'.repeat(4)}|]`),
        abc,
        /10\.7 syllables in a second/,
      ],
      [song(head + `${'CDEF|'.repeat(160)}]`), abc, /phrases/],
      [song('A'.repeat(16_385)), abc, /16384/],
      [song('', { form: { fromTune: {} } }), 'input.form.fromTune', /either/],
      [song('', { form: { fromTune: { abc: HYMN, draftId: 'x' } } }), 'input.form.fromTune', /either/],
      [song('', { form: { fromTune: { draftId: 'x' } } }), 'input.form.fromTune.tune', /may read/],
      [song(HYMN, { form: { fromTune: { abc: HYMN }, preset: 'HAIKU' } }), 'input.form.fromTune', /excludes/],
      [song(HYMN, { kind: 'TUNE' }), 'input.form', /tunes/],
    ];
    for (const [input, field, message] of refused) {
      const error: unknown = await drafts.start(ann, input).catch((e: unknown) => e);
      expect(error, JSON.stringify(input).slice(0, 200)).toMatchObject({ code: 'INVALID_INPUT', field });
      expect(error).toMatchObject({ message: expect.stringMatching(message) as string });
    }
    expect(await database.sql`select 1 from drafts`).toHaveLength(0);
  });
});
