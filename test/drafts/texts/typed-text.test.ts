import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { openLogStore } from '../../../src/drafts/drafts.ts';
import { replacementBetween } from '../../../src/drafts/text/replacement.ts';
import { StoredDataError } from '../../../src/lib/stored-data.ts';
import { DraftRoom, ended, present } from '../../support/drafts/draft-room.ts';
import { itAcceptsText } from '../../support/drafts/typed-text.ts';
import { hasNats, type Nats, startNats } from '../../support/network/nats.ts';

itAcceptsText('PostgreSQL', () => DraftRoom.open());

describe.runIf(hasNats)('with NATS', () => {
  let nats: Nats;
  beforeAll(async () => {
    nats = await startNats();
  });
  afterAll(() => nats.stop());

  const open = (): Promise<DraftRoom> => {
    const stream = `t-${randomUUID()}`;
    return DraftRoom.open(async (database, wakeups) => {
      const config = { kind: 'nats', url: nats.url, replicas: 1 } as const;
      const { store, release } = await openLogStore({ database, config, wakeups, stream });
      onTestFinished(release);
      return store;
    });
  };

  itAcceptsText('NATS JetStream', open);

  it('[DRAFT10] a change that was not copied into the draft’s row is part of the draft, and of what comes next', async () => {
    const room = await open();
    const ann = await room.viewer('ann', 'LISTENER');
    const { drafts } = await room.node();
    const start = { kind: 'POEM', prompt: 'Snow', sampling: { maxTokens: 3 } } as const;
    const draft = await ended(drafts, ann, await drafts.start(ann, start));
    const change = { draftId: draft.id, text: 'typed', ifRevision: draft.sequence, idempotencyKey: 'k' };
    const saved = await drafts.update(ann, change);
    // As if its node had died after the append: the row announces a change, and keeps the text before it.
    await room.database.sql`update drafts set sequence = ${draft.sequence}, texts = array[${draft.text}],
      text_turns = '{1}', texts_until = ${draft.sequence}, turns = jsonb_set(turns, '{1,asked}', '[]')`;
    const next = (await room.node()).drafts;
    expect(await present(next, ann, draft)).toMatchObject({ text: 'typed', sequence: saved.sequence });
    const events = [];
    for await (const event of next.follow(ann, draft.id, next.cursorOf(draft))) events.push(event.type);
    expect(events).toEqual(['edit']);
    expect((await next.update(ann, change)).sequence).toBe(saved.sequence);
    const more = await ended(next, ann, await next.continue(ann, { draftId: draft.id, sampling: { maxTokens: 2 } }));
    expect(more.text.startsWith('typed')).toBe(true);
    expect((await next.update(ann, change)).sequence).toBe(more.sequence);
  });

  it('[DRAFT10] [DRAFT6] a draft whose end was not copied into its row is changed and continued all the same', async () => {
    const room = await open();
    const ann = await room.viewer('ann', 'LISTENER');
    const { drafts } = await room.node();
    const start = { kind: 'POEM', prompt: 'Snow', sampling: { maxTokens: 3 } } as const;
    // As if its node had died after the append, and no other one had looked yet.
    const uncopied = async () => {
      const draft = await ended(drafts, ann, await drafts.start(ann, start));
      await room.database.sql`update drafts set status = 'GENERATING', finish_reason = null, sequence = 1, texts = null,
        text_turns = null, texts_until = 0 where id = ${draft.id}`;
      return draft;
    };
    const [one, other] = [await uncopied(), await uncopied()];
    const next = (await room.node()).drafts;
    const change = { draftId: one.id, text: 'typed', ifRevision: one.sequence };
    expect(await next.update(ann, change)).toMatchObject({ text: 'typed', status: 'COMPLETED' });
    const more = { draftId: other.id, sampling: { maxTokens: 2 } };
    const continued = await ended(next, ann, await next.continue(ann, more));
    expect(continued.text.startsWith(other.text)).toBe(true);
    expect(continued.text.length).toBeGreaterThan(other.text.length);
  });
});

it('[LOG11] turns and events of a kind that a build does not know are refused, so that none misreads a later one’s', async () => {
  const room = await DraftRoom.open();
  const ann = await room.viewer('ann', 'LISTENER');
  const { drafts } = await room.node();
  const start = { kind: 'POEM', prompt: 'Snow', sampling: { maxTokens: 3 } } as const;
  const draft = await ended(drafts, ann, await drafts.start(ann, start));
  // A draft that has ended is joined into fewer rows a moment later: before that, the change below would be overwritten.
  const rows = () => room.database.sql`select sequence from draft_events where tokens is not null`;
  await expect.poll(async () => (await rows()).length).toBe(1);
  await room.database.sql`
    update draft_events set event = '{"type": "sung"}', text = null, tokens = null where tokens is not null`;
  const reading = drafts.follow(ann, draft.id, drafts.cursorOf({ ...draft, sequence: 0, lastEpoch: 0 }));
  await expect(drain(reading)).rejects.toBeInstanceOf(StoredDataError);
  await room.database.sql`update drafts set turns = turns || '[{"type": "sung", "from": 3}]'`;
  await expect(present(drafts, ann, draft)).rejects.toBeInstanceOf(StoredDataError);
});

