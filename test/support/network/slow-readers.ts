import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { onTestFinished } from 'vitest';
import WebSocket from 'ws';
import type { TestListening } from '../listening.ts';

export interface ReaderEvent {
  __typename: string;
  cursor: string;
  text?: string;
  draft?: { text: string };
  status?: string;
}

/** A reader that can stop taking what it is sent. */
export interface SlowReader {
  readonly events: readonly ReaderEvent[];
  /** Signs of life that came while there was nothing to say. */
  readonly beats: number;
  pause(): void;
  resume(): void;
  /** Unsubscribes. */
  leave(): void;
  /** Settles with the first event, or with the end where none comes. */
  begun: Promise<unknown>;
  /** Settles with how it ended: `complete`, a close code and its reason, or `cut off`. */
  ended: Promise<string>;
}

export type Join = (
  server: TestListening,
  query: string,
  variables: object,
  onEvent?: () => void,
) => Promise<SlowReader>;

type Emit = (event: ReaderEvent) => void;

function recorder(onEvent: () => void) {
  const events: ReaderEvent[] = [];
  let begin: () => void = () => undefined;
  const begun = new Promise<void>((resolve) => (begin = resolve));
  const take: Emit = (event) => {
    events.push(event);
    begin();
    onEvent();
  };
  return { events, begun, take };
}

export const overSocket: Join = async ({ wsUrl }, query, variables, onEvent = () => undefined) => {
  const socket = new WebSocket(wsUrl, 'graphql-transport-ws');
  onTestFinished(() => socket.terminate());
  await once(socket, 'open');
  const send = (message: object): void => socket.send(JSON.stringify(message));
  send({ type: 'connection_init' });
  await once(socket, 'message');
  const { events, begun, take } = recorder(onEvent);
  let beats = 0;
  socket.on('ping', () => beats++);
  const ended = new Promise<string>((resolve) => {
    socket.on('message', (data: Buffer) => {
      const { type, payload } = JSON.parse(data.toString()) as {
        type: string;
        payload: { data: { draftEvents: ReaderEvent } };
      };
      if (type === 'next') take(payload.data.draftEvents);
      else resolve(type);
    });
    socket.on('close', (code, reason) => resolve(`${code} ${reason.toString()}`));
  });
  send({ type: 'subscribe', id: 'a', payload: { query, variables } });
  return {
    ...{ events, ended, begun: Promise.race([begun, ended]) },
    get beats() {
      return beats;
    },
    pause: () => socket.pause(),
    resume: () => socket.resume(),
    leave: () => send({ type: 'complete', id: 'a' }),
  };
};

export const overSse: Join = async ({ graphqlUrl }, query, variables, onEvent = () => undefined) => {
  const headers = { 'content-type': 'application/json', accept: 'text/event-stream' };
  const asking = request(graphqlUrl, { method: 'POST', headers, agent: false });
  asking.on('error', () => undefined).end(JSON.stringify({ query, variables }));
  onTestFinished(() => void asking.destroy());
  const [response] = (await once(asking, 'response')) as [IncomingMessage];
  const { events, begun, take } = recorder(onEvent);
  let beats = 0;
  let rest = '';
  const ended = new Promise<string>((resolve) => {
    response.setEncoding('utf8').on('data', (chunk: string) => {
      const blocks = (rest + chunk).split('\n\n');
      rest = blocks.pop() ?? '';
      for (const block of blocks) {
        const data = /^data: (.+)$/m.exec(block)?.[1];
        if (data) take((JSON.parse(data) as { data: { draftEvents: ReaderEvent } }).data.draftEvents);
        else if (block === ':') beats++;
        else resolve('complete');
      }
    });
    response.on('error', () => undefined).on('close', () => resolve('cut off'));
  });
  return {
    ...{ events, ended, begun: Promise.race([begun, ended]) },
    get beats() {
      return beats;
    },
    pause: () => void response.pause(),
    resume: () => void response.resume(),
    leave: () => void asking.destroy(),
  };
};
