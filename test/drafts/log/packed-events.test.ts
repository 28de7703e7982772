import { describe, expect, it, onTestFinished } from 'vitest';
import { createDrafts } from '../../../src/drafts/drafts.ts';
import { type LogEvent, logTokens } from '../../../src/drafts/log/log-events.ts';
import { packEvents, unpackEvents } from '../../../src/drafts/log/packed-events.ts';
import { PostgresLog } from '../../../src/drafts/log/postgres/postgres-log.ts';
import { ended } from '../../../src/drafts/turns/draft-writer.ts';
import { LocalWakeups } from '../../../src/lib/async/wakeups.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { silentLogger } from '../../../src/lib/log.ts';
import { randomStream } from '../../../src/lib/random.ts';
import { StoredDataError } from '../../../src/lib/stored-data.ts';
import { createListeners, type Viewer } from '../../../src/listeners/listeners.ts';
import { firstEvents, newDraft, unused } from '../../support/drafts/new-draft.ts';
import { ScriptedEngine } from '../../support/models/scripted-engine.ts';
import { testDatabase } from '../../support/postgres/database.ts';

const random = randomStream(1);
const texts = ['', ' snow', '雪', '😀', '\n', ' harbour', 'é'];
const anyText = () => texts[Math.floor(texts.length * random())]!;
const anyLogprob = () => (random() < 0.05 ? -Infinity : -12 * random() ** 2);
/** Tokens of one event. */
const anyTokens = (count: number, at: number | null = null) => {
  const tokens = Array.from({ length: count }, () => ({
    id: Math.floor(200_000 * random() ** 3),
    text: anyText(),
    logprob: anyLogprob(),
    alternatives: Array.from({ length: Math.floor(6 * random()) }, () => ({ text: anyText(), logprob: anyLogprob() })),
  }));
  return logTokens(tokens.map(({ text }) => text).join(''), tokens, at);
};

describe('[LOG15] packed tokens', () => {
  it('are what was packed, bit for bit', () => {
    for (let n = 0; n < 300; n++) {
      const events = Array.from({ length: 1 + Math.floor(5 * random()) }, () =>
        anyTokens(Math.floor(4 * random()), random() < 0.3 ? Math.floor(1e6 * random()) : null),
      );
      const packed = packEvents(events)!;
      expect(unpackEvents(packed, 'a test')).toEqual(events);
      const count = events.reduce((sum, { tokens }) => sum + tokens.length, 0);
      expect(packed.tokens.readUInt16LE(1)).toBe(count);
    }
  });

  it('are not made of what they would change: it is kept as JSON', () => {
    const tokens: LogEvent[] = [
      ended('STOP', unused),
      { type: 'tokens', text: 'a', tokens: [[1, 'a', -0.1, []]] },
      { type: 'tokens', text: 'a', tokens: [[1, 'a', -1, [['b', -0.1]]]] },
      { type: 'tokens', text: 'a', tokens: [[1, 'a', -1, [['\ud800', -1]]]] },
      { type: 'tokens', text: 'ab', tokens: [[1, 'a', -1, []]] },
    ];
    for (const event of tokens) expect(packEvents([event])).toBeNull();
  });

  it('that are damaged are an error, whatever byte it is', () => {
    const { text, tokens } = packEvents([anyTokens(3), anyTokens(2)])!;
    for (let length = 0; length < tokens.length; length++) {
      expect(() => unpackEvents({ text, tokens: tokens.subarray(0, length) }, 'a test')).toThrow(StoredDataError);
    }
    expect(() => unpackEvents({ text: `${text}x`, tokens }, 'a test')).toThrow('a test cannot be read: tokens');
    expect(() => unpackEvents({ text, tokens: Buffer.concat([Buffer.of(9), tokens.subarray(1)]) }, 'a test')).toThrow(
      'another version',
    );
  });
});

describe('[LOG15] the rows of a draft that has ended', () => {
  it('hold up to 64 events each, and are read from any position as before', async () => {
    const database = await testDatabase();
    const listeners = createListeners({ database, wakeups: new LocalWakeups(), clock: systemClock });
    const store = new PostgresLog(database);
    const draft = newDraft({ listenerId: (await listeners.ensure('ann')).id });
    await store.create([{ draft, events: firstEvents() }]);
    const events = Array.from({ length: 150 }, () => anyTokens(1));
    const at = new Date();
    await store.append({ type: 'progress', fence: { draftId: draft.id, epoch: 1, sequence: 1 }, events, at });
    const before = await store.read(draft.id, 0, 1_000);
    const fence = { draftId: draft.id, epoch: 1, sequence: 151 };
    await store.append({ type: 'progress', fence, events: [ended('LENGTH', unused)], at });
    const sequences = async () => {
      const rows = await database.sql<{ sequence: number }[]>`
        select sequence from draft_events where draft_id = ${draft.id} order by sequence`;
      return rows.map(({ sequence }) => sequence);
    };
    // Readers of the end do not wait for this.
    await expect.poll(sequences).toEqual([1, 65, 129, 151, 152]);
    // As docs/sizing.md says of a token, without the index.
    const [size] = await database.sql<[{ bytes: number }]>`
      select sum(pg_column_size(e.*))::float8 as bytes from draft_events e where draft_id = ${draft.id}`;
    expect(size.bytes / 150).toBeLessThan(100);
    const all = [...before, ...(await store.read(draft.id, 151, 10))];
    expect(all.map(({ event }) => event).slice(1, -1)).toEqual(events);
    for (const [after, limit] of [
      [0, 1_000],
      [0, 5],
      [1, 64],
      [40, 3],
      [64, 10],
      [65, 10],
      [128, 100],
      [151, 5],
      [152, 5],
    ] as const) {
      const wanted = { draftId: draft.id, after, epoch: null, limit };
      expect(await store.read(draft.id, after, limit)).toEqual(all.slice(after, after + limit));
      expect(await store.news([wanted])).toEqual([all.slice(after, after + limit)]);
    }
    // Once only the text is kept, what is written later is found in spite of the gap.
    await store.compact(new Date('2100-01-01'), 10);
    expect(await store.read(draft.id, 0, 5)).toEqual([]);
  });
});

it.each([true, false])(
  '[LOG15] the alternatives of tokens are kept if the server says so: %s',
  async (keepsAlternatives) => {
    const database = await testDatabase();
    const parts = { database, wakeups: new LocalWakeups(), clock: systemClock, log: silentLogger };
    const ann: Viewer = { listener: await createListeners(parts).ensure('ann'), roles: new Set(['LISTENER']) };
    const store = new PostgresLog(database);
    const drafts = createDrafts({ ...parts, engine: new ScriptedEngine({}), store, keepsAlternatives });
    onTestFinished(() => drafts[Symbol.asyncDispose]());
    const { id } = await drafts.start(ann, { kind: 'POEM', prompt: 'Snow', sampling: { maxTokens: 5, seed: 5 } });
    for await (const _ of drafts.follow(ann, id, null));
    const entries = await store.read(id, 0, 100);
    const kept = entries.flatMap(({ event }) => (event.type === 'tokens' ? event.tokens : []));
    expect(kept).toHaveLength(5);
    expect(kept.some(([, , , alternatives]) => alternatives.length > 0)).toBe(keepsAlternatives);
  },
);
