import * as Y from 'yjs';
import { ask } from '../listening.ts';
import { base64, bytesOf, type Place } from './documents.ts';

export interface AssistAnswer {
  __typename: string;
  message?: string;
  field?: string;
  assist?: AssistSeen;
}

export interface AssistSeen {
  id: string;
  status: string;
  reason: string | null;
  clientId: number;
  undoneAt: string | null;
  modelDigest: string | null;
  messages: { role: string; content: string }[];
  samplings: { seed: number; maxTokens: number }[];
  base: { cursor: string; stateVector: string; before: string; passage: string; after: string };
  drafts: { id: string; text: string }[];
}

const SEEN = `id status reason clientId undoneAt modelDigest messages { role content } samplings { seed maxTokens }
  base { cursor stateVector before passage after } drafts { id text }`;
const RESULT = (success: string) =>
  `__typename ... on Error { message } ... on InvalidInputError { field } ... on ${success} { assist { ${SEEN} } }`;

async function answer({ graphqlUrl, headers = {} }: Place, query: string, variables: object): Promise<AssistAnswer> {
  const { data, errors } = await ask(graphqlUrl, query, { ...variables }, headers);
  if (errors) throw new Error(JSON.stringify(errors));
  return Object.values(data!)[0] as AssistAnswer;
}

export const assist = (place: Place, input: object): Promise<AssistAnswer> =>
  answer(place, `mutation ($input: AssistInput!) { assist(input: $input) { ${RESULT('AssistSuccess')} } }`, { input });

export const undoAssist = (place: Place, id: string): Promise<AssistAnswer> =>
  answer(place, `mutation ($id: ID!) { undoAssist(id: $id) { ${RESULT('UndoAssistSuccess')} } }`, { id });

export const cancelAssist = (place: Place, id: string): Promise<AssistAnswer> =>
  answer(place, `mutation ($id: ID!) { cancelAssist(id: $id) { ${RESULT('CancelAssistSuccess')} } }`, { id });

export const seeAssist = async (place: Place, id: string): Promise<AssistSeen | null> =>
  (await answer(place, `query ($id: ID!) { node(id: $id) { ... on Assist { ${SEEN} } } }`, {
    id,
  })) as unknown as AssistSeen | null;

export async function statusOf(place: Place, id: string): Promise<string | undefined> {
  const seen = await seeAssist(place, id);
  return seen?.reason ?? seen?.status;
}

/** The server's document. */
export async function stateOf({ graphqlUrl, headers = {} }: Place, id: string): Promise<Y.Doc> {
  const { data } = await ask(graphqlUrl, 'query ($id: ID!) { document(id: $id) { state } }', { id }, headers);
  const doc = new Y.Doc();
  Y.applyUpdate(doc, bytesOf((data as { document: { state: string } }).document.state));
  return doc;
}

/** The first occurrence of a part of the text, as a range. */
export function rangeOf(doc: Y.Doc, part: string): { start: string; end: string } {
  const text = doc.getText('text');
  const start = text.toJSON().indexOf(part);
  const at = (index: number) => base64(Y.encodeRelativePosition(Y.createRelativePositionFromTypeIndex(text, index)));
  return { start: at(start), end: at(start + part.length) };
}

/** What an assist's row says was asked for. */
export const ASKED = {
  ...{ task: 'CONTINUE', instruction: null, tone: null, modelId: 'none', digest: null, samplings: [], messages: [] },
  ...{ before: '', passage: '', after: '', delta: [], place: 'AQR0ZXh0QQ==', removal: null },
  ...{ mode: 'WRITE', range: null, cursor: 'none', stateVector: 'AA==', asAdmin: false },
};
