import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { freePort } from './ports.ts';

/** Null where it is not installed. */
export const nginxPath = ['/usr/sbin/nginx', '/usr/bin/nginx'].find((path) => existsSync(path)) ?? null;

/** An nginx in front of a server, which is told nothing but where that is: it gathers answers, and compresses what it may. */
export async function openNginx(url: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'cadenza-nginx-'));
  const port = await freePort();
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${name};`);
  const config = `
    daemon off; worker_processes 1; pid nginx.pid; error_log error.log;
    events { worker_connections 64; }
    http {
      access_log off; gzip on; gzip_types *; ${temporary.join(' ')}
      server { listen 127.0.0.1:${port}; location / { proxy_pass ${url}; } }
    }`;
  await writeFile(join(folder, 'nginx.conf'), config);
  const child = spawn(nginxPath ?? '', ['-e', 'error.log', '-p', folder, '-c', join(folder, 'nginx.conf')], {
    stdio: 'ignore',
  });
  const ended = once(child, 'exit');
  onTestFinished(async () => {
    child.kill('SIGTERM');
    await ended;
    await rm(folder, { recursive: true, force: true });
  });
  await Promise.race([listening(port), ended.then(() => Promise.reject(new Error('nginx ended at once')))]);
  return `http://127.0.0.1:${port}`;
}

async function listening(port: number): Promise<void> {
  for (;;) {
    const socket = connect(port, '127.0.0.1');
    const opened = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    });
    socket.destroy();
    if (opened) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
