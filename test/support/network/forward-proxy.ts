import { once } from 'node:events';
import { createServer, request as forward } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { onTestFinished } from 'vitest';

export interface ForwardProxy {
  url: string;
  /** What it was asked for: a method and an address. */
  asked: string[];
  /** The credentials it was shown last. */
  credentials: string | null;
}

/** A proxy as companies have it: forwards http, opens tunnels for https. `refusal` is a status that it answers tunnels with. */
export async function openForwardProxy(refusal: number | null = null): Promise<ForwardProxy> {
  const proxy: ForwardProxy = { url: '', asked: [], credentials: null };
  const server = createServer(({ method, url = '', headers }, response) => {
    proxy.asked.push(`${method} ${url}`);
    proxy.credentials = headers['proxy-authorization'] ?? null;
    const far = forward(url, { method: method ?? 'GET', headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    far.on('error', () => response.destroy()).end();
  });
  server.on('connect', ({ url = '', headers }, near) => {
    proxy.asked.push(`CONNECT ${url}`);
    proxy.credentials = headers['proxy-authorization'] ?? null;
    near.on('error', () => undefined);
    if (refusal !== null) return void near.end(`HTTP/1.1 ${refusal} No\r\n\r\n`);
    const [host, port] = url.split(':');
    const far = connect(Number(port), host, () => near.write('HTTP/1.1 200 OK\r\n\r\n'));
    far.on('error', () => near.destroy());
    near.pipe(far).pipe(near);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  proxy.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return proxy;
}
