/** Counts the open connections of each key. Only keys with open connections use memory. */
export class OpenConnections {
  readonly #held = new Map<string, number>();

  /** @returns a function that releases the connection, once; null if the limit is reached */
  take(key: string, most: number): (() => void) | null {
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

/** Calls `release` when a connection has closed, or at once if it already has. */
export function releaseWhenClosed(connection: Connection, release: () => void): void {
  if (connection.closed) release();
  else connection.once('close', release);
}

interface Connection {
  readonly closed: boolean;
  once(event: 'close', listener: () => void): unknown;
}
