import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

const folder = new URL('../peers/', import.meta.url);

/**
 * The peers are no dependencies of ours: they are installed on first use, in a folder of their own, from prebuilt binaries.
 * No install script runs, so that nothing else is downloaded and nothing built.
 */
export function installPeers(): void {
  if (existsSync(new URL('node_modules/.package-lock.json', folder))) return;
  console.log('Installing the peers into bench/peers/node_modules, once (600 MB on disk) …');
  const { status } = spawnSync('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund'], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (status !== 0) throw new Error('the peers could not be installed: see above');
}

/** Installed versions, e.g. `node-llama-cpp 3.22.1`. */
export function versionOf(name: string, at: URL = folder): string {
  const manifest = readFileSync(new URL(`node_modules/${name}/package.json`, at), 'utf8');
  return `${name} ${(JSON.parse(manifest) as { version: string }).version}`;
}
