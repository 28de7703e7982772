import { connect, type Socket } from 'node:net';

/** What is looked for in all that a server says: nothing of it may be there. */
export interface Slips {
  /** Answers with 500, or masked failures: something that we did not foresee. */
  internalErrors: number;
  /** Answers with a stack, or a path of the server's files. */
  leaks: number;
  /** The first of each, for who looks into it. */
  examples: string[];
}

const INTERNAL = /^HTTP\/1\.1 500 |INTERNAL_SERVER_ERROR/m;
const LEAK = /\bat [\w.<>]+ \(?\/|node_modules\/|file:\/\/\/|\/src\/[\w-]+\//;

export function inspect(slips: Slips, answer: string, asked: () => string): void {
  const isInternal = INTERNAL.test(answer);
  const isLeak = LEAK.test(answer);
  if (isInternal) slips.internalErrors++;
  if (isLeak) slips.leaks++;
  if ((isInternal || isLeak) && slips.examples.length < 10) {
    slips.examples.push(`${asked().slice(0, 1_500)}\n→ ${answer.slice(0, 1_500)}`);
  }
}

/** How long something may be waited for that a server need not do, such as to answer what is no request. */
const PATIENCE_MS = 300;
/** Of an answer, what is looked at. */
const MOST_CHARACTERS = 100_000;

export class Wire {
  readonly socket: Socket;
  text = '';

  /** A connection below HTTP. @throws when there is nobody: then the server is gone */
  static open(port: number): Promise<Wire> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1', () => resolve(new Wire(socket)));
      socket.once('error', reject);
    });
  }

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.removeAllListeners('error').on('error', () => undefined);
  }

  /** Takes what comes from now on. */
  listen(): void {
    this.socket.on('data', (data: Buffer) => {
      if (this.text.length < MOST_CHARACTERS) this.text += data.toString('latin1');
    });
  }

  /** Settles when this has come, the connection has ended, or nothing more is to be expected. */
  async until(found: (text: string) => boolean): Promise<void> {
    const isOver = (): boolean => this.socket.destroyed || this.socket.readableEnded || found(this.text);
    await new Promise<void>((resolve) => {
      let timer = setTimeout(resolve, PATIENCE_MS);
      const look = (): void => {
        clearTimeout(timer);
        if (isOver()) resolve();
        else timer = setTimeout(resolve, PATIENCE_MS);
      };
      for (const event of ['data', 'end', 'close']) this.socket.on(event, look);
      look();
    });
  }

  /** Writes without reading until the other side takes no more. */
  async flood(message: () => Buffer, mostBytes: number): Promise<void> {
    for (let sent = 0; sent < mostBytes && !this.socket.destroyed;) {
      const bytes = message();
      sent += bytes.length;
      if (this.socket.write(bytes)) continue;
      const isTaken = await new Promise<boolean>((resolve) => {
        const timer = setTimeout(resolve, PATIENCE_MS, false);
        const settle = (): void => {
          clearTimeout(timer);
          resolve(true);
        };
        this.socket.once('drain', settle).once('close', settle);
      });
      if (!isTaken) return;
    }
  }

  close(): Promise<void> {
    return this.#closed(() => this.socket.destroy());
  }

  reset(): Promise<void> {
    // Node.js cannot reset what is being shut down, and would never tell that it is closed.
    const isEnding = this.socket.writableEnded || this.socket.readableEnded || this.socket.writableLength > 0;
    return this.#closed(() => (isEnding ? this.socket.destroy() : this.socket.resetAndDestroy()));
  }

  async #closed(close: () => void): Promise<void> {
    if (this.socket.destroyed) return;
    let timer: NodeJS.Timeout | undefined;
    const closed = new Promise((resolve) => {
      this.socket.once('close', resolve);
      timer = setTimeout(resolve, PATIENCE_MS);
    });
    close();
    await closed;
    clearTimeout(timer);
  }
}
