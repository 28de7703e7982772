// src/ → dist/: each file by itself, without checking types, which `npm run types` does. So an installation without
// development dependencies (`npm ci --omit=dev`), which has no types of Node.js and others, can compile.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const inRoot = (...parts) => join(root, ...parts);

/** Written last, so a compilation that was broken off does not look like one that ended. */
const stamp = inRoot('dist', '.compiled');
const modified = (path) => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;

const sources = readdirSync(inRoot('src'), { recursive: true }).map((name) => inRoot('src', name));
const settings = ['tsconfig.json', 'tsconfig.build.json', 'package-lock.json'].map((name) => inRoot(name));
/** Whether any source is newer than the last compilation. */
export const isStale = () => [...sources, ...settings, inRoot('src')].some((path) => modified(path) > modified(stamp));

/**
 * Compiles if any source is newer than the last compilation, in a process of its own: the compiler would stay in the memory of
 * the one that goes on as the server. Processes that start at once may do so beside each other.
 */
export function compile() {
  if (!isStale()) return;
  const { status } = spawnSync(process.execPath, [fileURLToPath(import.meta.url)], { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}

async function compileAll() {
  const { default: ts } = await import('typescript');
  const host = { ...ts.sys, onUnRecoverableConfigFileDiagnostic: fail };
  const parsed = ts.getParsedCommandLineOfConfigFile(inRoot('tsconfig.build.json'), {}, host);
  // Of a single file it cannot be seen that package.json makes it a module.
  const options = {
    ...parsed.options,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
  };
  const began = new Date();
  for (const source of sources.filter((path) => /(?<!\.d)\.ts$/.test(path))) compileFile(ts, source, options);
  write(stamp, '');
  // A source that was changed meanwhile is newer.
  utimesSync(stamp, began, began);
}

function compileFile(ts, source, options) {
  const target = join(options.outDir, relative(options.rootDir, source)).replace(/\.ts$/, '.js');
  const { outputText, sourceMapText, diagnostics } = ts.transpileModule(readFileSync(source, 'utf8'), {
    fileName: source,
    reportDiagnostics: true,
    compilerOptions: { ...options, sourceRoot: relative(dirname(target), dirname(source)) },
  });
  for (const diagnostic of diagnostics ?? []) fail(diagnostic, source);
  write(target, outputText);
  if (sourceMapText !== undefined) write(`${target}.map`, sourceMapText);
}

/** Whole or not at all: another process may be reading it. */
function write(path, text) {
  const unfinished = `${path}.${process.pid}`;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(unfinished, text);
  renameSync(unfinished, path);
}

function fail({ messageText }, source = 'tsconfig.build.json') {
  rmSync(stamp, { force: true });
  console.error(
    `${source} cannot be compiled: ${typeof messageText === 'string' ? messageText : messageText.messageText}`,
  );
  process.exit(1);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await compileAll();
