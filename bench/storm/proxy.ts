import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A stretch of network under our control: what goes through it can be cut, or left hanging as a lost cable does. */
export interface Proxy extends AsyncDisposable {
  readonly port: number;
  /** Where it leads from now on; connections that are there stay. */
  target: Target;
  /** Ends every connection and takes no new one, until `heal`. */
  cut(): void;
  /** Nothing goes through any more, and nobody is told. New connections are taken and lead nowhere. */
  stall(): void;
  heal(): void;
}

export interface Target {
  host: string;
  port: number;
}

/** @param at the address it is reached by */
export async function openProxy(target: Target | number, at = '127.0.0.1'): Promise<Proxy> {
  const links = new Set<{ near: Socket; far: Socket | null }>();
  let state: 'open' | 'cut' | 'stalled' = 'open';
  const server = createServer((near) => {
    const link: { near: Socket; far: Socket | null } = { near, far: null };
    links.add(link);
    const end = (): void => {
      near.destroy();
      link.far?.destroy();
      links.delete(link);
    };
    near.on('error', end).on('close', end);
    if (state === 'cut') end();
    if (state !== 'open') return;
    const far = connect(proxy.target);
    link.far = far;
    far.on('error', end).on('close', end);
    near.pipe(far).pipe(near);
  });
  const endAll = (): void => {
    for (const { near, far } of links) {
      near.resetAndDestroy();
      far?.resetAndDestroy();
    }
  };
  server.listen(0, at);
  await once(server, 'listening');
  const proxy: Proxy = {
    port: (server.address() as AddressInfo).port,
    target: typeof target === 'number' ? { host: '127.0.0.1', port: target } : target,
    cut: () => {
      state = 'cut';
      endAll();
    },
    stall: () => {
      state = 'stalled';
      for (const { near, far } of links) {
        near.unpipe();
        far?.unpipe();
        near.pause();
        far?.pause();
      }
    },
    heal: () => {
      // What hung is of no use any more: bytes were lost on both sides of it.
      if (state === 'stalled') endAll();
      state = 'open';
    },
    [Symbol.asyncDispose]: async () => {
      state = 'cut';
      const closed = once(server, 'close');
      server.close();
      endAll();
      await closed;
    },
  };
  return proxy;
}
