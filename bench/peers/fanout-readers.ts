// The readers of `bench/fanout.ts`, in a process of their own so that what they take is not the server's.
import WebSocket from 'ws';
import { QUERY } from '../fanout/work.ts';

/** Whom to read, in how many sockets each; `id` is what the server calls the draft. */
export interface Join {
  join: { url: string; protocol: 'graphql' | 'bare'; drafts: readonly string[]; readersEach: number };
}
export type Command = Join | { leave: true } | { expect: number };
/** Answers: all are connected, all are gone, all have so many events. */
export type Report = { joined: number } | { left: true } | { received: number };

let sockets: WebSocket[] = [];
/** Events of each socket since it joined, and the fewest that are waited for. */
let counts: number[] = [];
let expected = Infinity;
let missing = 0;

process.on('message', (command: Command) => {
  if ('join' in command) void join(command.join).then((joined) => report({ joined }));
  else if ('leave' in command) leave();
  else expect(command.expect);
});

const report = (message: Report): void => void process.send?.(message);

async function join({ url, protocol, drafts, readersEach }: Join['join']): Promise<number> {
  const followed = drafts.flatMap((draft) => Array.from({ length: readersEach }, () => draft));
  counts = followed.map(() => 0);
  // In groups: a listening socket's queue is finite.
  for (let from = 0; from < followed.length; from += 50) {
    const group = followed.slice(from, from + 50);
    await Promise.all(group.map((draft, i) => connect(url, protocol, draft, from + i)));
  }
  return sockets.length;
}

function connect(url: string, protocol: 'graphql' | 'bare', draft: string, index: number): Promise<void> {
  const socket =
    protocol === 'bare'
      ? new WebSocket(`${url}?draft=${draft}`, { perMessageDeflate: false })
      : new WebSocket(url, 'graphql-transport-ws', { perMessageDeflate: false });
  sockets.push(socket);
  return new Promise((resolve, reject) => {
    socket.on('error', reject);
    socket.on('close', (code, reason) => {
      if (sockets.includes(socket)) reject(new Error(`closed: ${code} ${reason.toString()}`));
    });
    socket.on('open', () => {
      if (protocol === 'graphql') socket.send('{"type":"connection_init"}');
      else resolve();
    });
    socket.on('message', (data: Buffer) => {
      if (data.includes('TokensAppended')) count(index);
      else if (data.includes('connection_ack')) {
        const payload = { query: QUERY, variables: { draftId: draft } };
        socket.send(JSON.stringify({ id: 'a', type: 'subscribe', payload }));
        resolve();
      } else if (!data.includes('DraftSnapshot')) reject(new Error(data.toString()));
    });
  });
}

function count(index: number): void {
  const now = (counts[index] ?? 0) + 1;
  counts[index] = now;
  if (now === expected && --missing === 0) report({ received: expected });
}

/** Reports when every socket has at least so many events. */
function expect(events: number): void {
  expected = events;
  missing = counts.filter((count) => count < events).length;
  if (missing === 0) report({ received: events });
}

function leave(): void {
  const leaving = sockets;
  sockets = [];
  for (const socket of leaving) socket.terminate();
  report({ left: true });
}
