import { describe, expect, it } from 'vitest';
import { bearer, secretAuth } from '../support/access/tokens.ts';
import { type Answer, ask, startListening } from '../support/listening.ts';

const QUERY = `query($text: String, $draftId: ID) {
  analyseText(text: $text, draftId: $draftId) {
    language findingCount
    verse { stanzas { scheme lines { syllables } } }
    findings { kind start end value reason reasonZh: reason(locale: ZH) suggestion { start end text } valueWithSuggestion }
  }
}`;
const START = `mutation { startDraft(input: { kind: STORY, prompt: "snow" }) { ... on StartDraftSuccess { draft { id } } } }`;

interface Sent {
  analyseText: {
    findings: { start: number; end: number; suggestion: object | null; reasonZh: string }[];
    language: string;
  };
}

const codeOf = ({ errors }: Answer) => errors?.[0]?.extensions?.code;

describe('analyseText', () => {
  it('answers with positions in characters [REPORT2]', async () => {
    const { graphqlUrl } = await startListening();
    const { data } = await ask(graphqlUrl, QUERY, { text: '💥💥 She saw the the harbour.' });
    const { findings, language } = (data as unknown as Sent).analyseText;
    expect(language).toBe('EN');
    expect(findings).toEqual([
      expect.objectContaining({ kind: 'REPEATED_WORD', start: 11, end: 18, value: 1, valueWithSuggestion: 0 }),
    ]);
    expect(findings[0]).toMatchObject({
      suggestion: { start: 14, end: 18, text: '' },
      reasonZh: '“the”连续出现了2次。',
    });
  });

  it('wants one of text and draft, and says which argument is wrong [REPORT6]', async () => {
    const { graphqlUrl } = await startListening();
    for (const wrong of [{}, { text: 'a', draftId: 'x' }, { text: 'x'.repeat(200_001) }, { draftId: 'nothing' }]) {
      const answer = await ask(graphqlUrl, QUERY, wrong);
      expect(codeOf(answer), JSON.stringify(wrong).slice(0, 50)).toBe('INVALID_INPUT');
    }
  });

  it('analyses a draft for whoever may read it, and for nobody else [REPORT9]', async () => {
    const { graphqlUrl } = await startListening({ config: { auth: secretAuth } });
    const ann = await bearer('ann');
    const started = await ask(graphqlUrl, START, {}, ann);
    const draftId = (started.data as { startDraft: { draft: { id: string } } }).startDraft.draft.id;
    // A draft that has just begun is empty, in no language.
    const reading = async () => (await ask(graphqlUrl, QUERY, { draftId }, ann)).data;
    await expect.poll(reading).toMatchObject({ analyseText: { language: 'EN' } });
    expect(codeOf(await ask(graphqlUrl, QUERY, { draftId }, await bearer('bob')))).toBe('NOT_FOUND');
  });
});
