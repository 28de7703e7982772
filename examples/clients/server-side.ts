import { print } from 'graphql';
import { FeedDocument, type FeedQuery } from '../client/generated/graphql.ts';

/**
 * The first page of a list for a page that is rendered on a server. The listener's own token is passed on, so the answer is the
 * listener's and must not be kept in a shared cache.
 *
 * @param authorization the request's `Authorization` header
 * @throws Error with what the server said
 */
export async function firstPage(url: string, authorization: string, signal: AbortSignal): Promise<FeedQuery> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization },
    body: JSON.stringify({ query: print(FeedDocument), variables: { first: 10 } }),
    // Whoever leaves before the page is there stops the work for it.
    signal,
  });
  const { data, errors } = (await response.json()) as { data?: FeedQuery; errors?: { message: string }[] };
  if (!data) throw new Error(errors?.map(({ message }) => message).join('; ') ?? response.statusText);
  return data;
}
