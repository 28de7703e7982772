// `npm run supply`: holds package-lock.json to what we may ship and run. It fails on
// - a package whose licence is not on the list, and an exception that no package needs;
// - a package with an install script about which package.json's `allowScripts` does not decide.
import { readFileSync } from 'node:fs';
import satisfies from 'spdx-satisfies';

const ALLOWED = [
  'MIT',
  'ISC',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  '0BSD',
  'BlueOak-1.0.0',
  'CC0-1.0',
  'Unlicense',
];
/** Packages under other licences, each with why we may use it as we do. */
const EXCEPTIONS = {
  abc2svg: 'LGPL-3.0: used as it is, as a package of its own that whoever installs can replace',
  lightningcss: 'MPL-2.0: used unchanged; its own files stay under that licence',
  '@browsermt/bergamot-translator': 'MPL-2.0: used unchanged, as a package of its own',
  'axe-core': 'MPL-2.0: runs in tests only',
  'naughty-words': 'CC-BY-4.0: lists of words, used unchanged, whose authors NOTICE names',
  jsonify: 'public domain, which SPDX has no name for',
  '@fontsource-variable/newsreader': 'OFL-1.1: a font, whose licence lies beside it',
  'spdx-exceptions': 'CC-BY-3.0: SPDX’s own list, for the check of licences only',
  'spdx-ranges': 'CC-BY-3.0 in part, for the same check only',
  argparse: 'Python-2.0: runs on developers’ machines only',
  'caniuse-lite': 'CC-BY-4.0: data that is used on developers’ machines only',
};

const read = (path) => JSON.parse(readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8'));
const { packages } = read('package-lock.json');
const { allowScripts } = read('package.json');
const all = Object.entries(packages)
  .filter(([path, { link }]) => path.includes('node_modules/') && !link)
  .map(([path, entry]) => ({ ...entry, name: path.replace(/^.*node_modules\//, '') }));

/** `lightningcss` stands for its builds for each platform too. */
const exceptionFor = (name) => Object.keys(EXCEPTIONS).find((one) => name === one || name.startsWith(`${one}-`));

function isAllowed(license) {
  try {
    return satisfies(license, ALLOWED);
  } catch {
    return false;
  }
}

function* problems() {
  const used = new Set();
  for (const { name, license = 'none', hasInstallScript } of all) {
    if (hasInstallScript && allowScripts[name] === undefined)
      yield `${name} has an install script: read it, and decide about it in package.json's allowScripts`;
    if (isAllowed(license)) continue;
    const exception = exceptionFor(name);
    if (exception === undefined)
      yield `${name} has the licence ${license}, which is not on the list of scripts/checks/check-supply.mjs`;
    else used.add(exception);
  }
  for (const name of Object.keys(EXCEPTIONS))
    if (!used.has(name)) yield `scripts/checks/check-supply.mjs: the exception for ${name} is no longer needed`;
}

const found = [...problems()];
for (const problem of found) console.error(problem);
process.exitCode = found.length > 0 ? 1 : 0;
