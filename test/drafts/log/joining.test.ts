import { expect, it } from 'vitest';
import { ask, startListening } from '../../support/listening.ts';

it('[DRAFT17] what goes on from typed text or is inserted into it joins no words', async () => {
  const { graphqlUrl, engine } = await startListening();
  const send = async (query: string): Promise<{ text: string; revision: number; status: string }> => {
    const { data, errors } = await ask(graphqlUrl, query);
    expect(errors).toBeUndefined();
    const [answer] = Object.values(data ?? {}) as { draft: { text: string; revision: number; status: string } }[];
    return answer!.draft;
  };
  const change = (field: string, input: string) => {
    const success = `${field.charAt(0).toUpperCase()}${field.slice(1)}Success`;
    return send(`mutation { ${field}(input: { ${input} }) { ... on ${success} { draft { text revision status } } } }`);
  };
  const newest = async () => {
    const { data } = await ask(graphqlUrl, '{ viewer { drafts(first: 1) { nodes { text revision status } } } }');
    return (data as { viewer: { drafts: { nodes: { text: string; revision: number; status: string }[] } } }).viewer
      .drafts.nodes[0];
  };
  const written = () => expect.poll(async () => (await newest())?.status).toBe('COMPLETED');
  const goOn = async (text: string) => {
    await change('updateDraft', `newest: true, text: "${text}"`);
    await change('continueDraft', 'newest: true, sampling: { maxTokens: 2 }');
    await written();
    return engine.requests.at(-1)?.wordEnded;
  };

  await change('startDraft', 'kind: STORY, prompt: "Snow", sampling: { maxTokens: 3 }');
  await written();
  expect(await goOn('The first snow')).toBe(true);
  for (const text of ['The first sno', 'The snow.', 'Snow 12', 'Röstsnow', '雪']) expect(await goOn(text)).toBe(false);
  // What the model has written last may be a part of a word.
  await change('continueDraft', 'newest: true, sampling: { maxTokens: 2 }');
  await written();
  expect(engine.requests.at(-1)?.wordEnded).toBe(false);

  const { revision } = await change('updateDraft', 'newest: true, text: "Snow on harbours"');
  await change('continueDraft', `newest: true, at: 8, ifRevision: ${revision}, sampling: { maxTokens: 2 }`);
  await written();
  const inserted = (await newest())?.text.slice(8, -'harbours'.length);
  expect(inserted).toMatch(/\S $/);
  expect((await newest())?.text).toMatch(/^Snow on .* harbours$/s);
});
