import WebSocket from 'ws';
import { type ClientOptions, request } from './client.ts';
import { followDraft } from './follow-draft.ts';
import { RecommendDocument, SetReactionDocument, StartDraftDocument } from './generated/graphql.ts';

const [url = 'http://127.0.0.1:4000/graphql'] = process.argv.slice(2);

/** One of them is terminated below. */
const sockets: WebSocket[] = [];
class CuttableSocket extends WebSocket {
  constructor(address: string, protocol: string) {
    super(address, protocol);
    sockets.push(this);
  }
}
const options: ClientOptions = { url, listenerId: 'example-client', webSocket: CuttableSocket };

const { recommendations } = await request(options, RecommendDocument, { first: 5, text: 'slow piano jazz' });
for (const { rank, track, explanation } of recommendations.nodes) {
  const artists = track.artists.map(({ artist }) => artist.name).join(', ');
  const album = track.album ? ` (${track.album.title})` : '';
  console.log(`${rank}. ${track.title}, ${artists}${album}: ${explanation.summary}`);
}

const liked = recommendations.nodes[0];
if (liked) {
  const variables = { trackId: liked.track.id, reaction: 'LIKE' as const, requestId: recommendations.requestId };
  const { setReaction } = await request(options, SetReactionDocument, variables);
  console.log(`\nLiked "${liked.track.title}": ${setReaction.__typename}\n`);
}

const { startDraft } = await request(options, StartDraftDocument, {
  kind: 'POEM',
  prompt: 'The first snow',
  maxTokens: 80,
});
if (startDraft.__typename !== 'StartDraftSuccess') throw new Error(startDraft.message);

const { id, cursor, text } = startDraft.draft;
// A fast model has already started; the cursor is after what it has written.
process.stdout.write(text);
let seen = 0;
for await (const event of followDraft(options, id, { after: cursor })) {
  if (event.__typename === 'TokensAppended') process.stdout.write(event.text);
  if (event.__typename === 'DraftStatusChanged') console.log(`\n[${event.status}]`);
  // Simulates a lost mobile connection: the socket is gone without a close frame, and the text continues nevertheless.
  if (++seen === 20) sockets[0]?.terminate();
}
