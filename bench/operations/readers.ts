import { setTimeout as delay } from 'node:timers/promises';
import { type Event, overSocket, overSse } from '../storm/reader.ts';
import { beginningOf } from '../support/draft-client.ts';
import type { Balancer } from './balancer.ts';

/** From one event of a draft that is written to the next, at one reader. */
export interface Gap {
  from: number;
  to: number;
}

/** Shorter ones are the model's own pace. */
const SHORTEST_GAP_MS = 500;

/** A reader of one draft, who shows its text as an app does. */
export class Reader {
  readonly gaps: Gap[] = [];
  /** What it was told by snapshots in place of events, after its first one. */
  snapshots = 0;
  text = '';
  ended = false;
  readonly draftId: string;
  readonly authorization: string;
  #cursor: string;
  #last = Infinity;

  constructor(draftId: string, authorization: string) {
    this.draftId = draftId;
    this.authorization = authorization;
    this.#cursor = beginningOf(draftId);
  }

  /** Reads to the draft's end, over any number of connections. Half of the readers are on WebSockets. */
  async read(balancer: Balancer, over: AbortSignal): Promise<void> {
    const follow = Math.random() < 0.5 ? overSse : overSocket;
    while (!this.ended && !over.aborted) {
      const target = balancer.next();
      if (target) {
        const variables = { id: this.draftId, after: this.#cursor };
        const take = (event: Event): void => this.#take(event);
        await follow({ port: target.port, stay: 60_000, variables, authorization: this.authorization, take });
      }
      await delay(100);
    }
  }

  #take({ __typename, cursor, draft, tokens, status }: Event): void {
    const now = performance.now();
    if (now - this.#last >= SHORTEST_GAP_MS) this.gaps.push({ from: this.#last, to: now });
    this.#last = now;
    this.#cursor = cursor;
    if (__typename === 'DraftSnapshot') {
      this.snapshots++;
      this.text = draft?.text ?? '';
    }
    for (const token of tokens ?? []) this.text += token.text;
    if (/^(COMPLETED|FAILED|CANCELLED)$/.test(status ?? '')) this.ended = true;
  }
}
