import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

export interface TearingProxy {
  /** As a client of the server behind it names it. */
  readonly url: string;
  /** The port that new connections lead to. */
  target: number;
  /** Connections that were torn so far. */
  readonly torn: number;
}

/**
 * A stretch of network that tears: each connection is reset after so many bytes of what its server says, and the last of
 * them are sent, so that a frame is cut in two more often than not. Closed with the test.
 */
export async function openTearingProxy(target: number, bytesOfOne: () => number): Promise<TearingProxy> {
  const sockets = new Set<Socket>();
  const proxy = { url: '', target, torn: 0 };
  const server = createServer((near) => {
    const far = connect(proxy.target, '127.0.0.1');
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(socket);
      socket.on('error', () => undefined).on('close', () => (other.destroy(), sockets.delete(socket)));
    }
    near.pipe(far);
    let left = bytesOfOne();
    far.on('data', (data: Buffer) => {
      near.write(data.subarray(0, left));
      left -= data.length;
      if (left > 0 || near.destroyed) return;
      proxy.torn++;
      near.destroySoon();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  proxy.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`;
  return proxy;
}
