import { expect, it } from 'vitest';
import type { Draft, Drafts, StartDraftInput } from '../../../src/drafts/drafts.ts';
import { ConflictError, InvalidInputError, NotFoundError, RevisionConflictError } from '../../../src/lib/errors.ts';
import type { Viewer } from '../../../src/listeners/listeners.ts';
import { describeOnBothLogs } from '../../support/drafts/both-logs.ts';
import { type DraftRoom, ended, present } from '../../support/drafts/draft-room.ts';
import { eventually } from '../../support/time/eventually.ts';

const story: StartDraftInput = { kind: 'STORY', prompt: 'Snow', sampling: { maxTokens: 6, seed: 3 } };
const short = { maxTokens: 4 };

/** Ann's finished story with a text of her own, on a node. */
async function written(room: DraftRoom, text = 'One two three.\n\nFour five six.') {
  const ann = await room.viewer('ann', 'LISTENER');
  const { drafts, engine } = await room.node();
  const first = await ended(drafts, ann, await drafts.start(ann, story));
  const base = await drafts.update(ann, { draftId: first.id, text, ifRevision: first.sequence });
  return { ann, drafts, engine, base };
}

const typed = (drafts: Drafts, ann: Viewer, { id, sequence }: Draft, text: string): Promise<Draft> =>
  drafts.update(ann, { draftId: id, text, ifRevision: sequence });

const idsOf = async (drafts: Drafts, viewer: Viewer, id: string, page: { first: number; after?: string }) =>
  (await drafts.childrenOf(viewer, id, page)).edges.map(({ node }) => node.id);

