import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import WebSocket, { WebSocketServer } from 'ws';

/**
 * Stands between WebSocket clients and their server as a balancer does, and closes connections with codes of its own: the
 * first of each code after so many messages. Later connections stay. Closed with the test. @returns its URL
 */
export async function openClosingRelay(wsUrl: string, codes: readonly number[], messages: number): Promise<string> {
  const closing = [...codes];
  const relay = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  relay.on('connection', (near, { url }) => {
    const far = new WebSocket(new URL(url ?? '', wsUrl), near.protocol);
    const opened = once(far, 'open');
    const code = closing.shift();
    let told = 0;
    near.on('message', (data: Buffer) => void opened.then(() => far.send(data.toString())));
    far.on('message', (data: Buffer) => {
      near.send(data.toString());
      if (++told === messages && code !== undefined) near.close(code, 'the relay’s own');
    });
    near.on('close', () => far.terminate());
    far.on('close', () => near.terminate()).on('error', () => undefined);
  });
  await once(relay, 'listening');
  onTestFinished(() => {
    for (const client of relay.clients) client.terminate();
    relay.close();
  });
  return `http://127.0.0.1:${(relay.address() as AddressInfo).port}/graphql`;
}
