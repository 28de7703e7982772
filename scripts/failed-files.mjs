// Prints the test files that failed, one a line, from a JSON report of Vitest; what failed in them goes to stderr. A run that
// failed for another reason than a test, or in more files than noise explains, ends with status 1.
import { readFileSync } from 'node:fs';
import { relative } from 'node:path';

const MOST_FILES = 6;

const { testResults } = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const failed = testResults.filter(({ status }) => status !== 'passed');
for (const { name, assertionResults } of failed)
  for (const { status, fullName } of assertionResults)
    if (status === 'failed') console.error(`Failed once: ${relative('.', name)}: ${fullName}`);
if (failed.length === 0 || failed.length > MOST_FILES) {
  console.error(`${failed.length} files failed: they are not run again`);
  process.exit(1);
}
for (const { name } of failed) console.log(relative('.', name));
