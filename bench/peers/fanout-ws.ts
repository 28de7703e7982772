// A peer of `bench/fanout.ts`: bare ws. One buffer a draft and step, sent to every socket that named the draft in its URL.
// No protocol, no ids, no execution, no log: the floor.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import { isPublish, textOf } from '../fanout/work.ts';

const readers = new Map<string, Set<WebSocket>>();
const server = createServer();
const sockets = new WebSocketServer({ server, perMessageDeflate: false });
sockets.on('connection', (socket, { url }) => {
  const draft = new URL(url ?? '', 'http://localhost').searchParams.get('draft') ?? '';
  const set = readers.get(draft) ?? new Set();
  readers.set(draft, set.add(socket));
  socket.on('close', () => set.delete(socket));
});

process.on('message', (message) => {
  if (!isPublish(message)) return;
  for (const draft of message.drafts) {
    const cursor = Buffer.from(`["draft:${draft}",${message.step}]`).toString('base64url');
    const event = { __typename: 'TokensAppended', cursor, text: textOf(message.step) };
    const buffer = Buffer.from(JSON.stringify({ id: 'a', type: 'next', payload: { data: { draftEvents: event } } }));
    for (const socket of readers.get(draft) ?? []) socket.send(buffer, { binary: false });
  }
});

server.listen(0, '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`);
});
