import { expect, it } from 'vitest';
import { replacementBetween } from '../../../src/drafts/text/replacement.ts';
import { describeOnBothLogs } from '../../support/drafts/both-logs.ts';
import { ended, present } from '../../support/drafts/draft-room.ts';

const everything = { from: 0, first: 100 };

describeOnBothLogs((open) => {
  it('[TOKENS1] each token is where its text is, whatever was typed, cut, inserted and added around it', async () => {
    const room = await open();
    const [ann, { drafts }] = [await room.viewer('ann', 'LISTENER'), await room.node()];
    const form = { preset: 'FREE' } as const;
    const start = { kind: 'POEM', prompt: 'Snow', form, sampling: { maxTokens: 20, seed: 3 } } as const;
    let draft = await ended(drafts, ann, await drafts.start(ann, start));
    const check = async (): Promise<number> => {
      const tokens = await drafts.tokensOf(draft, everything);
      const characters = Array.from(draft.text);
      for (const token of tokens) {
        expect(characters.slice(token.start, token.end).join('')).toBe(token.text);
        expect(token).toMatchObject({ logprob: -0.5, alternatives: [{ logprob: -1.5 }] });
      }
      expect(tokens).toEqual([...tokens].sort((a, b) => a.start - b.start));
      return tokens.length;
    };
    expect(await check()).toBe(20);
    const type = async (text: string) => {
      draft = await drafts.update(ann, { draftId: draft.id, text, ifRevision: draft.sequence });
    };
    await type(`𝄞 typed ${draft.text}`);
    expect(await check()).toBe(20);
    const before = draft.text;
    const [third] = (await drafts.tokensOf(draft, everything)).slice(2);
    const cut = Array.from(draft.text)
      .toSpliced(third?.start ?? 0, 1, 'X')
      .join('');
    await type(cut);
    const changed = replacementBetween(before, cut);
    expect(await check()).toBe(20 - (changed?.start === third?.start ? 1 : 0));
    const at = { at: 3, ifRevision: draft.sequence, sampling: { maxTokens: 7, seed: 1 } };
    draft = await ended(drafts, ann, await drafts.continue(ann, { draftId: draft.id, ...at, form }));
    expect(await check()).toBe(26);
    draft = await ended(
      drafts,
      ann,
      await drafts.continue(ann, { draftId: draft.id, form, sampling: { maxTokens: 5 } }),
    );
    expect(await check()).toBe(31);
    const page = await drafts.tokensOf(draft, { from: 3, first: 4 });
    expect(page).toEqual((await drafts.tokensOf(draft, everything)).slice(0, 4));
    // What is compacted is known no more; what is written then is.
    await drafts.compact(new Date(Date.now() + 60_000), 10);
    draft = await present(drafts, ann, draft);
    expect(await check()).toBe(0);
    draft = await ended(
      drafts,
      ann,
      await drafts.continue(ann, { draftId: draft.id, form, sampling: { maxTokens: 5 } }),
    );
    expect(await check()).toBe(5);
  });

  it('[TOKENS1] [TREE1] a branch begins with the alternative that was chosen, and has no tokens for what it was given', async () => {
    const room = await open();
    const [ann, { drafts }] = [await room.viewer('ann', 'LISTENER'), await room.node()];
    const start = { kind: 'STORY', prompt: 'Snow', sampling: { maxTokens: 9, seed: 3 } } as const;
    const draft = await ended(drafts, ann, await drafts.start(ann, start));
    const [token] = (await drafts.tokensOf(draft, everything)).slice(4);
    const [at, text] = [token?.start ?? 0, token?.alternatives[0]?.text ?? ''];
    const asked = { draftId: draft.id, at, text, ifRevision: draft.sequence, sampling: { maxTokens: 3 } };
    const branch = await ended(drafts, ann, await drafts.branch(ann, asked));
    const given = Array.from(draft.text).slice(0, at).join('') + text;
    expect(branch.text.startsWith(given)).toBe(true);
    const tokens = await drafts.tokensOf(branch, everything);
    expect([tokens.length, tokens[0]?.start]).toEqual([3, Array.from(given).length]);
    for (const [from, first, field] of [
      [-1, 5, 'from'],
      [1_000, 5, 'from'],
      [0, 0, 'first'],
      [0, 101, 'first'],
    ] as const)
      await expect(drafts.tokensOf(draft, { from, first })).rejects.toMatchObject({ field });
  });
});
