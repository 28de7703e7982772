// `npm run prose`: fails when two modules of src export different things under one name. What is only re-exported does not count.
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const root = fileURLToPath(new URL('../..', import.meta.url));

const files = readdirSync(`${root}src`, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
  .map((entry) => `${entry.parentPath.slice(root.length)}/${entry.name}`);

const isExported = (node) => node.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword) ?? false;

/** What `export { … }` lists of this module's own: what it has imported is another's. */
function* listedNames(node, imported) {
  if (!ts.isExportDeclaration(node) || node.moduleSpecifier || !node.exportClause) return;
  for (const { name, propertyName } of node.exportClause.elements) {
    if (!imported.has((propertyName ?? name).text)) yield name.text;
  }
}

function* importedNames(node) {
  if (!ts.isImportDeclaration(node)) return;
  const { name, namedBindings } = node.importClause ?? {};
  if (name) yield name.text;
  if (namedBindings && ts.isNamedImports(namedBindings)) for (const one of namedBindings.elements) yield one.name.text;
}

function* declaredNames(node) {
  if (!isExported(node)) return;
  if (ts.isVariableStatement(node)) {
    for (const { name } of node.declarationList.declarations) if (ts.isIdentifier(name)) yield name.text;
  } else if (node.name) {
    yield node.name.text;
  }
}

const modules = new Map();
for (const file of files) {
  const source = ts.createSourceFile(file, readFileSync(root + file, 'utf8'), ts.ScriptTarget.Latest);
  const imported = new Set(source.statements.flatMap((node) => [...importedNames(node)]));
  const names = new Set(source.statements.flatMap((node) => [...declaredNames(node), ...listedNames(node, imported)]));
  for (const name of names) modules.set(name, [...(modules.get(name) ?? []), file]);
}

const shared = [...modules].filter(([, where]) => where.length > 1).sort();
for (const [name, where] of shared)
  console.error(`${where.join(' and ')} export ${name}: give one of them another name`);
process.exitCode = shared.length > 0 ? 1 : 0;
