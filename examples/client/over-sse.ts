import { print } from 'graphql';
import { GraphQLRequestError, identity, type Refusal } from './client.ts';
import { FollowDraftDocument } from './generated/graphql.ts';
import { eventOf, partsOf, type Result, type Transport } from './transport.ts';

/** Follows a draft over server-sent events with `fetch`, which can send a token, unlike EventSource. */
export const overSse: Transport = async function* (options, variables, { signal, heard }) {
  const response = await fetch(options.url, {
    method: 'POST',
    headers: { accept: 'text/event-stream', 'content-type': 'application/json', ...(await identity(options)) },
    body: JSON.stringify({ query: print(FollowDraftDocument), variables }),
    signal,
  });
  if (!isEventStream(response) || !response.body) throw await refusalOf(response);
  let text = '';
  for await (const chunk of partsOf(response.body.pipeThrough(new TextDecoderStream()))) {
    if (response.ok) heard();
    const blocks = (text + chunk).split('\n\n');
    // The last block is incomplete.
    text = blocks.pop() ?? '';
    for (const block of blocks) {
      if (block.startsWith('event: complete')) return;
      const data = /^data: (.+)$/m.exec(block)?.[1];
      if (data !== undefined) yield eventOf(JSON.parse(data) as Result);
    }
  }
  throw new Error('The stream broke off');
};

const isEventStream = ({ headers }: Response): boolean => headers.get('content-type') === 'text/event-stream';

/** The server's error about the request itself, or another error for temporary problems between client and server. */
async function refusalOf(response: Response): Promise<Error> {
  if (response.status >= 500 || response.status === 429) return new Error(`HTTP status ${response.status}`);
  const { errors } = (await response.json().catch(() => ({}))) as { errors?: Refusal[] };
  return new GraphQLRequestError(errors ?? [{ message: `HTTP status ${response.status}` }]);
}
