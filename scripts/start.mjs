// `npm start`: compiles src/ when any of it is newer than the last build, then becomes the server. One process after
// that, so that signals reach it and not a shell in between: npm passes them to the shell that it starts a script with, which
// would end at once and leave the server behind. Hence `exec` in package.json; where the shell has none, as on Windows, what
// follows it is run.
import { spawnSync } from 'node:child_process';
import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const inRoot = (...parts) => join(root, ...parts);

/** Written last, so a build that was broken off does not look like one that ended. */
const stamp = inRoot('dist', '.tsbuildinfo');
const modified = (path) => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
const sources = readdirSync(inRoot('src'), { recursive: true }).map((name) => inRoot('src', name));
const inputs = [
  ...sources,
  inRoot('src'),
  inRoot('tsconfig.json'),
  inRoot('tsconfig.build.json'),
  inRoot('package-lock.json'),
];

if (inputs.some((path) => modified(path) > modified(stamp))) {
  const compiler = inRoot('node_modules', 'typescript', 'bin', 'tsc');
  if (modified(compiler) === 0) {
    console.error('Cadenza has to be compiled first, and the compiler is not installed: run `npm ci` once.');
    process.exit(1);
  }
  // A compiler that finds nothing to write leaves the stamp as it was, and every start would ask it again.
  rmSync(stamp, { force: true });
  const build = spawnSync(process.execPath, [compiler, '-p', 'tsconfig.build.json'], { cwd: root, stdio: 'inherit' });
  if (build.status !== 0) {
    rmSync(stamp, { force: true });
    process.exit(build.status ?? 1);
  }
}
// In production graphql leaves out a check of every value that it makes, for a mistake that bundlers make.
process.env.NODE_ENV ??= 'production';
await import('../dist/main.js');
