import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { temporaryFolder } from '../folder.ts';
import { answersAt, freePort } from '../network/ports.ts';
import { eventually } from '../time/eventually.ts';

const PROGRAM = '/usr/sbin/pgbouncer';
export const hasPgBouncer = spawnSync(PROGRAM, ['--version']).status === 0;

/** A PgBouncer before a database, for the running test. @returns the URL of the database through it */
export async function pgBouncer(url: string, mode: 'session' | 'transaction'): Promise<string> {
  const target = new URL(url);
  const port = await freePort();
  const folder = await temporaryFolder();
  const file = join(folder, 'pgbouncer.ini');
  const { hostname, port: behind, username, password } = target;
  const settings = [
    '[databases]',
    `* = host=${hostname} port=${behind || 5432} user=${username}${password && ` password=${decodeURIComponent(password)}`}`,
    '[pgbouncer]',
    ...['listen_addr = 127.0.0.1', `listen_port = ${port}`, 'unix_socket_dir =', 'auth_type = any'],
    ...[`pool_mode = ${mode}`, 'default_pool_size = 30', 'max_client_conn = 100'],
  ];
  await writeFile(file, settings.join('\n'));
  await Promise.all([chmod(folder, 0o755), chmod(file, 0o644)]);
  // It refuses to run as root.
  const user = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
  const server = spawn(PROGRAM, ['-q', file], { stdio: 'ignore', ...user });
  onTestFinished(async () => {
    const gone = server.exitCode === null ? once(server, 'exit') : null;
    server.kill('SIGKILL');
    await gone;
  });
  await eventually(async () => {
    if (!(await answersAt(port))) throw new Error('PgBouncer does not answer yet');
  });
  target.hostname = '127.0.0.1';
  target.port = String(port);
  return target.href;
}
