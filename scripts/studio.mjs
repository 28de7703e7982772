// packages/studio → dist/studio: the pages of the Studio, as static files. vite and Svelte are dependencies and not only for development,
// as TypeScript is: so an installation without development dependencies builds what it serves, and no built file is kept in Git.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const source = join(root, 'packages', 'studio');
const built = join(root, 'dist', 'studio');
/** Written last, so a build that was broken off does not look like one that ended. */
const stamp = join(built, '.built');
const modified = (path) => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;

/** Whether any source of the Studio is newer than what was built. */
export function isStudioStale() {
  // Who installs the server without its pages has none.
  if (!existsSync(source)) return false;
  const folders = [source, join(root, 'packages', 'client', 'src')];
  const files = folders.flatMap((folder) => readdirSync(folder, { recursive: true }).map((name) => join(folder, name)));
  return [...files, join(root, 'package-lock.json')].some((path) => modified(path) > modified(stamp));
}

/** Builds the Studio if any of its sources is newer, in a process of its own. The server runs without it if that fails. */
export function buildStudio() {
  if (!isStudioStale()) return;
  const { status } = spawnSync(process.execPath, [fileURLToPath(import.meta.url)], { stdio: 'inherit' });
  if (status !== 0) console.error('The Studio could not be built, and is not served.');
}

async function build() {
  if (!isStudioStale()) return;
  const began = new Date();
  const { build: bundle } = await import('vite');
  // Processes that start at once build beside each other.
  const unfinished = `${built}.${process.pid}`;
  const configFile = join(source, 'vite.config.ts');
  await bundle({ root: source, configFile, logLevel: 'error', build: { outDir: unfinished, emptyOutDir: true } });
  writeFileSync(join(unfinished, '.built'), '');
  // A source that was changed meanwhile is newer.
  utimesSync(join(unfinished, '.built'), began, began);
  try {
    rmSync(built, { recursive: true, force: true });
    renameSync(unfinished, built);
  } catch (error) {
    // Another process has put its own there meanwhile, which is the same.
    rmSync(unfinished, { recursive: true, force: true });
    if (isStudioStale()) throw error;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await build();
