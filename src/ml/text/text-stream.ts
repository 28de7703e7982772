import { Utf8Stream } from './utf8-stream.ts';

/** A token that may be shown, with the text that it added: the characters that its bytes completed. */
export interface Shown<Item> {
  item: Item;
  text: string;
}

interface Held<Item> extends Shown<Item> {
  bytes: number;
  /** Shown before a crash. It passes through the state again but is not returned again. */
  replayed: boolean;
}

/**
 * Decides how much of a growing text may be shown. A token is returned when every character that it belongs to is
 * complete and no stop string can begin in its text any more ([GEN6], [GEN7]). The text of a stop string is never
 * returned.
 */
export class TextStream<Item> {
  readonly #stop: readonly string[];
  readonly #utf8 = new Utf8Stream();
  #held: Held<Item>[] = [];
  #stopped = false;

  constructor(stop: readonly string[]) {
    this.#stop = stop;
  }

  /** Whether a stop string is complete. Nothing more will be returned. */
  get stopped(): boolean {
    return this.#stopped;
  }

  /** Takes the next token and returns those that may be shown now. */
  push(item: Item, bytes: Uint8Array): Shown<Item>[] {
    return this.#take({ item, text: this.#utf8.push(bytes), bytes: bytes.length, replayed: false });
  }

  /** Takes a token that was shown before, to restore the state. */
  replay(item: Item, bytes: Uint8Array): void {
    this.#take({ item, text: this.#utf8.push(bytes), bytes: bytes.length, replayed: true });
  }

  /** The text that these bytes would add next. */
  peek(bytes: Uint8Array): string {
    return this.#utf8.peek(bytes);
  }

  /** The end of the text. Returns what was held back. */
  flush(): Shown<Item>[] {
    const rest = this.#utf8.flush();
    const last = this.#held.at(-1);
    if (last) last.text += rest;
    return this.#release(this.#held.length);
  }

  #take(token: Held<Item>): Shown<Item>[] {
    if (this.#stopped) return [];
    this.#held.push(token);
    const text = this.#held.map((held) => held.text).join('');
    const stopAt = firstMatch(text, this.#stop);
    return stopAt === -1 ? this.#release(this.#countSafe(text)) : this.#endAt(stopAt);
  }

  #countSafe(text: string): number {
    const safe = text.length - possibleStop(text, this.#stop);
    const settled = this.#held.length - this.#countOpen();
    let end = 0;
    for (let count = 0; count < settled; count++) {
      end += this.#held[count]?.text.length ?? 0;
      if (end > safe) return count;
    }
    return settled;
  }

  /** Number of tokens at the end with bytes in the incomplete character. */
  #countOpen(): number {
    let bytes = this.#utf8.pendingBytes;
    let count = 0;
    while (bytes > 0 && count < this.#held.length) {
      count++;
      bytes -= this.#held.at(-count)?.bytes ?? 0;
    }
    return count;
  }

  #endAt(stopAt: number): Shown<Item>[] {
    this.#stopped = true;
    let start = 0;
    let count = 0;
    for (const held of this.#held) {
      if (start >= stopAt) break;
      const end = start + held.text.length;
      held.text = held.text.slice(0, stopAt - start);
      start = end;
      count++;
    }
    const shown = this.#release(count);
    this.#held = [];
    return shown;
  }

  #release(count: number): Shown<Item>[] {
    const released = this.#held.splice(0, count).filter((held) => !held.replayed);
    return released.map(({ item, text }) => ({ item, text }));
  }
}

/** The position of the first stop string, or −1. */
function firstMatch(text: string, stop: readonly string[]): number {
  const positions = stop.map((one) => text.indexOf(one)).filter((position) => position !== -1);
  return positions.length === 0 ? -1 : Math.min(...positions);
}

/** Length of the longest end of `text` with which a stop string begins. */
function possibleStop(text: string, stop: readonly string[]): number {
  return Math.max(0, ...stop.map((one) => overlap(text, one)));
}

function overlap(text: string, stop: string): number {
  let length = Math.min(text.length, stop.length - 1);
  while (length > 0 && !stop.startsWith(text.slice(-length))) length--;
  return length;
}
