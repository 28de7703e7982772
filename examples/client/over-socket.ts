import { print } from 'graphql';
import { type ClientOptions, GraphQLRequestError, identity, type Refusal } from './client.ts';
import { FollowDraftDocument } from './generated/graphql.ts';
import { eventOf, type Line, partsOf, type Result, type Transport } from './transport.ts';

/** The messages of the graphql-transport-ws protocol that one subscription receives. */
type Message =
  | { type: 'connection_ack' | 'ping' | 'pong' | 'complete' }
  | { type: 'next'; payload: Result }
  | { type: 'error'; payload: Refusal[] };

/** The part of a WebSocket that is used here. */
interface Socket {
  onopen: (() => void) | null;
  onmessage: ((message: { data: unknown }) => void) | null;
  onclose: ((close: { code: number; reason: string }) => void) | null;
  onerror: (() => void) | null;
  send(text: string): void;
  close(): void;
}

export class SocketClosed extends Error {
  readonly code: number;
  constructor(code: number, reason: string) {
    super(`The socket was closed with ${code}${reason && `: ${reason}`}`);
    this.code = code;
  }
}

/**
 * Follows a draft over its own WebSocket. A client library that reconnects by itself would subscribe with its first
 * cursor again and repeat events.
 */
export const overSocket: Transport = async function* (options, variables, line) {
  const payload = await identity(options);
  line.signal.throwIfAborted();
  const socket = openSocket(options);
  const send = (message: object): void => socket.send(JSON.stringify(message));
  socket.onopen = () => send({ type: 'connection_init', payload });
  let beats: ReturnType<typeof setInterval> | undefined;
  try {
    for await (const message of partsOf(messagesOf(socket, line))) {
      switch (message.type) {
        case 'connection_ack':
          send({ id: '1', type: 'subscribe', payload: { query: print(FollowDraftDocument), variables } });
          // The server answers each ping. Browsers do not expose pings at the network level.
          beats = setInterval(() => send({ type: 'ping' }), line.silenceMs / 3);
          break;
        case 'next':
          yield eventOf(message.payload);
          break;
        case 'error':
          throw new GraphQLRequestError(message.payload);
        case 'complete':
          return;
        case 'ping':
          send({ type: 'pong' });
          break;
        case 'pong':
          break;
      }
    }
  } finally {
    clearInterval(beats);
  }
};

function openSocket({ url, webSocket = (globalThis as { WebSocket?: unknown }).WebSocket }: ClientOptions): Socket {
  const SocketClass = webSocket as new (url: string, protocol: string) => Socket;
  return new SocketClass(url.replace(/^http/, 'ws'), 'graphql-transport-ws');
}

/** Fails when the socket closes or the connection is given up. Closes the socket when it is cancelled. */
function messagesOf(socket: Socket, { signal, heard }: Line): ReadableStream<Message> {
  const leave = (): void => {
    socket.onmessage = socket.onclose = socket.onopen = null;
    socket.close();
  };
  return new ReadableStream<Message>({
    start: (controller) => {
      socket.onmessage = ({ data }) => {
        heard();
        controller.enqueue(JSON.parse(String(data)) as Message);
      };
      socket.onclose = ({ code, reason }) => controller.error(new SocketClosed(code, reason));
      // The close event follows, with all details.
      socket.onerror = () => undefined;
      const giveUp = (): void => {
        leave();
        controller.error(signal.reason);
      };
      signal.addEventListener('abort', giveUp, { once: true });
    },
    cancel: leave,
  });
}
