import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** A file system of its own of so many KiB; unmounted with the test. */
export function smallDisk(kibibytes: number): string {
  const { folder, unmount } = mountTmpfs(kibibytes);
  onTestFinished(unmount);
  return folder;
}

/** Whether this process may mount file systems. */
export const canMount = tryMount();

function tryMount(): boolean {
  try {
    mountTmpfs(64).unmount();
    return true;
  } catch {
    return false;
  }
}

function mountTmpfs(kibibytes: number): { folder: string; unmount: () => void } {
  const folder = mkdtempSync(join(tmpdir(), 'cadenza-disk-'));
  const run = (program: string, ...args: string[]) => execFileSync(program, [...args, folder], { stdio: 'pipe' });
  try {
    run('mount', '-t', 'tmpfs', '-o', `size=${kibibytes}k,mode=0755`, 'tmpfs');
  } catch (error) {
    rmdirSync(folder);
    throw error;
  }
  return {
    folder,
    unmount: () => {
      run('umount', '--lazy');
      rmdirSync(folder);
    },
  };
}
