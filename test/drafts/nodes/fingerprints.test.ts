import { beforeEach, expect, it } from 'vitest';
import type { Draft, Drafts } from '../../../src/drafts/drafts.ts';
import type { Viewer } from '../../../src/listeners/listeners.ts';
import { describeOnBothLogs } from '../../support/drafts/both-logs.ts';
import { type DraftRoom, ended, present } from '../../support/drafts/draft-room.ts';
import { scriptedText } from '../../support/models/scripted-engine.ts';
import { eventually } from '../../support/time/eventually.ts';

describeOnBothLogs((open) => {
  let room: DraftRoom;
  let ann: Viewer;

  beforeEach(async () => {
    room = await open();
    ann = await room.viewer('ann', 'LISTENER');
  });

  const poem = { kind: 'POEM', prompt: 'Snow on the sea', sampling: { maxTokens: 12, seed: 3 } } as const;

  async function untilWritten(drafts: Drafts, draft: Draft, tokens: number): Promise<void> {
    await eventually(async () => {
      expect((await present(drafts, ann, draft)).usage.completionTokens).toBe(tokens);
    });
  }

  /** Takes up the drafts that are left, writes so many tokens altogether and ends as if it were killed. */
  async function goOn(fingerprint: string, granted: number, draft: Draft, tokens: number): Promise<void> {
    const { drafts } = await room.node({ fingerprint, granted });
    drafts.recover();
    await untilWritten(drafts, draft, tokens);
    await drafts[Symbol.asyncDispose]();
  }

  async function begun(fingerprint: string, granted: number) {
    const { drafts, engine } = await room.node({ fingerprint, granted });
    const draft = await drafts.start(ann, poem);
    await untilWritten(drafts, draft, granted);
    await drafts[Symbol.asyncDispose]();
    return { draft, text: scriptedText({ messages: engine.requests[0]!.messages, sampling: draft.sampling }) };
  }

  async function finishedBy(fingerprint: string, draft: Draft) {
    const { drafts } = await room.node({ fingerprint });
    drafts.recover();
    return { drafts, end: await ended(drafts, ann, draft) };
  }

  it('[OWN8] the row of a draft that is being written tells what computes it', async () => {
    const { draft } = await begun('one', 5);
    const row = () =>
      room.database.sql`select status, usage ->> 'computedBy' as "computedBy" from drafts where id = ${draft.id}`;
    expect(await row()).toEqual([{ status: 'GENERATING', computedBy: 'one' }]);
    await goOn('two', 2, draft, 7);
    expect(await row()).toEqual([{ status: 'GENERATING', computedBy: 'two' }]);
  });

  it('[OWN1] a draft that is taken up by what computes alike is as if it had never been left', async () => {
    const { draft, text } = await begun('one', 5);
    await goOn('one', 2, draft, 7);
    const { end } = await finishedBy('one', draft);
    expect(end).toMatchObject({ status: 'COMPLETED', text });
    expect(end.usage).toMatchObject({ computedBy: 'one' });
    expect(end.usage).not.toHaveProperty('continuedElsewhere');
  });

  it('[OWN1] a draft that is taken up by what computes otherwise goes on from its tokens, and its usage tells', async () => {
    const { draft, text } = await begun('one', 5);
    const { drafts, end } = await finishedBy('two', draft);
    expect(end).toMatchObject({ status: 'COMPLETED', text });
    expect(end.usage).toMatchObject({ computedBy: 'two', continuedElsewhere: true });
    // Later turns change nothing in that.
    const { id } = await drafts.continue(ann, { draftId: draft.id, instruction: 'And the wind?' });
    expect((await ended(drafts, ann, { id })).usage).toMatchObject({ computedBy: 'two', continuedElsewhere: true });
  });

  it('[OWN1] a text that two have written is never told to be of one, and one that a second only took up is', async () => {
    const both = await begun('one', 5);
    await goOn('two', 2, both.draft, 7);
    const ofBoth = (await finishedBy('one', both.draft)).end;
    expect(ofBoth.usage).toMatchObject({ computedBy: 'one', continuedElsewhere: true });

    const one = await begun('one', 5);
    const { drafts, engine } = await room.node({ fingerprint: 'two', granted: 0 });
    drafts.recover();
    await eventually(() => expect(engine.requests).toHaveLength(1));
    await drafts[Symbol.asyncDispose]();
    const ofOne = (await finishedBy('one', one.draft)).end;
    expect(ofOne).toMatchObject({ text: one.text, usage: { computedBy: 'one' } });
    expect(ofOne.usage).not.toHaveProperty('continuedElsewhere');
  });

  it('[OWN1] tokens from before fingerprints were recorded are not told to be computed alike', async () => {
    const { draft } = await begun('', 5);
    const { end } = await finishedBy('one', draft);
    expect(end.usage).toMatchObject({ continuedElsewhere: true });
  });
});
