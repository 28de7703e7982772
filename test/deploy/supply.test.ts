import { execFile } from 'node:child_process';
import { cp, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../support/folder.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
interface Entry {
  license?: string;
  hasInstallScript?: boolean;
}

/** What the check says of the lock file with this package added. */
async function complaint(name: string, entry: Entry): Promise<string> {
  const folder = await temporaryFolder();
  await mkdir(join(folder, 'scripts'));
  await cp(join(root, 'scripts/checks/check-supply.mjs'), join(folder, 'scripts/checks/check-supply.mjs'));
  await cp(join(root, 'package.json'), join(folder, 'package.json'));
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
  const lock = JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, Entry>;
  };
  lock.packages[`node_modules/${name}`] = entry;
  await writeFile(join(folder, 'package-lock.json'), JSON.stringify(lock));
  return promisify(execFile)(process.execPath, [join(folder, 'scripts/checks/check-supply.mjs')]).then(
    ({ stderr }) => stderr,
    (error: unknown) => (error as { stderr: string }).stderr,
  );
}

test.each([
  ['a licence on the list', { license: '(MIT OR GPL-3.0)' }, ''],
  ['another licence', { license: 'AGPL-3.0-only' }, 'added has the licence AGPL-3.0-only, which is not on the list'],
  ['no licence', {}, 'added has the licence none'],
  ['an install script', { license: 'MIT', hasInstallScript: true }, 'added has an install script: read it'],
])('[OPS5] npm run supply looks at a package with %s', async (_, entry, expected) => {
  const said = await complaint('added', entry);
  if (expected === '') expect(said).toBe('');
  else expect(said).toContain(expected);
});
