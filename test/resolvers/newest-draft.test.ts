import { expect, it } from 'vitest';
import { ask, startListening } from '../support/listening.ts';

it('[DRAFT16] newest: true means the newest text at its revision, or the newest passage', async () => {
  const { graphqlUrl } = await startListening();
  const send = async (field: string, input: string) => {
    const ok = `${field.charAt(0).toUpperCase()}${field.slice(1)}Success`;
    const { data, errors } = await ask(
      graphqlUrl,
      `mutation { ${field}(input: { ${input} }) { __typename ... on ${ok} { draft { id text status } }
        ... on InvalidInputError { field } ... on Error { message } } }`,
    );
    expect(errors, field).toBeUndefined();
    return data![field] as { __typename: string; field?: string; draft?: { id: string; text: string } };
  };
  const newest = async () => {
    const query = '{ viewer { drafts(first: 1) { nodes { id status text } } } }';
    const { data } = await ask(graphqlUrl, query);
    return (data as { viewer: { drafts: { nodes: { id: string; status: string; text: string }[] } } }).viewer.drafts
      .nodes[0];
  };
  const written = () => expect.poll(async () => (await newest())?.status).toBe('COMPLETED');

  expect(await send('updateDraft', 'newest: true, text: "a"')).toMatchObject({ __typename: 'NotFoundError' });
  const text = (await send('startDraft', 'kind: STORY, prompt: "Snow", sampling: { maxTokens: 3 }')).draft;
  await written();
  expect(await send('updateDraft', 'newest: true, text: "Snow fell."')).toMatchObject({
    draft: { text: 'Snow fell.' },
  });
  for (const refused of ['text: "b"', `newest: true, draftId: "${text?.id ?? ''}", text: "b"`])
    expect(await send('updateDraft', refused)).toMatchObject({ __typename: 'InvalidInputError' });
  expect(await send('applyRewrite', 'newest: true')).toMatchObject({ __typename: 'NotFoundError' });

  await send('rewriteDraft', 'newest: true, range: { start: 0, end: 4 }, sampling: { maxTokens: 3 }');
  await written();
  expect((await newest())?.id).not.toBe(text?.id);
  const applied = await send('applyRewrite', 'newest: true');
  expect(applied.draft).toMatchObject({ id: text?.id });
  expect(applied.draft?.text).toMatch(/ fell\.$/);
  expect((await send('continueDraft', 'newest: true, sampling: { maxTokens: 1 }')).draft).toMatchObject({
    id: text?.id,
  });
});
