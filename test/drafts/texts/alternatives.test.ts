import { expect, it } from 'vitest';
import type { Draft, Drafts, GroupEvent, StartDraftInput } from '../../../src/drafts/drafts.ts';
import {
  ForbiddenError,
  IdempotencyConflictError,
  InvalidInputError,
  NotFoundError,
  OverloadedError,
} from '../../../src/lib/errors.ts';
import type { Viewer } from '../../../src/listeners/listeners.ts';
import { describeOnBothLogs } from '../../support/drafts/both-logs.ts';
import { type DraftRoom, ended, textAfterEvent } from '../../support/drafts/draft-room.ts';
import { eventually } from '../../support/time/eventually.ts';

const poem = (extra: Partial<StartDraftInput> = {}): StartDraftInput => ({
  ...{ kind: 'POEM', prompt: 'Snow on the sea', form: { preset: 'FREE' }, sampling: { maxTokens: 12, seed: 40 } },
  ...extra,
});

async function groupOf(drafts: Drafts, viewer: Viewer, { groupId }: Draft): Promise<readonly Draft[]> {
  return (await drafts.groupsByIds(viewer, [groupId ?? ''])).get(groupId ?? '')?.drafts ?? [];
}

async function collect(events: AsyncIterable<GroupEvent>): Promise<GroupEvent[]> {
  const all: GroupEvent[] = [];
  for await (const event of events) all.push(event);
  return all;
}

/** What the events amount to for each draft, on top of what was known. */
function textsAfter(events: readonly GroupEvent[], before = new Map<string, string>()): Map<string, string> {
  const texts = new Map(before);
  for (const { draftId, event } of events)
    if (event) texts.set(draftId, textAfterEvent(texts.get(draftId) ?? '', event));
  return texts;
}

const rowsOf = async ({ database }: DraftRoom): Promise<number> => {
  const [row] = await database.sql<{ n: number }[]>`select count(*)::int as n from drafts`;
  return row?.n ?? -1;
};

