import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const hook = join(root, 'test/support/production-only.mjs');
/** For people who change Cadenza: they have all dependencies. CONTRIBUTING.md names them. */
const OF_DEVELOPMENT = [
  ...[
    'dev',
    'check',
    'format',
    'format:check',
    'lint',
    'types',
    'imports',
    'prose',
    'dead-code',
    'supply',
    'sbom',
    'codegen',
    'test',
    'pretest',
  ],
  ...['migrations', 'schema', 'bench', 'fuzz', 'soak', 'storm', 'siege'],
];

async function scripts(): Promise<Map<string, string>> {
  const { scripts } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  return new Map(Object.entries(scripts).filter(([name]) => name !== 'postinstall'));
}

/** Every npm script that the README and docs/ tell people to run. */
async function documented(): Promise<Set<string>> {
  const pages = (await readdir(join(root, 'docs'), { recursive: true })).filter((name) => name.endsWith('.md'));
  const texts = await Promise.all(
    ['README.md', ...pages.map((name) => join('docs', name))].map((name) => readFile(join(root, name), 'utf8')),
  );
  const named = texts.flatMap((text) => [...text.matchAll(/npm (?:run ([\w:-]+)|(start|test))/g)]);
  return new Set(named.map(([, run, other]) => run ?? other ?? ''));
}

interface Ended {
  code: number;
  output: string;
}

/** Runs a script of package.json where only the dependencies of production are installed. */
async function runIt(script: string, args: string[], env: NodeJS.ProcessEnv): Promise<Ended> {
  const [, ...words] =
    script
      .replace(/^exec /, '')
      .split(' || ', 1)[0]
      ?.split(' ') ?? [];
  const options = { cwd: root, env: { ...process.env, ...env } };
  try {
    const { stdout } = await promisify(execFile)(process.execPath, ['--import', hook, ...words, ...args], options);
    return { code: 0, output: stdout };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, output: stdout + stderr };
  }
}

test('[START6] every documented command is there, and runs without development dependencies unless it is for development', async () => {
  const known = await scripts();
  const names = [...new Set([...(await documented()), ...known.keys()])];
  expect(names.filter((name) => !known.has(name))).toEqual([]);
  const forProduction = names.filter((name) => !OF_DEVELOPMENT.includes(name));
  for (const name of forProduction) expect(known.get(name), name).toMatch(/^(exec )?node scripts\//);
  // One after the other: the first compiles.
  for (const name of forProduction.filter((one) => one !== 'start' && one !== 'build')) {
    const { code, output } = await runIt(known.get(name) ?? '', ['--help'], {});
    expect(output).toContain(`npm run ${name}`);
    expect(code).toBe(0);
  }
  const { code, output } = await runIt(known.get('start') ?? '', [], { PORT: 'eighty' });
  expect(output).toContain('PORT "eighty" is not a whole number');
  expect(code).toBe(1);
});

test('[START6] the check of this sees a development dependency', async () => {
  const { code, output } = await runIt('node -e import("vitest")', [], {});
  expect(code).not.toBe(0);
  expect(output).toContain('node_modules/vitest is a development dependency');
});
