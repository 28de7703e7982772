// `node scripts/checks/check-release.mjs v1.2.3`: fails unless package.json and CHANGELOG.md have the version of the tag, and prints
// what the changelog says of it.
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

/** @returns the changelog's part on the version @throws Error that says what does not fit */
export function notesOf(tag, packageText, changelog) {
  const { version } = JSON.parse(packageText);
  if (tag !== `v${version}`) throw new Error(`The tag is ${tag}, and package.json has version ${version}`);
  const [, ...parts] = changelog.split(/^## /m);
  const part = parts.find((one) => one.startsWith(`[${version}]`));
  if (part === undefined) throw new Error(`CHANGELOG.md has no part [${version}]`);
  const notes = part.slice(part.indexOf('\n')).trim();
  if (notes === '') throw new Error(`CHANGELOG.md says nothing of ${version}`);
  return notes;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const read = (path) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
  try {
    console.log(notesOf(process.argv[2] ?? '', read('package.json'), read('CHANGELOG.md')));
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
