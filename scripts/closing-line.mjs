// Adds up Vitest's JSON reports in a folder and prints one plain line: `N passed, N failed, N skipped`. Files of a report
// `NAME.again.json` count in place of the same files in `NAME.json`.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const folder = process.argv[2];
const read = (name) => JSON.parse(readFileSync(join(folder, name), 'utf8')).testResults;

function filesOf(name) {
  const again = name.replace(/\.json$/, '.again.json');
  const repeated = existsSync(join(folder, again)) ? read(again) : [];
  return [...read(name).filter((file) => !repeated.some((other) => other.name === file.name)), ...repeated];
}

const tests = readdirSync(folder)
  .filter((name) => !name.endsWith('.again.json'))
  .flatMap(filesOf)
  .flatMap((file) => file.assertionResults);
const count = (...statuses) => tests.filter(({ status }) => statuses.includes(status)).length;
console.log(`${count('passed')} passed, ${count('failed')} failed, ${count('pending', 'skipped', 'todo')} skipped`);
