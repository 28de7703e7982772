// `npm run prose`: holds the documents to the code. It fails on
// - a rule of SPEC.md that no test cites, and a citation of a rule that SPEC.md lacks;
// - a rule of more than 60 words, or two rules of one name;
// - a README of more than 200 lines;
// - a path or a link in a document that leads to nothing;
// - a folder of a room that CONTRIBUTING.md does not tell of;
// - a folder of src or test with more than 14 loose files.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const MAX_RULE_WORDS = 60;
const MAX_README_LINES = 200;
const MAX_LOOSE_FILES = 14;

const root = fileURLToPath(new URL('../..', import.meta.url));
const read = (path) => readFileSync(root + path, 'utf8');

function typescriptIn(folder) {
  return readdirSync(root + folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.[mc]?ts$/.test(entry.name) && !entry.parentPath.includes('node_modules'))
    .map((entry) => `${entry.parentPath.slice(root.length)}/${entry.name}`);
}

/** Every `[NAME]` in the code of these folders. */
function citationsIn(...folders) {
  return folders.flatMap(typescriptIn).flatMap((file) => {
    const names = read(file).matchAll(/\[([A-Z]{2,}\d+)\]/g);
    return Array.from(names, ([, name]) => ({ name, file }));
  });
}

function* brokenRules() {
  const rules = Array.from(read('SPEC.md').matchAll(/^- \*\*\[([A-Z]+\d+)\]\*\* (.+)$/gm), ([, name, text]) => ({
    name,
    text,
  }));
  const names = new Set(rules.map(({ name }) => name));
  const tested = new Set(citationsIn('test').map(({ name }) => name));
  for (const { name, text } of rules) {
    const words = text.split(/\s+/).length;
    if (!tested.has(name)) yield `SPEC.md: no test cites [${name}]`;
    if (words > MAX_RULE_WORDS)
      yield `SPEC.md: [${name}] has ${words} words; split rules of more than ${MAX_RULE_WORDS}`;
  }
  if (names.size < rules.length) yield 'SPEC.md: two rules have the same name';
  for (const { name, file } of citationsIn('src', 'test', 'bench', 'examples')) {
    if (!names.has(name)) yield `${file}: SPEC.md has no rule [${name}]`;
  }
}

function* longReadme() {
  const lines = read('README.md').trimEnd().split('\n').length;
  if (lines > MAX_README_LINES) yield `README.md: ${lines} lines; at most ${MAX_README_LINES}`;
}

/** Links, and paths between backticks that begin with a folder of this repository. */
function* deadPaths() {
  const pages = readdirSync(`${root}docs`, { recursive: true }).filter((name) => name.endsWith('.md'));
  for (const page of ['README.md', 'CONTRIBUTING.md', 'SPEC.md', ...pages.map((name) => `docs/${name}`)]) {
    const text = read(page).replaceAll(/^```.*?^```/gms, '');
    const named = text.matchAll(/`((?:src|test|docs|scripts|assets|bench|examples|patches|drizzle)\/[\w./-]*)`/g);
    const linked = text.matchAll(/\]\((?!https?:)([\w./-]+)/g);
    const paths = [
      ...Array.from(named, ([, path]) => ({ path, at: path })),
      ...Array.from(linked, ([, path]) => ({ path, at: join(dirname(page), path) })),
    ];
    for (const { path, at } of paths)
      if (!at.includes('node_modules') && !existsSync(root + at)) yield `${page}: there is no ${path}`;
  }
}

/** Rooms and their folders. What is below those is told where it is. */
function* untoldFolders() {
  const told = read('CONTRIBUTING.md');
  const folders = new Set(typescriptIn('src').map((file) => dirname(file).split('/').slice(0, 3).join('/')));
  for (const folder of folders)
    if (folder !== 'src' && !told.includes(`\`${folder}/\``)) yield `CONTRIBUTING.md: does not tell of ${folder}/`;
}

function* crowdedFolders() {
  const counts = new Map();
  for (const file of ['src', 'test'].flatMap(typescriptIn))
    counts.set(dirname(file), (counts.get(dirname(file)) ?? 0) + 1);
  for (const [folder, count] of counts) {
    if (count > MAX_LOOSE_FILES) yield `${folder}: ${count} loose files; at most ${MAX_LOOSE_FILES}`;
  }
}

const problems = [...brokenRules(), ...longReadme(), ...deadPaths(), ...untoldFolders(), ...crowdedFolders()];
for (const problem of problems) console.error(problem);
process.exitCode = problems.length > 0 ? 1 : 0;
