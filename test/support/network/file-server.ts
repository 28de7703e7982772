import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { onTestFinished } from 'vitest';
import { temporaryFolder } from '../folder.ts';

export type Answer = (request: IncomingMessage, response: ServerResponse) => void;

export interface FileServer {
  url: string;
  /** The `Range` header of each request so far, null where there was none. */
  ranges: (string | null)[];
}

/** An HTTP server on 127.0.0.1 that answers request after request; the last answer is repeated. */
export async function serve(...answers: Answer[]): Promise<FileServer> {
  const ranges: (string | null)[] = [];
  const server = createServer((request, response) => {
    const answer = answers[Math.min(ranges.length, answers.length - 1)];
    ranges.push(request.headers.range ?? null);
    answer?.(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/model.gguf`, ranges };
}

/** The same over TLS. @returns also the file with the authority that its certificate is trusted by */
export async function serveSecurely(answer: Answer): Promise<{ url: string; authority: string }> {
  const { authority, ...options } = await certificate('DNS:localhost,IP:127.0.0.1');
  const server = createSecureServer(options, answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `https://127.0.0.1:${(server.address() as AddressInfo).port}/model.gguf`, authority };
}

/** A certificate that signs itself, for these names. `authority` is the file with it, as those who are to trust it need it. */
export async function certificate(names: string): Promise<{ key: Buffer; cert: Buffer; authority: string }> {
  const folder = await temporaryFolder();
  const [key, authority] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')];
  const subject = ['-subj', '/CN=localhost', '-addext', `subjectAltName=${names}`];
  const made = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '1', '-keyout', key, '-out', authority];
  await promisify(execFile)('openssl', [...made, ...subject]);
  return { key: await readFile(key), cert: await readFile(authority), authority };
}

/** Serves ranges, as a good server does. */
export function whole(bytes: Buffer): Answer {
  return ({ headers }, response) => {
    const start = startOf(headers.range);
    const end = endOf(headers.range, bytes.length);
    if (start >= bytes.length) return void response.writeHead(416).end();
    const range = { 'content-range': `bytes ${start}-${end - 1}/${bytes.length}`, etag: '"it"' };
    response.writeHead(headers.range === undefined ? 200 : 206, headers.range === undefined ? {} : range);
    response.end(bytes.subarray(start, end));
  };
}

/** Takes no notice of ranges. */
export function rangeless(bytes: Buffer): Answer {
  return (_, response) => void response.writeHead(200).end(bytes);
}

/** Breaks the connection after `count` bytes of what was asked for. */
export function breakAfter(bytes: Buffer, count: number): Answer {
  return halt(bytes, count, (response) => response.destroy());
}

/** Stands still after `count` bytes of what was asked for. */
export function standStillAfter(bytes: Buffer, count: number): Answer {
  return halt(bytes, count, () => undefined);
}

export function refuse(status: number): Answer {
  return (_, response) => void response.writeHead(status).end();
}

/** Takes the request and never answers. */
export const silence: Answer = () => undefined;

function halt(bytes: Buffer, count: number, then: (response: ServerResponse) => void): Answer {
  return ({ headers }, response) => {
    const start = startOf(headers.range);
    const range = { 'content-range': `bytes ${start}-${bytes.length - 1}/${bytes.length}` };
    response.writeHead(start > 0 ? 206 : 200, { 'content-length': bytes.length - start, ...(start > 0 && range) });
    response.write(bytes.subarray(start, start + count), () => then(response));
  };
}

function startOf(range: string | undefined): number {
  return Number(/^bytes=(\d+)-/.exec(range ?? '')?.[1] ?? 0);
}

function endOf(range: string | undefined, size: number): number {
  const last = /-(\d+)$/.exec(range ?? '')?.[1];
  return last === undefined ? size : Math.min(size, Number(last) + 1);
}