it('[LOG8] the texts of turns that an earlier build left in the log are told apart when the database is migrated', async () => {
  const room = await DraftRoom.open(undefined, { masterKeys: null });
  const ann = await room.viewer('ann', 'LISTENER');
  const { drafts, engine } = await room.node();
  const start = { kind: 'POEM', prompt: 'Snow', sampling: { maxTokens: 3, seed: 1 } } as const;
  let draft = await ended(drafts, ann, await drafts.start(ann, start));
  for (const instruction of ['more', 'again']) {
    const more = { draftId: draft.id, instruction, sampling: { maxTokens: 3, seed: 1 } };
    draft = await ended(drafts, ann, await drafts.continue(ann, more));
  }
  const asked = engine.requests[2]?.messages.map(({ content }) => content);
  await room.database.sql`update drafts set texts = null, text_turns = null, texts_until = 0`;
  // Such builds stored events as JSON.
  await room.database.sql`
    update draft_events set event = jsonb_build_object('type', 'tokens', 'text', text, 'tokens', '[]'::jsonb), text = null, tokens = null
    where tokens is not null`;
  const file = new URL('../../../drizzle/0015_text-passages.sql', import.meta.url);
  const [, , fill = ''] = (await readFile(file, 'utf8')).split('--> statement-breakpoint');
  await room.database.sql.unsafe(fill);
  expect(await present(drafts, ann, draft)).toEqual(draft);
  // The same where an earlier build goes on beside this one, and leaves them in the log afterwards.
  await room.database.sql`update drafts set texts = null, text_turns = null, texts_until = 0`;
  await ended(drafts, ann, await drafts.continue(ann, { draftId: draft.id, instruction: 'on' }));
  expect(engine.requests[3]?.messages.slice(0, asked?.length).map(({ content }) => content)).toEqual(asked);
});

it('[LOG13] of a draft that was changed very often the latest epochs are kept, and its log is read from the beginning', async () => {
  const room = await DraftRoom.open();
  const ann = await room.viewer('ann', 'LISTENER');
  const { drafts } = await room.node();
  const start = { kind: 'POEM', prompt: 'Snow', sampling: { maxTokens: 3 } } as const;
  const draft = await ended(drafts, ann, await drafts.start(ann, start));
  // As many as are kept, each of which began with an event of the log, the last one with the last event.
  const { sequence } = draft;
  await room.database.sql`update drafts set epochs = array(select generate_series(1, 1000)),
    epoch_starts = array(select greatest(0, n - 1000 + ${sequence - 1}) from generate_series(1, 1000) n), epoch = 1000`;
  const now = await present(drafts, ann, draft);
  const saved = await drafts.update(ann, { draftId: draft.id, text: 'typed', ifRevision: now.sequence });
  const [row] = await room.database
    .sql`select cardinality(epochs) as epochs, cardinality(epoch_starts) as starts from drafts`;
  expect(row).toEqual({ epochs: 1_000, starts: 1_000 });
  const events = [];
  for await (const event of drafts.follow(ann, draft.id, drafts.cursorOf({ ...draft, sequence: 0, lastEpoch: 0 })))
    events.push(event.type);
  expect(events.at(-1)).toBe('edit');
  expect(events[0]).toBe('status');
  for await (const _ of drafts.follow(ann, draft.id, drafts.cursorOf(saved))) throw new Error('nothing follows');
});

describe('the part that differs', () => {
  it.each([
    ['', 'a', { start: 0, end: 0, text: 'a' }],
    ['ab', 'b', { start: 0, end: 1, text: '' }],
    ['aa', 'aaa', { start: 2, end: 2, text: 'a' }],
    ['a🌨b', 'a🌧b', { start: 1, end: 2, text: '🌧' }],
    ['🌨🌨', '🌨🌧🌨', { start: 1, end: 1, text: '🌧' }],
    ['x\u{1F327}', 'x\u{1F727}', { start: 1, end: 2, text: '\u{1F727}' }],
    ['\u{10327}y', '\u{1F327}y', { start: 0, end: 1, text: '\u{1F327}' }],
  ])('between %j and %j is in whole characters', (before, after, expected) => {
    expect(replacementBetween(before, after)).toEqual(expected);
  });

  it('of equal texts is nothing', () => expect(replacementBetween('🌨', '🌨')).toBeNull());
});

async function drain(events: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of events);
}
