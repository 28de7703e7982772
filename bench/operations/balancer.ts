import { type IncomingMessage, request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { StormNode } from '../storm/nodes.ts';
import type { Target } from '../storm/proxy.ts';

const EVERY_MS = 500;
const PATIENCE_MS = 10_000;

export interface Answer {
  status: number;
  body: string;
}

/**
 * Sends requests to the nodes that say that they are ready, in turn, as HAProxy does with a health check each half second: a
 * connection that is refused is tried at another node, and nothing else is tried again.
 */
export class Balancer implements Disposable {
  readonly #nodes: readonly StormNode[];
  readonly #ended = new AbortController();
  #ready: StormNode[] = [];
  #turn = 0;

  constructor(nodes: readonly StormNode[]) {
    this.#nodes = nodes;
    void this.#check();
  }

  async #check(): Promise<void> {
    while (!this.#ended.signal.aborted) {
      const answers = await Promise.all(this.#nodes.map(isReady));
      this.#ready = this.#nodes.filter((_, at) => answers[at]);
      await delay(EVERY_MS, undefined, { signal: this.#ended.signal }).catch(() => undefined);
    }
  }

  /** The nodes that are sent requests now. */
  get ready(): number {
    return this.#ready.length;
  }

  /** Where the next connection goes; null while no node is ready. */
  next(): Target | null {
    return this.#ready[this.#turn++ % Math.max(this.#ready.length, 1)]?.address ?? null;
  }

  /** @throws Error when no node is ready, or when the one that took the request did not answer it */
  async post(body: string, authorization: string): Promise<Answer> {
    for (let tries = 0; tries <= this.#nodes.length; tries++) {
      const target = this.next();
      if (!target) break;
      const answer = await post(target, body, authorization);
      if (answer) return answer;
    }
    throw new Error('no node is ready');
  }

  [Symbol.dispose](): void {
    this.#ended.abort();
  }
}

async function isReady(node: StormNode): Promise<boolean> {
  const { host, port } = node.address;
  const url = `http://${host}:${port}/health/ready`;
  const response = await fetch(url, { signal: AbortSignal.timeout(2_000) }).catch(() => null);
  await response?.body?.cancel();
  return response?.ok ?? false;
}

/** @returns null when the connection was refused: the request was not sent */
function post({ host, port }: Target, body: string, authorization: string): Promise<Answer | null> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', authorization };
    const signal = AbortSignal.timeout(PATIENCE_MS);
    const sent = request(
      { host, port, path: '/graphql', method: 'POST', headers, agent: false, signal },
      (response) => {
        read(response).then((text) => resolve({ status: response.statusCode ?? 0, body: text }), reject);
      },
    );
    sent.on('error', (error: NodeJS.ErrnoException) => (error.code === 'ECONNREFUSED' ? resolve(null) : reject(error)));
    sent.end(body);
  });
}

async function read(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
