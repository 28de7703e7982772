import { CloseCode } from 'graphql-ws';
import { isTooDeep, MOST_LEVELS } from './json-depth.ts';
import type { Peer } from './peer.ts';

const TOO_DEEP = `A message's JSON may have at most ${MOST_LEVELS} levels`;

/**
 * Passes on a peer's messages in order as long as the peer accepts what it is sent. A peer that does not is not read
 * from: TCP then stops it from sending more ([EDGE2]).
 */
export function readMessages(peer: Peer, handle: (message: string) => void): void {
  const { socket } = peer;
  /** Messages that had arrived when reading stopped, at most one read from the kernel. */
  let waiting: Buffer[] = [];
  /** Of several pings only the last needs an answer (RFC 6455, 5.5.3). */
  let ping: Buffer | null = null;
  let isHeld = false;

  const goOn = (): void => {
    const messages = waiting;
    waiting = [];
    for (const message of messages) take(message);
    if (ping) pong(ping);
    if (!isHeld) socket.resume();
  };
  const hold = (): void => {
    if (isHeld) return;
    isHeld = true;
    socket.pause();
    void peer.drained().then(() => {
      isHeld = false;
      goOn();
    });
  };
  const take = (message: Buffer): void => {
    if (!peer.isOpen) return;
    if (peer.isFull) hold();
    if (isHeld) waiting.push(message);
    else if (isTooDeep(message)) peer.close(CloseCode.BadRequest, TOO_DEEP);
    else handle(message.toString());
  };
  const pong = (data: Buffer): void => {
    if (!peer.isOpen) return;
    if (peer.isFull) hold();
    ping = isHeld ? data : null;
    if (!isHeld) peer.pong(data);
  };

  socket.on('message', take);
  socket.on('ping', pong);
}
