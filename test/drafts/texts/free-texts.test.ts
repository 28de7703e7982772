import { expect, it, vi } from 'vitest';
import { DraftRoom, ended } from '../../support/drafts/draft-room.ts';

vi.mock('../../../src/verse/words/load-words.ts', () => ({
  loadVerseWords: () => Promise.reject(new Error('a free text needs no words of forms')),
}));

it('[FORM10] a text without a form is written without the words of forms', async () => {
  const room = await DraftRoom.open();
  const ann = await room.viewer('ann', 'LISTENER');
  const { drafts } = await room.node();
  const sampling = { maxTokens: 3 };
  const story = { kind: 'STORY', prompt: 'Snow', sampling } as const;
  const freely = { kind: 'POEM', prompt: 'Snow', form: { preset: 'FREE' }, sampling } as const;
  for (const input of [story, freely]) {
    expect(await ended(drafts, ann, await drafts.start(ann, input))).toMatchObject({ status: 'COMPLETED' });
  }
  const verse = { kind: 'POEM', prompt: 'Snow', sampling } as const;
  await expect(drafts.start(ann, verse)).rejects.toThrow('words of forms');
});
