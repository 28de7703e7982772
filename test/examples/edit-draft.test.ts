import { expect, it, onTestFinished } from 'vitest';
import WebSocket from 'ws';
import { type ClientOptions, request } from '../../examples/client/client.ts';
import { followDraft, textAfter } from '../../examples/client/follow-draft.ts';
import {
  ContinueDraftDocument,
  type DraftTextFragment,
  ReadDraftDocument,
  StartDraftDocument,
} from '../../examples/client/generated/graphql.ts';
import { overSse } from '../../examples/client/over-sse.ts';
import { saveText } from '../../examples/clients/edit-draft.ts';
import { startListening } from '../support/listening.ts';
import { ScriptedEngine } from '../support/models/scripted-engine.ts';

async function open(options: ClientOptions, id: string): Promise<DraftTextFragment> {
  const { draft } = await request(options, ReadDraftDocument, { id });
  if (!draft) throw new Error('there is no draft');
  return draft;
}

it('an editor has typed text between generated text, and a stale tab overwrites nothing', async () => {
  const { graphqlUrl } = await startListening({ engine: new ScriptedEngine() });
  const options: ClientOptions = { url: graphqlUrl, webSocket: WebSocket };
  const variables = { kind: 'POEM' as const, prompt: 'The first snow', maxTokens: 6, seed: 7 };
  const { startDraft } = await request(options, StartDraftDocument, variables);
  if (startDraft.__typename !== 'StartDraftSuccess') throw new Error(startDraft.__typename);
  const { id } = startDraft.draft;
  for await (const _ of followDraft(options, id));

  /** A second tab, which shows what it is told and is told for as long as it is open. */
  const closing = new AbortController();
  onTestFinished(() => closing.abort());
  const events = followDraft(options, id, { keepOpen: true, over: overSse, signal: closing.signal });
  let shown = '';
  const until = async (text: string): Promise<void> => {
    while (shown !== text) {
      const next = await events.next();
      if (next.done === true) throw new Error('the stream has ended');
      shown = textAfter(shown, next.value);
    }
  };
  const [here, there] = [await open(options, id), await open(options, id)];
  await until(here.text);

  const mine = await saveText(options, here, `${here.text}🌨 mine, `);
  expect(mine).toMatchObject({ outcome: 'saved', draft: { text: `${here.text}🌨 mine, ` } });
  await until(mine.draft.text);
  expect(await saveText(options, there, 'theirs')).toEqual({ outcome: 'conflict', draft: mine.draft });

  const { continueDraft } = await request(options, ContinueDraftDocument, {
    ...{ draftId: id, at: Array.from(mine.draft.text).length - 1, ifRevision: mine.draft.revision },
    ...{ maxTokens: 3, key: 'more' },
  });
  expect(continueDraft.__typename).toBe('ContinueDraftSuccess');
  for await (const _ of followDraft(options, id));
  const { text, ranges } = await open(options, id);
  await until(text);
  const pieces = ranges.map(({ start, end, turn }) => [turn, Array.from(text).slice(start, end).join('')]);
  expect(pieces.filter(([turn]) => turn === null)).toEqual([
    [null, '🌨 mine,'],
    [null, ' '],
  ]);
  expect(pieces.map(([turn]) => turn)).toEqual([1, null, 2, null]);
  expect(pieces.map(([, piece]) => piece).join('')).toBe(text);
});
