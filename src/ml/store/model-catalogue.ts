import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { StartupError } from '../../lib/errors.ts';

const builtIn = fileURLToPath(new URL('../../../assets/models.json', import.meta.url));

const name = z.string().min(1).max(200);
const fileName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, 'must be a plain file name');
const sourceSchema = z.union([
  z.strictObject({
    /** `endpoint`: a mirror of the hub, e.g. inside a company. */
    hub: z.strictObject({ repo: name, revision: name, file: name, endpoint: z.url().optional() }),
  }),
  z.strictObject({ url: z.url({ protocol: /^https?$/ }) }),
  z.strictObject({ file: name }),
  z.strictObject({ pip: z.strictObject({ package: name, version: name, member: name }) }),
]);
const entrySchema = z.strictObject({
  id: z.string().regex(/^[a-z0-9][a-z0-9._-]{0,99}$/, 'must be lower-case letters, digits, dots and dashes'),
  name,
  task: z.enum(['TEXT_GENERATION', 'TUNE_GENERATION']),
  version: name,
  license: name.nullable().default(null),
  parameters: z.int().positive().nullable().default(null),
  /** Tokens the model was trained to look back on. */
  context: z.int().positive(),
  file: z.strictObject({
    name: fileName,
    sha256: z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 lower-case hexadecimal digits'),
    bytes: z.int().positive(),
  }),
  sources: z.array(sourceSchema).min(1),
});
const catalogueSchema = z.strictObject({
  models: z.array(entrySchema).refine((models) => new Set(models.map(({ id }) => id)).size === models.length, {
    error: 'two models have the same id',
  }),
});

/** Where a model's file may come from. */
export type ModelSource = z.output<typeof sourceSchema>;
/** One model that the store can hold: what it is, which bytes it is, where they may come from, tried in turn. */
export type ModelEntry = z.output<typeof entrySchema>;

/**
 * The models on offer: the operator's, then the built-in ones it does not replace. The first of a task is that task's
 * default (SPEC [MODEL3]).
 *
 * @throws StartupError that names the file and the value that is wrong
 */
export function loadModelCatalogue(operatorsFile: string | null = null): ModelEntry[] {
  const own = operatorsFile === null ? [] : readCatalogue(operatorsFile);
  const replaced = new Set(own.map(({ id }) => id));
  const others = readCatalogue(builtIn);
  return [...own, ...others.filter(({ id }) => !replaced.has(id))];
}

function readCatalogue(path: string): ModelEntry[] {
  const parsed = catalogueSchema.safeParse(readJson(path));
  if (parsed.success) return parsed.data.models.map((entry) => withAbsoluteFiles(entry, dirname(path)));
  const problems = parsed.error.issues.map(({ path: keys, message }) => `  ${keys.join('.') || '(whole)'}: ${message}`);
  throw new StartupError([`The model catalogue ${path} has to be mended:`, ...problems].join('\n'));
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new StartupError(`The model catalogue ${path} cannot be read: ${(error as Error).message}`);
  }
}

/** A file source is relative to the catalogue that names it. */
function withAbsoluteFiles(entry: ModelEntry, folder: string): ModelEntry {
  const absolute = (source: ModelSource) => ('file' in source ? { file: resolve(folder, source.file) } : source);
  return { ...entry, sources: entry.sources.map(absolute) };
}