describeOnBothLogs((open) => {
  it('[ALT1] alternatives are a group, and each is what it would be alone with its seed', async () => {
    const room = await open();
    const [ann, { drafts }] = [await room.viewer('ann', 'LISTENER'), await room.node()];
    const first = await drafts.start(ann, poem({ alternatives: 8 }));
    expect(first).toMatchObject({ alternative: 1, sampling: { seed: 40 } });
    for (const { id } of await groupOf(drafts, ann, first)) await ended(drafts, ann, { id });
    const group = await groupOf(drafts, ann, first);
    expect(group.map(({ alternative, sampling }) => [alternative, sampling.seed])).toEqual(
      Array.from({ length: 8 }, (_, i) => [i + 1, 40 + i]),
    );
    for (const { text, sampling } of group) {
      const alone = await ended(
        drafts,
        ann,
        await drafts.start(ann, poem({ sampling: { maxTokens: 12, seed: sampling.seed } })),
      );
      expect(alone).toMatchObject({ text, groupId: null, alternative: null });
    }
    const drawn = await groupOf(
      drafts,
      ann,
      await drafts.start(ann, poem({ alternatives: 3, sampling: { maxTokens: 1 } })),
    );
    expect(new Set(drawn.map(({ sampling }) => sampling.seed)).size).toBe(3);
  });

  it('[ALT1] [DRAFT1] a request that is repeated returns the first group, and starts nothing', async () => {
    const room = await open();
    const [ann, { drafts }] = [await room.viewer('ann', 'LISTENER'), await room.node()];
    const input = poem({ alternatives: 3, idempotencyKey: 'once' });
    const started = await Promise.all([drafts.start(ann, input), drafts.start(ann, input)]);
    expect((await drafts.start(ann, input)).id).toBe(started[0].id);
    expect(started[1].id).toBe(started[0].id);
    expect(await rowsOf(room)).toBe(3);
    await expect(drafts.start(ann, { ...input, alternatives: 4 })).rejects.toThrow(IdempotencyConflictError);
  });

  it('[ALT1] [ERR2] is started whole or not at all', async () => {
    const room = await open();
    const ann = await room.viewer('ann', 'LISTENER');
    const { drafts, engine } = await room.node({ queue: 5, granted: 0 });
    await expect(drafts.start(ann, poem({ alternatives: 6 }))).rejects.toThrow(OverloadedError);
    for (const alternatives of [0, 9, -1])
      await expect(drafts.start(ann, poem({ alternatives }))).rejects.toMatchObject({ field: 'input.alternatives' });
    await expect(drafts.start(ann, poem({ alternatives: 9 }))).rejects.toThrow(InvalidInputError);
    expect(await rowsOf(room)).toBe(0);
    // All places were given back.
    await drafts.start(ann, poem({ alternatives: 5 }));
    expect(engine.requests.length).toBeLessThanOrEqual(5);
    expect(await rowsOf(room)).toBe(5);
  });

  it('[ALT2] [LOG2] one reader gets the events of all, and from any cursor on the rest', async () => {
    const room = await open();
    const [ann, { drafts }] = [await room.viewer('ann', 'LISTENER'), await room.node()];
    const { groupId, ...first } = await drafts.start(ann, poem({ alternatives: 4 }));
    const follow = (after: string | null) => drafts.followGroup(ann, groupId ?? '', after);
    const events = await collect(follow(null));
    const texts = new Map((await groupOf(drafts, ann, { ...first, groupId })).map(({ id, text }) => [id, text]));
    expect(textsAfter(events)).toEqual(texts);
    for (let read = 1; read <= events.length; read += 5) {
      const known = events.slice(0, read);
      const rest = await collect(follow(known.at(-1)?.cursor ?? null));
      expect(textsAfter(rest, textsAfter(known))).toEqual(texts);
      const places = new Set([...known, ...rest].map(({ draftId, event }) => `${draftId} ${event?.cursor}`));
      expect(places.size).toBe(known.length + rest.length);
    }
    const other = await drafts.start(ann, poem({ alternatives: 2 }));
    await expect(collect(drafts.followGroup(ann, other.groupId ?? '', events[0]?.cursor ?? null))).rejects.toThrow(
      InvalidInputError,
    );
    await expect(collect(drafts.followGroup(ann, first.id, null))).rejects.toThrow(NotFoundError);
    await expect(
      collect(drafts.followGroup(await room.viewer('bob', 'LISTENER'), groupId ?? '', null)),
    ).rejects.toThrow(NotFoundError);
  });

  it('[ALT2] a reader that leaves while nothing happens is released at once', async () => {
    const room = await open();
    const ann = await room.viewer('ann', 'LISTENER');
    const { drafts } = await room.node({ granted: 0 });
    const { groupId } = await drafts.start(ann, poem({ alternatives: 2 }));
    const reading = drafts.followGroup(ann, groupId ?? '', null);
    for (let i = 0; i < 2; i++) await reading.next();
    const waiting = reading.next();
    await reading.return?.();
    expect(room.wakeups.size).toBe(0);
    await waiting;
    expect((await reading.next()).done).toBe(true);
  });

  it('[ALT3] the chosen one stays, goes on being written, and the others end and are gone', async () => {
    const room = await open();
    const ann = await room.viewer('ann', 'LISTENER');
    const { drafts, engine } = await room.node({ granted: 0, queue: 4 });
    const first = await drafts.start(ann, poem({ alternatives: 4 }));
    const group = await groupOf(drafts, ann, first);
    const reading = collect(drafts.followGroup(ann, first.groupId ?? '', null));
    engine.grant(10);
    const chosen = group[2]?.id ?? '';
    expect(await drafts.choose(ann, chosen)).toMatchObject({ id: chosen, alternative: 3 });
    expect(await groupOf(drafts, ann, first)).toHaveLength(1);
    expect(await rowsOf(room)).toBe(1);
    engine.grant(1000);
    const alone = await ended(drafts, ann, { id: chosen });
    expect(alone).toMatchObject({ status: 'COMPLETED', finishReason: 'LENGTH' });
    const events = await reading;
    const gone = events.filter(({ event }) => event === null).map(({ draftId }) => draftId);
    expect(new Set(gone)).toEqual(new Set(group.map(({ id }) => id).filter((id) => id !== chosen)));
    expect(textsAfter(events).get(chosen)).toBe(alone.text);
    // Repeating it changes nothing, and the places of the others are free.
    expect((await drafts.choose(ann, chosen)).sequence).toBe(alone.sequence);
    await drafts.start(ann, poem({ alternatives: 4 }));
    await expect(drafts.choose(ann, group[0]?.id ?? '')).rejects.toThrow(NotFoundError);
  });

  it('[ALT3] of several choices at once the first counts', async () => {
    const room = await open();
    const ann = await room.viewer('ann', 'LISTENER');
    const [one, other] = [(await room.node({ granted: 0 })).drafts, (await room.node()).drafts];
    const group = await groupOf(one, ann, await one.start(ann, poem({ alternatives: 5 })));
    const choices = await Promise.allSettled(group.map(({ id }, i) => (i % 2 ? one : other).choose(ann, id)));
    expect(choices.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const choice of choices) if (choice.status === 'rejected') expect(choice.reason).toBeInstanceOf(NotFoundError);
    expect(await rowsOf(room)).toBe(1);
  });

  it('[ALT3] [DRAFT3] only the owner chooses, and a draft that is alone is not changed', async () => {
    const room = await open();
    const [ann, bob, { drafts }] = [
      await room.viewer('ann', 'LISTENER'),
      await room.viewer('bob', 'LISTENER'),
      await room.node(),
    ];
    const shared = await drafts.start(ann, poem({ alternatives: 2, visibility: 'SHARED' }));
    await expect(drafts.choose(bob, shared.id)).rejects.toThrow(ForbiddenError);
    const hidden = await drafts.start(ann, poem({ alternatives: 2 }));
    await expect(drafts.choose(bob, hidden.id)).rejects.toThrow(NotFoundError);
    const alone = await ended(drafts, ann, await drafts.start(ann, poem()));
    expect(await drafts.choose(ann, alone.id)).toEqual(alone);
    expect(await rowsOf(room)).toBe(5);
  });

  it('[ALT1] [LOG5] alternatives whose node was stopped are taken up, and end as they would have', async () => {
    const room = await open();
    const ann = await room.viewer('ann', 'LISTENER');
    const { drafts, engine } = await room.node({ granted: 0 });
    const first = await drafts.start(ann, poem({ alternatives: 4 }));
    engine.grant(17);
    await eventually(async () => {
      const written = (await groupOf(drafts, ann, first)).map(({ usage }) => usage.completionTokens);
      expect(written.reduce((sum, tokens) => sum + tokens, 0)).toBe(17);
    });
    await drafts[Symbol.asyncDispose]();
    const next = (await room.node()).drafts;
    next.recover();
    const events = await collect(next.followGroup(ann, first.groupId ?? '', null));
    for (const { id, sampling, text } of await groupOf(next, ann, first)) {
      const alone = await ended(
        next,
        ann,
        await next.start(ann, poem({ sampling: { maxTokens: 12, seed: sampling.seed } })),
      );
      expect([text, textsAfter(events).get(id)]).toEqual([alone.text, alone.text]);
    }
  });
});
