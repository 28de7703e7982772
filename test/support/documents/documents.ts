import * as Y from 'yjs';
import { ask } from '../listening.ts';

export const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
/** With a buffer of its own, as Yjs needs it. */
export const bytesOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'base64'));

/** Where a server is asked, and as whom. */
export interface Place {
  graphqlUrl: string;
  headers?: Record<string, string>;
}

interface Result {
  __typename: string;
  message?: string;
  field?: string;
  cursor?: string;
  stateVector?: string;
  missing?: string | null;
  document?: { id: string; title: string };
}

const ERRORS = '... on Error { message } ... on InvalidInputError { field }';

/** One mutation's result. @throws if GraphQL reports errors */
export async function mutate(
  { graphqlUrl, headers = {} }: Place,
  query: string,
  variables: Record<string, unknown>,
): Promise<Result> {
  const { data, errors } = await ask(graphqlUrl, query, variables, headers);
  if (errors) throw new Error(JSON.stringify(errors));
  return Object.values(data!)[0] as Result;
}

const CREATE = `mutation ($input: CreateDocumentInput!) { createDocument(input: $input) { __typename ${ERRORS}
  ... on CreateDocumentSuccess { document { id title } } } }`;

export async function createDocument(place: Place, text = '', title = 'A text'): Promise<string> {
  const { document } = await mutate(place, CREATE, { input: { title, text } });
  return document!.id;
}

const PUSH = `mutation ($input: PushUpdatesInput!) { pushUpdates(input: $input) { __typename ${ERRORS}
  ... on PushUpdatesSuccess { cursor stateVector missing } } }`;

export const push = (place: Place, documentId: string, updates: readonly Uint8Array[], stateVector?: Uint8Array) =>
  mutate(place, PUSH, {
    input: { documentId, updates: updates.map(base64), ...(stateVector && { stateVector: base64(stateVector) }) },
  });

/** What one change makes of a document, as an update. */
export function updateBy(doc: Y.Doc, change: (text: Y.Text) => void): Uint8Array {
  const before = Y.encodeStateVector(doc);
  doc.transact(() => change(doc.getText('text')));
  return Y.encodeStateAsUpdate(doc, before);
}

/** A document whose client has this id. */
export function docOf(clientId: number): Y.Doc {
  const doc = new Y.Doc();
  doc.clientID = clientId;
  return doc;
}

export async function textOf(
  { graphqlUrl, headers = {} }: Place,
  id: string,
  format = 'PLAIN',
): Promise<string | null> {
  const query = 'query ($id: ID!, $format: DocumentFormat) { document(id: $id) { text(format: $format) } }';
  const { data, errors } = await ask(graphqlUrl, query, { id, format }, headers);
  if (errors) throw new Error(JSON.stringify(errors));
  return (data as { document: { text: string } | null }).document?.text ?? null;
}
