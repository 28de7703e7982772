import { describe, expect, it } from 'vitest';
import { bearer, secretAuth } from '../support/access/tokens.ts';
import { ask, startListening } from '../support/listening.ts';
import { firstOfStream } from '../support/streams.ts';

const START = `mutation { startDraft(input: { kind: STORY, prompt: "snow" }) { ... on StartDraftSuccess { draft { id } } } }`;
const FOLLOW = `subscription($draftId: ID!) { draftReport(draftId: $draftId) { revision report { measures { words } findingCount } } }`;
const ann = await bearer('ann');

async function startedDraft() {
  const listening = await startListening({ config: { auth: secretAuth } });
  const { data } = await ask(listening.graphqlUrl, START, {}, ann);
  return { ...listening, draftId: (data as { startDraft: { draft: { id: string } } }).startDraft.draft.id };
}

interface Live {
  draftReport: { revision: number; report: { measures: { words: number } } };
}

/** Every answer of a subscription until it ends. */
async function wholeStream(url: string, variables: object): Promise<Live[]> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'text/event-stream', ...ann },
    body: JSON.stringify({ query: FOLLOW, variables }),
  });
  const answers = Array.from((await response.text()).matchAll(/^data: (\{.+)$/gm), ([, data]) => data!);
  return answers.map((data) => (JSON.parse(data) as { data: Live }).data);
}

describe('draftReport', () => {
  it(
    'reports while a draft grows and ends with the report on its last text [REPORT10]',
    { timeout: 120_000 },
    async () => {
      const { graphqlUrl, draftId } = await startedDraft();
      const reports = await wholeStream(graphqlUrl, { draftId });
      const { data } = await ask(
        graphqlUrl,
        `{ draft(id: "${draftId}") { status } analyseText(draftId: "${draftId}") { measures { words } } }`,
        {},
        ann,
      );
      const { draft, analyseText } = data as {
        draft: { status: string };
        analyseText: { measures: { words: number } };
      };
      expect(draft.status).toBe('COMPLETED');
      expect(reports.at(-1)!.draftReport.report.measures.words).toBe(analyseText.measures.words);
      const revisions = reports.map(({ draftReport }) => draftReport.revision);
      expect(revisions).toEqual([...new Set(revisions)].toSorted((a, b) => a - b));
    },
  );

  it('is for whoever may read the draft [REPORT9]', async () => {
    const { graphqlUrl, draftId } = await startedDraft();
    const { errors } = await firstOfStream(graphqlUrl, FOLLOW, { draftId }, await bearer('bob'));
    expect(errors?.[0]?.extensions?.code).toBe('NOT_FOUND');
  });
});
