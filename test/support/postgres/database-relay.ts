import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type ListenOptions, type Socket } from 'node:net';
import { createSecureContext, TLSSocket } from 'node:tls';
import { inject, onTestFinished } from 'vitest';

/** A way to the tests' PostgreSQL by another address, or as another kind of server. */
export interface DatabaseRelay {
  port: number;
  /** Whether it takes no writes, as a standby. */
  isStandby: boolean;
  /** Ends all connections and takes no new one. */
  stop(): void;
}

const TLS_REQUEST = 80_877_103;

/** @param tls the certificate of a server that has TLS; one without refuses it */
export async function relayDatabase(at: ListenOptions, tls?: { key: Buffer; cert: Buffer }): Promise<DatabaseRelay> {
  const { port } = new URL(inject('postgres'));
  const sockets = new Set<Socket>();
  const kept = (socket: Socket): Socket => {
    sockets.add(socket);
    return socket.on('error', () => socket.destroy()).on('close', () => sockets.delete(socket));
  };
  const begin = (near: Socket, first: Buffer): void => {
    const far = kept(connect(Number(port), '127.0.0.1'));
    far.write(relay.isStandby ? readOnly(first) : first);
    near.pipe(far).pipe(near);
    near.on('close', () => far.destroy());
    far.on('close', () => near.destroy());
  };
  const server = createServer((near) => {
    kept(near).once('data', (first) => {
      const asksForTls = first.readInt32BE(4) === TLS_REQUEST;
      if (!asksForTls) {
        begin(near, first);
        return;
      }
      near.write(tls ? 'S' : 'N');
      const line = tls ? kept(new TLSSocket(near, { isServer: true, secureContext: createSecureContext(tls) })) : near;
      line.once('data', (next) => begin(line, next));
    });
  });
  server.listen(at);
  await once(server, 'listening');
  const relay: DatabaseRelay = {
    port: (server.address() as AddressInfo).port,
    isStandby: false,
    stop: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
  onTestFinished(() => relay.stop());
  return relay;
}

/** The first message of a session, with a setting as a standby has it. */
function readOnly(first: Buffer): Buffer {
  const message = Buffer.concat([first.subarray(0, -1), Buffer.from('default_transaction_read_only\0on\0\0')]);
  message.writeInt32BE(message.length, 0);
  return message;
}
