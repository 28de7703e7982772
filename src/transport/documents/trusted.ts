import { GraphQLError } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { Config } from '../../config.ts';
import { may, type Viewer } from '../../listeners/listeners.ts';
import type { Context } from '../../resolvers/context.ts';

/** What an operation is asked for with. */
interface Asked {
  query?: string | null | undefined;
  documentId?: unknown;
}

/** The text of an operation's document, whether it was sent or registered before. @throws GraphQLError */
export type FindDocument = (asked: Asked, context: Pick<Context, 'trusted' | 'viewer'>) => string | undefined;

/**
 * Documents that were registered are named by `documentId`, as the appendix of GraphQL over HTTP on persisted documents
 * has it ([TRUST1]). In the mode `required` no others are executed ([TRUST2]).
 */
export function documentFinder({
  auth,
  documents,
}: Pick<Config, 'auth'> & Partial<Pick<Config, 'documents'>>): FindDocument {
  const isExempt = (viewer: Viewer): boolean =>
    documents === 'required-except-admin' && auth !== null && may(viewer, 'ADMIN');
  return ({ query, documentId }, { trusted, viewer }) => {
    if (documentId != null) return registered(documentId, query, trusted);
    const isFree = documents === undefined || documents === 'any' || isExempt(viewer);
    if (isFree || query == null || trusted.has(query)) return query ?? undefined;
    throw refusal(
      'PERSISTED_DOCUMENT_REQUIRED',
      'This server executes registered documents only: send the documentId of one, without query. Its operator registers a client’s with npm run documents',
      403,
    );
  };
}

function registered(documentId: unknown, query: Asked['query'], trusted: Context['trusted']): string {
  if (typeof documentId !== 'string') throw refusal('BAD_REQUEST', 'documentId is not a text', 400);
  if (query != null && query !== '') throw refusal('BAD_REQUEST', 'query and documentId were sent: choose one', 400);
  const text = trusted.textOf(documentId);
  if (text !== null) return text;
  throw refusal(
    'PERSISTED_DOCUMENT_NOT_FOUND',
    `There is no document with the documentId ${JSON.stringify(documentId.slice(0, 100))}: register it with npm run documents, or send its text as query`,
    404,
  );
}

/** Over HTTP the document is put in before Yoga looks for it. */
export function findDocuments(find: FindDocument): Plugin<object, { caller: { context: Context } }> {
  return {
    onParams: ({ params, request, context, setParams }) => {
      const { documentId: sent, ...rest } = params as typeof params & Asked;
      const documentId = request.method === 'GET' ? new URL(request.url).searchParams.get('documentId') : sent;
      const query = find({ query: params.query, documentId }, context.caller.context);
      setParams({ ...rest, ...(query !== undefined && { query }) });
    },
  };
}

const refusal = (code: string, message: string, status: number): GraphQLError =>
  new GraphQLError(message, { extensions: { code, http: { status } } });
