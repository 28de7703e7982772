import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, rename, rm } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './ports.ts';

/** Whether there is a NATS to test with: the one that `TEST_NATS_URL` names, or a server that can be started. */
export const hasNats = process.env.TEST_NATS_URL !== undefined || spawnSync('nats-server', ['--version']).status === 0;

export interface Nats {
  url: string;
  /** Where it stores its streams. Absent where the server is not ours. */
  folder?: string;
  /**
   * Ends it as a crash would, and starts it again with what it had kept, after what is to be done meanwhile. Absent where the
   * server is not ours.
   */
  crash?: (meanwhile?: () => Promise<unknown>) => Promise<void>;
  /** Copies its folder. @returns what puts the copy in the place of the folder; in both cases it restarts */
  backUp?: () => Promise<() => Promise<void>>;
  stop: () => Promise<void>;
}

/** A NATS server with JetStream on a free port, for as long as it takes. */
export async function startNats(): Promise<Nats> {
  const given = process.env.TEST_NATS_URL;
  if (given !== undefined) return { url: given, stop: () => Promise.resolve() };
  const folder = await mkdtemp(join(tmpdir(), 'cadenza-nats-'));
  const port = await freePort();
  const args = ['--addr', '127.0.0.1', '--port', String(port), '--jetstream', '--store_dir', folder];
  let server = await launch(port, args);
  return {
    url: `nats://127.0.0.1:${port}`,
    folder,
    crash: async (meanwhile) => {
      await kill(server);
      await meanwhile?.();
      server = await launch(port, args);
    },
    backUp: async () => {
      const copy = `${folder}-copy`;
      await kill(server);
      await cp(folder, copy, { recursive: true });
      server = await launch(port, args);
      return async () => {
        await kill(server);
        await rm(folder, { recursive: true });
        await rename(copy, folder);
        server = await launch(port, args);
      };
    },
    stop: async () => {
      await kill(server);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function launch(port: number, args: readonly string[]): Promise<ChildProcess> {
  const child = spawn('nats-server', args, { stdio: 'ignore' });
  while (!(await answers(port))) if (child.exitCode !== null) throw new Error('nats-server does not start');
  return child;
}

async function kill(child: ChildProcess): Promise<void> {
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(port, '127.0.0.1');
    socket.once('data', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => setTimeout(resolve, 20, false));
  });
}
