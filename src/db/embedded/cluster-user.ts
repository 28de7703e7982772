import { type ChildProcess, execFile, spawn, type SpawnOptions } from 'node:child_process';
import { chown, stat } from 'node:fs/promises';
import { promisify } from 'node:util';
import { childEnvironment } from '../../config.ts';
import { StartupError } from '../../lib/errors.ts';

const exec = promisify(execFile);

interface User {
  name: string;
  uid: number;
  gid: number;
}

/**
 * The user that runs PostgreSQL's programs. PostgreSQL refuses to run as root, so root switches to an unprivileged
 * user. `reaching` is that user with one of root's capabilities, to pass permission checks, for folders that only root
 * may enter.
 */
export type Runner = { kind: 'self' } | { kind: 'user'; user: User } | { kind: 'reaching'; user: User };

/** Chooses the user for these programs in this existing folder, and gives it the folder. */
export async function chooseRunner(directory: string, programs: readonly string[]): Promise<Runner> {
  if (process.getuid?.() !== 0) return { kind: 'self' };
  const user = await serverUser(directory);
  await chown(directory, user.uid, user.gid);
  const paths = [directory, ...programs];
  const runners: Runner[] = [
    { kind: 'user', user },
    { kind: 'reaching', user },
  ];
  for (const runner of runners) if (await reaches(runner, paths)) return runner;
  throw new StartupError(
    `PostgreSQL does not run as root, and the user “${user.name}” whom root runs it as cannot enter ${directory}, or the ` +
      `folder with its programs (${programs[0] ?? ''}). Open them to others (chmod o+x on each folder above), start ` +
      'Cadenza as an ordinary user, or set DATABASE_URL to a PostgreSQL 15 or later.',
  );
}

/** The owner of an existing cluster, otherwise `postgres`, otherwise `nobody`. */
async function serverUser(directory: string): Promise<User> {
  const { uid, gid } = await stat(directory);
  if (uid !== 0) return { name: String(uid), uid, gid };
  for (const name of ['postgres', 'nobody']) {
    const ids = await Promise.all(['-u', '-g'].map((flag) => exec('id', [flag, name]))).catch(() => []);
    const [userId, groupId] = ids.map(({ stdout }) => Number(stdout));
    if (userId !== undefined && groupId !== undefined) return { name, uid: userId, gid: groupId };
  }
  throw new StartupError(
    'PostgreSQL does not run as root, and there is no user “postgres” or “nobody” to run it as. Start Cadenza as an ' +
      'ordinary user, or set DATABASE_URL to a PostgreSQL 15 or later.',
  );
}

/** Asks the system as that user, because mode bits alone do not show access lists and mount options. */
async function reaches(runner: Runner, paths: readonly string[]): Promise<boolean> {
  const script = 'for path; do test -r "$path" && test -x "$path" || exit 1; done';
  return runProgram(runner, '/bin/sh', ['-c', script, 'sh', ...paths]).then(
    () => true,
    () => false,
  );
}

/** Runs a program to completion. Rejects with its standard error if it fails. */
export async function runProgram(runner: Runner, program: string, args: readonly string[]): Promise<void> {
  const { file, argv, options } = commandOf(runner, program, args);
  await exec(file, argv, { ...options, cwd: '/' });
}

/** Starts a program in its own process group, so that a terminal's Ctrl-C does not reach it. */
export function startProgram(
  runner: Runner,
  program: string,
  args: readonly string[],
  stdio: SpawnOptions['stdio'] & object,
): ChildProcess {
  const { file, argv, options } = commandOf(runner, program, args);
  return spawn(file, argv, { ...options, stdio, cwd: '/', detached: true });
}

function commandOf(runner: Runner, program: string, args: readonly string[]) {
  // We parse its messages, so they must be in English.
  const options = { env: { ...childEnvironment(), LC_ALL: 'C' }, windowsHide: true };
  switch (runner.kind) {
    case 'self':
      return { file: program, argv: [...args], options };
    case 'user':
      return { file: program, argv: [...args], options: { ...options, uid: runner.user.uid, gid: runner.user.gid } };
    case 'reaching':
      return { file: 'setpriv', argv: [...withOneCapability(runner.user), program, ...args], options };
  }
}

/**
 * `no_setuid_fixup`: access(2), with which PostgreSQL finds its own files, otherwise ignores the capabilities of a
 * process whose real user is not root.
 */
function withOneCapability({ uid, gid }: User): string[] {
  const capabilities = ['--inh-caps=-all,+dac_override', '--ambient-caps=-all,+dac_override'];
  const user = [`--reuid=${uid}`, `--regid=${gid}`, '--clear-groups'];
  return ['--securebits=+no_setuid_fixup', ...user, ...capabilities];
}
