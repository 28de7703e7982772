import { randomUUID } from 'node:crypto';
import { link, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';

const HEARTBEAT_MS = 5_000;
/** An owner without a heartbeat for this long counts as dead, even if its process cannot be looked up. */
const SILENCE_MS = 30_000;
const POLL_MS = 200;

const ownerSchema = z.object({ pid: z.int(), host: z.string(), id: z.string() });
type Owner = z.output<typeof ownerSchema>;

/** The locks that this process holds. In a restarted container the dead owner may have had the same pid. */
const held = new Set<string>();

export interface LockOptions {
  signal: AbortSignal;
  /** Called repeatedly while another process holds the lock. */
  onWait?: (ownerPid: number | null) => void;
}

/**
 * Takes a lock file and waits for its owner. The lock of a dead owner is taken over. Two owners may still coexist
 * (after a suspend), so that must cause nothing worse than duplicate work: check what the lock protects by its digest.
 */
export async function takeLock(path: string, { signal, onWait }: LockOptions): Promise<AsyncDisposable> {
  for (;;) {
    signal.throwIfAborted();
    const lock = await tryLock(path);
    if (lock) return lock;
    onWait?.((await readOwner(path))?.pid ?? null);
    await delay(POLL_MS, undefined, { signal });
  }
}

/** Takes the lock if no living process holds it. */
export async function tryLock(path: string): Promise<AsyncDisposable | null> {
  const id = randomUUID();
  const content = JSON.stringify({ pid: process.pid, host: hostname(), id } satisfies Owner);
  if (!(await createLock(path, content))) {
    if (!(await breakIfStale(path)) || !(await createLock(path, content))) return null;
  }
  held.add(id);
  const heartbeat = setInterval(() => void utimes(path, new Date(), new Date()).catch(ignore), HEARTBEAT_MS).unref();
  return {
    async [Symbol.asyncDispose]() {
      clearInterval(heartbeat);
      held.delete(id);
      if ((await readText(path)) === content) await rm(path, { force: true });
    },
  };
}

async function createLock(path: string, content: string): Promise<boolean> {
  try {
    await writeFile(path, content, { flag: 'wx' });
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    throw error;
  }
}

/** @returns whether the lock is free */
async function breakIfStale(path: string): Promise<boolean> {
  const seen = await readText(path);
  if (seen === null) return true;
  if (!(await isStale(path, parseOwner(seen)))) return false;
  // Two processes may both find the lock stale. Only the file that was examined may be removed, not a new lock of the
  // faster one.
  const aside = `${path}.${randomUUID()}`;
  try {
    await rename(path, aside);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return true;
    throw error;
  }
  const isTheSame = (await readText(aside)) === seen;
  if (!isTheSame) await link(aside, path).catch(ignore);
  await rm(aside, { force: true });
  return isTheSame;
}

async function isStale(path: string, owner: Owner | null): Promise<boolean> {
  if (owner?.host === hostname()) {
    if (owner.pid === process.pid) return !held.has(owner.id);
    if (!isAlive(owner.pid)) return true;
  }
  const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: 0 }));
  return Date.now() - mtimeMs > SILENCE_MS;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return hasCode(error, 'EPERM');
  }
}

async function readOwner(path: string): Promise<Owner | null> {
  const text = await readText(path);
  return text === null ? null : parseOwner(text);
}

/** Null if the owner has created the file but not yet written it. */
function parseOwner(text: string): Owner | null {
  try {
    return ownerSchema.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

function readText(path: string): Promise<string | null> {
  return readFile(path, 'utf8').catch(() => null);
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

function ignore(): void {
  return undefined;
}
