import { execFile } from 'node:child_process';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { temporaryFolder } from '../support/folder.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** What the check says of a tag, in a repository with this version and changelog. */
async function check(tag: string, version: string, changelog: string): Promise<{ stdout: string; stderr: string }> {
  const folder = await temporaryFolder();
  await mkdir(join(folder, 'scripts'));
  const script = join(folder, 'scripts/checks/check-release.mjs');
  await cp(join(root, 'scripts/checks/check-release.mjs'), script);
  await writeFile(join(folder, 'package.json'), JSON.stringify({ version }));
  await writeFile(join(folder, 'CHANGELOG.md'), changelog);
  return promisify(execFile)(process.execPath, [script, tag]).catch(
    (error: unknown) => error as { stdout: string; stderr: string },
  );
}

const CHANGELOG = `# Changelog\n\n## [Unreleased]\n\n- Later.\n\n## [1.2.0] – 2026-12-01\n\n### Models\n\n- New.\n\n## [1.1.0]\n\n- Old.\n`;

test('[RELEASE1] a release has the version of its tag and its part of the changelog, and no other', async () => {
  expect(await check('v1.2.0', '1.2.0', CHANGELOG)).toEqual({ stdout: '### Models\n\n- New.\n', stderr: '' });
  expect((await check('v1.3.0', '1.2.0', CHANGELOG)).stderr).toMatch(
    /The tag is v1\.3\.0, and package\.json has version 1\.2\.0/,
  );
  expect((await check('v1.3.0', '1.3.0', CHANGELOG)).stderr).toMatch(/no part \[1\.3\.0\]/);
  expect((await check('v1.3.0', '1.3.0', '## [1.3.0]\n\n## [1.2.0]\n\n- Old.\n')).stderr).toMatch(/says nothing/);
  expect((await check('', '1.2.0', CHANGELOG)).stderr).toMatch(/The tag is /);
});

interface Workflow {
  permissions: object;
  jobs: Record<
    string,
    { needs?: string; permissions: Record<string, string>; steps: { run?: string; uses?: string }[] }
  >;
}

test('[RELEASE1] nothing is released before all checks have passed, and only the job that releases may write', async () => {
  const { permissions, jobs } = parse(await readFile(join(root, '.github/workflows/release.yml'), 'utf8')) as Workflow;
  expect(permissions).toEqual({});
  const { check: checking, release } = jobs;
  expect(release?.needs).toBe('check');
  expect(checking?.permissions).toEqual({ contents: 'read' });
  expect(checking?.steps.map(({ run }) => run)).toEqual(expect.arrayContaining(['npm run check', 'npm test']));
  expect(release?.permissions).toEqual({ contents: 'write', 'id-token': 'write', attestations: 'write' });
  const attesting = release?.steps.findIndex(({ uses }) => uses?.startsWith('actions/attest-build-provenance@')) ?? -1;
  const publishing = release?.steps.findIndex(({ run }) => run?.includes('gh release create')) ?? -1;
  expect(attesting).toBeGreaterThan(0);
  expect(publishing).toBeGreaterThan(attesting);
  // What a tag is called is never part of a script.
  const scripts = Object.values(jobs).flatMap(({ steps }) => steps.flatMap(({ run = '' }) => run));
  expect(scripts.filter((script) => script.includes('${{'))).toEqual([]);
});
