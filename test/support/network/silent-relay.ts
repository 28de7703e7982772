import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

export interface SilentRelay {
  /** Where GraphQL over WebSocket is spoken, through it. */
  readonly wsUrl: string;
  /** From now on nothing passes on the connections that are open, and neither end is told. Later ones work. */
  fallSilent(): void;
}

/** A network between clients and a server that goes away without a word. Closed with the test. */
export async function openSilentRelay(target: number): Promise<SilentRelay> {
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(target, '127.0.0.1');
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(socket);
      socket.on('error', () => undefined).on('close', () => (other.destroy(), sockets.delete(socket)));
      socket.pipe(other);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const wsUrl = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`;
  return { wsUrl, fallSilent: () => sockets.forEach((socket) => socket.unpipe().pause()) };
}
