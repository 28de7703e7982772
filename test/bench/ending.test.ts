import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { temporaryFolder } from '../support/folder.ts';

/** Of the PostgreSQL that a benchmark keeps below this folder; null while there is none. */
async function postmasterIn(folder: string): Promise<number | null> {
  for (const file of await readdir(folder, { recursive: true }).catch(() => [])) {
    if (!file.endsWith('postmaster.pid')) continue;
    const pid = Number.parseInt(await readFile(join(folder, file), 'utf8').catch(() => ''), 10);
    if (pid > 0) return pid;
  }
  return null;
}

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

it('a storm that is interrupted at its start leaves no process and no folder behind', async () => {
  const folder = await temporaryFolder();
  const storm = spawn(process.execPath, ['--import', 'tsx', 'bench/storm.ts'], {
    env: { ...process.env, TMPDIR: folder },
    stdio: 'ignore',
  });
  const exited = once(storm, 'exit');
  await expect.poll(() => postmasterIn(folder)).not.toBeNull();
  const postmaster = (await postmasterIn(folder))!;
  onTestFinished(() => {
    if (isAlive(postmaster)) process.kill(postmaster, 'SIGKILL');
  });
  storm.kill('SIGTERM');
  expect(await exited).toEqual([1, null]);
  expect(isAlive(postmaster)).toBe(false);
  expect((await readdir(folder)).filter((name) => name.startsWith('cadenza-storm-'))).toEqual([]);
});

it.each([
  ['requests', ['bench/run.ts', 'requests']],
  ['worst', ['bench/run.ts', 'worst']],
  ['siege', ['bench/siege.ts']],
])('the benchmark %s leaves no process behind if it is interrupted at its start', async (_, args) => {
  const folder = await temporaryFolder();
  const bench = spawn(process.execPath, ['--import', 'tsx', ...args], {
    env: { ...process.env, TMPDIR: folder },
    stdio: 'ignore',
  });
  const exited = once(bench, 'exit');
  await expect.poll(() => postmasterIn(folder)).not.toBeNull();
  const postmaster = (await postmasterIn(folder)) ?? 0;
  onTestFinished(() => {
    if (isAlive(postmaster)) process.kill(postmaster, 'SIGKILL');
  });
  bench.kill('SIGTERM');
  expect(await exited).toEqual([1, null]);
  await expect.poll(() => isAlive(postmaster)).toBe(false);
});