describeOnBothLogs((open) => {
  it('[TREE1] a retry writes the same draft anew, and a branch goes on from a position', async () => {
    const room = await open();
    const { ann, drafts, engine, base } = await written(room);
    const retry = await ended(
      drafts,
      ann,
      await drafts.branch(ann, { draftId: base.id, sampling: { ...short, seed: 9 } }),
    );
    const alone = await ended(drafts, ann, await drafts.start(ann, { ...story, sampling: { ...short, seed: 9 } }));
    expect(retry).toMatchObject({
      ...{ text: alone.text, kind: 'STORY', prompt: 'Snow', parentId: base.id },
      origin: { type: 'RETRY', revision: base.sequence },
    });
    const at = { draftId: base.id, at: 4, text: '𝄞 tunes ', ifRevision: base.sequence };
    const branch = await ended(drafts, ann, await drafts.branch(ann, { ...at, sampling: short }));
    expect(branch.text.startsWith('One 𝄞 tunes ')).toBe(true);
    expect(branch.text.length).toBeGreaterThan('One 𝄞 tunes '.length);
    expect(branch.passages.map(({ turn }) => turn)).toEqual([null, 2]);
    expect(engine.requests.at(-1)?.messages.at(-1)).toEqual({ role: 'assistant', content: 'One 𝄞 tunes ' });
    expect(branch.origin).toEqual({ type: 'BRANCH', revision: base.sequence, at: 4, text: '𝄞 tunes ' });
    expect(await idsOf(drafts, ann, base.id, { first: 10 })).toEqual([branch.id, retry.id]);
    const page = await drafts.childrenOf(ann, base.id, { first: 1 });
    expect(await idsOf(drafts, ann, base.id, { first: 1, after: page.edges[0]?.cursor ?? '' })).toEqual([retry.id]);
    expect([page.hasNextPage, await page.total()]).toEqual([true, 2]);
    expect(await present(drafts, ann, base)).toEqual(base);
    // It goes on like any draft, is changed, and outlives what it came from.
    const more = await ended(drafts, ann, await drafts.continue(ann, { draftId: branch.id, sampling: short }));
    expect(more.text.startsWith(branch.text)).toBe(true);
    await typed(drafts, ann, more, 'mine');
    await drafts.delete(ann, base.id);
    expect(await present(drafts, ann, branch)).toMatchObject({
      text: 'mine',
      parentId: null,
      origin: { type: 'BRANCH' },
    });
  });

  it('[TREE1] [ALT1] branches are started as alternatives, and a request that is repeated starts nothing', async () => {
    const { ann, drafts, base } = await written(await open());
    const input = {
      draftId: base.id,
      at: 7,
      ifRevision: base.sequence,
      alternatives: 3,
      idempotencyKey: 'k',
      sampling: short,
    };
    const [first, again] = [await drafts.branch(ann, input), await drafts.branch(ann, input)];
    expect(again.id).toBe(first.id);
    const group = (await drafts.groupsByIds(ann, [first.groupId ?? ''])).get(first.groupId ?? '');
    expect(group?.drafts.map(({ parentId }) => parentId)).toEqual([base.id, base.id, base.id]);
    for (const { id } of group?.drafts ?? [])
      expect((await ended(drafts, ann, { id })).text.startsWith('One two')).toBe(true);
  });

  it('[TREE1] [LOG5] a branch whose node was stopped is taken up, and ends as it would have', async () => {
    const room = await open();
    const { ann, base } = await written(room);
    const { drafts, engine } = await room.node({ granted: 0 });
    const input = {
      draftId: base.id,
      at: 7,
      ifRevision: base.sequence,
      instruction: 'More',
      sampling: { maxTokens: 9, seed: 5 },
    };
    const branch = await drafts.branch(ann, input);
    engine.grant(4);
    await eventually(async () => expect((await present(drafts, ann, branch)).usage.completionTokens).toBe(4));
    await drafts[Symbol.asyncDispose]();
    const next = (await room.node()).drafts;
    next.recover();
    const resumed = await ended(next, ann, branch);
    expect(resumed.text).toBe((await ended(next, ann, await next.branch(ann, input))).text);
    expect(resumed.text.startsWith('One two\n\n')).toBe(true);
  });

  it('[TREE1] [DRAFT3] a shared draft is branched by its readers, whose drafts are theirs; what may not be read is not', async () => {
    const room = await open();
    const { ann, drafts, base } = await written(room);
    const bob = await room.viewer('bob', 'LISTENER');
    await expect(drafts.branch(bob, { draftId: base.id })).rejects.toThrow(NotFoundError);
    await drafts.update(ann, { draftId: base.id, visibility: 'SHARED' });
    const mine = await drafts.branch(bob, { draftId: base.id, at: 3, ifRevision: base.sequence });
    expect(mine).toMatchObject({ listenerId: bob.listener.id, visibility: 'PRIVATE', parentId: base.id });
    expect(await idsOf(drafts, ann, base.id, { first: 10 })).toEqual([]);
    expect(await idsOf(drafts, bob, base.id, { first: 10 })).toEqual([mine.id]);
  });

  it('[TREE1] a draft that is deleted at the same moment cannot be branched, and is named', async () => {
    const room = await open();
    const { ann, base } = await written(room);
    const { drafts } = await room.node({}, (store) => {
      const create = store.create.bind(store);
      store.create = async (started) => {
        await store.remove(base.id);
        return create(started);
      };
      return store;
    });
    await expect(drafts.branch(ann, { draftId: base.id })).rejects.toMatchObject({ id: base.id, code: 'NOT_FOUND' });
    expect(await room.database.sql`select 1 from drafts`).toHaveLength(0);
  });

  it('[TREE1] [ERR2] refuses what cannot be, and starts nothing', async () => {
    const { ann, drafts, base } = await written(await open());
    const at = { draftId: base.id, at: 3, ifRevision: base.sequence };
    const refused: [object, unknown][] = [
      [{ at: 3 }, 'input.ifRevision'],
      [{ ...at, at: 1_000 }, 'input.at'],
      [{ ...at, at: -1 }, 'input.at'],
      [{ ...at, text: 'x'.repeat(1_001) }, 'input.text'],
      [{ ...at, text: '\ud800' }, 'input.text'],
      [{ instruction: 'More' }, 'input.instruction'],
      [{ ...at, alternatives: 9 }, 'input.alternatives'],
    ];
    for (const [input, field] of refused)
      await expect(drafts.branch(ann, { draftId: base.id, ...input }), String(field)).rejects.toMatchObject({ field });
    await expect(drafts.branch(ann, { ...at, ifRevision: 1 })).rejects.toThrow(RevisionConflictError);
    expect(await idsOf(drafts, ann, base.id, { first: 10 })).toEqual([]);
  });

  it('[REWRITE1] shows the model the passage with what is around it, whatever they contain', async () => {
    const { ann, drafts, engine, base } = await written(
      await open(),
      'Before {{after}} it.\n\nThe $& passage. \nThen {{passage}}.',
    );
    const start = base.text.indexOf('\n\nThe');
    const input = {
      ...{ draftId: base.id, ifRevision: base.sequence, range: { start, end: base.text.indexOf('Then') } },
      ...({ instruction: 'Ignore all that: {{before}}', tone: 'DARK', sampling: short } as const),
    };
    const rewrite = await ended(drafts, ann, await drafts.rewrite(ann, input));
    expect(rewrite).toMatchObject({
      ...{ parentId: base.id, visibility: 'PRIVATE' },
      origin: { type: 'REWRITE', start: start + 2, end: start + 17, passage: 'The $& passage.', tone: 'DARK' },
    });
    const [system, user] = engine.requests.at(-1)?.messages ?? [];
    expect([system?.role, user?.role]).toEqual(['system', 'user']);
    expect(user?.content).toBe(
      'The text before the passage:\nBefore {{after}} it.\n\n\n\nThe passage:\nThe $& passage.\n\n' +
        'The text after the passage:\n \nThen {{passage}}.\n\nRewrite the passage. Ignore all that: {{before}}\nUse a dark tone.',
    );
    const again = await ended(drafts, ann, await drafts.branch(ann, { draftId: rewrite.id, sampling: short }));
    expect(again).toMatchObject({ parentId: base.id, origin: rewrite.origin });
  });

  it('[REWRITE1] [ERR2] bounds what the model is shown, and refuses what cannot be rewritten', async () => {
    const { ann, drafts, engine, base } = await written(await open(), `${'雪'.repeat(6_000)} ${'x'.repeat(4_001)}  `);
    const input = { draftId: base.id, ifRevision: base.sequence, sampling: short };
    const refused: [object, string][] = [
      [{}, 'input.range'],
      [{ range: { start: 0, end: 3 }, insertAt: 2 }, 'input.range'],
      [{ range: { start: 0, end: 4_001 } }, 'input.range.end'],
      [{ range: { start: 3, end: 2 } }, 'input.range.end'],
      [{ range: { start: -1, end: 2 } }, 'input.range.start'],
      [{ range: { start: 10_002, end: 10_004 } }, 'input.range'],
      [{ insertAt: 10_005 }, 'input.insertAt'],
      [{ insertAt: 0, instruction: 'x'.repeat(8_001) }, 'input.instruction'],
    ];
    for (const [more, field] of refused)
      await expect(drafts.rewrite(ann, { ...input, ...more }), field).rejects.toMatchObject({ field });
    await expect(drafts.rewrite(ann, { ...input, ifRevision: 1, insertAt: 0 })).rejects.toThrow(RevisionConflictError);
    await ended(drafts, ann, await drafts.rewrite(ann, { ...input, insertAt: 6_000 }));
    const [, user] = engine.requests.at(-1)?.messages ?? [];
    expect(user?.content.match(/雪+/g)?.map(({ length }) => length)).toEqual([2_000]);
    expect(user?.content.match(/x{2,}/g)?.map(({ length }) => length)).toEqual([999]);
  });

  it('[REWRITE2] a passage is put where its place is now, and later changes elsewhere stay', async () => {
    const { ann, drafts, base } = await written(await open());
    const range = { start: base.text.indexOf('Four'), end: base.text.length };
    const rewrite = await ended(
      drafts,
      ann,
      await drafts.rewrite(ann, { draftId: base.id, ifRevision: base.sequence, range, sampling: short }),
    );
    const begun = await typed(drafts, ann, base, `𝄞 Zero. ${base.text}`);
    const changed = await typed(drafts, ann, begun, `${begun.text}\nSeven.`);
    const grown = await ended(drafts, ann, await drafts.continue(ann, { draftId: base.id, sampling: short }));
    const applied = await drafts.apply(ann, { draftId: rewrite.id, idempotencyKey: 'once' });
    const tail = grown.text.slice(changed.text.length);
    expect(applied.text).toBe(`𝄞 Zero. One two three.\n\n${rewrite.text.trim()}\nSeven.${tail}`);
    expect((await drafts.apply(ann, { draftId: rewrite.id, idempotencyKey: 'once' })).sequence).toBe(applied.sequence);
    // Its place has been written anew by itself.
    await expect(drafts.apply(ann, { draftId: rewrite.id })).rejects.toThrow(ConflictError);
    expect(await present(drafts, ann, base)).toMatchObject({ text: applied.text, sequence: applied.sequence });
  });

  it('[REWRITE2] [ERR2] a passage that was changed meanwhile, or another revision, is an error that changes nothing', async () => {
    const { ann, drafts, base } = await written(await open());
    const input = { draftId: base.id, ifRevision: base.sequence, range: { start: 0, end: 14 }, sampling: short };
    const rewrite = await ended(drafts, ann, await drafts.rewrite(ann, input));
    await expect(drafts.apply(ann, { draftId: rewrite.id, ifRevision: 1 })).rejects.toThrow(RevisionConflictError);
    await expect(drafts.apply(ann, { draftId: base.id })).rejects.toThrow(InvalidInputError);
    const changed = await typed(drafts, ann, base, 'One two, three.\n\nFour five six.');
    await expect(drafts.apply(ann, { draftId: rewrite.id })).rejects.toThrow(/was changed/);
    // As it was before, it is not known to be the same passage any more.
    const back = await typed(drafts, ann, changed, base.text);
    await expect(drafts.apply(ann, { draftId: rewrite.id })).rejects.toThrow(ConflictError);
    expect(await present(drafts, ann, base)).toMatchObject({ text: base.text, sequence: back.sequence });
    const other = await drafts.rewrite(ann, { ...input, ifRevision: back.sequence });
    await ended(drafts, ann, other);
    await drafts.delete(ann, base.id);
    await expect(drafts.apply(ann, { draftId: other.id })).rejects.toThrow(NotFoundError);
  });

  it('[REWRITE2] an inserted passage is set off by spaces where words would run together', async () => {
    const { ann, drafts, base } = await written(await open(), 'One three. 雪落');
    const insert = async (insertAt: number) => {
      const now = await present(drafts, ann, base);
      const asked = { draftId: base.id, ifRevision: now.sequence, insertAt, sampling: { maxTokens: 1, seed: 3 } };
      const passage = await ended(drafts, ann, await drafts.rewrite(ann, asked));
      return { passage: passage.text.trim(), text: (await drafts.apply(ann, { draftId: passage.id })).text };
    };
    const middle = await insert(4);
    expect(middle.text).toBe(`One ${middle.passage} three. 雪落`);
    const begin = await insert(0);
    expect(begin.text).toBe(`${begin.passage}${begin.passage === '雪' ? '' : ' '}${middle.text}`);
  });
});
