/** How many of something each key holds at once. Takes memory for those alone that are held. */
export class Places {
  readonly #held = new Map<string, number>();
  readonly #most: number;

  constructor(most: number) {
    this.#most = most;
  }

  /** @returns how to give it back, once; null when all are taken */
  take(key: string, most = this.#most): (() => void) | null {
    const held = this.#held.get(key) ?? 0;
    if (held >= most) return null;
    this.#held.set(key, held + 1);
    let isHeld = true;
    return () => {
      if (isHeld) this.#release(key);
      isHeld = false;
    };
  }

  #release(key: string): void {
    const held = (this.#held.get(key) ?? 1) - 1;
    if (held > 0) this.#held.set(key, held);
    else this.#held.delete(key);
  }
}

/** Gives a place back when a connection is over, be it over already. */
export function releaseWhenClosed(connection: Connection, release: () => void): void {
  if (connection.closed) release();
  else connection.once('close', release);
}

interface Connection {
  readonly closed: boolean;
  once(event: 'close', listener: () => void): unknown;
}
