import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { StartupError } from '../../lib/errors.ts';

const assets = fileURLToPath(new URL('../../../assets/', import.meta.url));
const builtIn = join(assets, 'models.json');

/** The id of the built-in writer, which shows how drafts work rather than writes well. */
export const DEMONSTRATION = 'smollm2-135m-instruct';

const name = z.string().min(1).max(200);
const fileName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, 'must be a plain file name');
const pathName = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._-]*(\/[A-Za-z0-9][A-Za-z0-9._-]*)*$/,
    'must be a plain file name, or one in a folder',
  );
const promised = {
  sha256: z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 lower-case hexadecimal digits'),
  bytes: z.int().positive(),
};
const languageCode = z.string().regex(/^[a-z]{2,3}(-[a-z0-9]{2,8})*$/, 'must be a language code such as en or zh-hant');
/** `endpoint`: a mirror of the hub, for example inside a company. */
const hub = { repo: name, revision: name, endpoint: z.url().optional() };
const url = z.url({ protocol: /^https?$/ });
/** The source of one file. */
const fileSourceSchema = z.union([
  z.strictObject({ hub: z.strictObject({ ...hub, file: name }) }),
  z.strictObject({ url }),
  z.strictObject({ file: name }),
  z.strictObject({ pip: z.strictObject({ package: name, version: name, member: name }) }),
]);
/**
 * The source of a folder that contains all files under their names. `folder` is a path within a hub's repository, by
 * default its root.
 */
const folderSourceSchema = z.union([
  z.strictObject({ hub: z.strictObject({ ...hub, folder: name.optional() }) }),
  z.strictObject({ url }),
  z.strictObject({ file: name }),
]);
const described = {
  id: z.string().regex(/^[a-z0-9][a-z0-9._-]{0,99}$/, 'must be lower-case letters, digits, dots and dashes'),
  name,
  task: z.enum(['TEXT_GENERATION', 'TUNE_GENERATION', 'EMBEDDING', 'TRANSLATION']),
  /** Of a model with the task TRANSLATION. */
  languages: z.strictObject({ from: languageCode, to: languageCode }).optional(),
  version: name,
  license: name.nullable().default(null),
  parameters: z.int().positive().nullable().default(null),
  /** Length of the context that the model was trained with, in tokens. */
  context: z.int().positive(),
  /** How matrices are stored when compiled: blocks of 8 or 4 bits, or floats of the device's size. */
  weights: z.enum(['int8', 'int4', 'float']).default('int8'),
};
const oneFileSchema = z.strictObject({
  ...described,
  file: z.strictObject({ name: fileName, ...promised }),
  sources: z.array(fileSourceSchema).min(1),
});
const filesSchema = z.strictObject({
  ...described,
  files: z
    .array(z.strictObject({ name: pathName, ...promised, sources: z.array(fileSourceSchema).min(1).optional() }))
    .min(1)
    .refine((files) => new Set(files.map((file) => file.name)).size === files.length, {
      error: 'two files have the same name',
    }),
  /** Of all files that name no sources of their own. */
  sources: z.array(folderSourceSchema).default([]),
});
/** A model is one file or a folder of several. That determines the form of the rest of the entry. */
const entrySchema = z.unknown().transform((value, context): ModelEntry => {
  const several = typeof value === 'object' && value !== null && 'files' in value;
  const parsed = (several ? filesSchema : oneFileSchema).safeParse(value);
  if (parsed.success) return parsed.data;
  for (const { path, message } of parsed.error.issues) context.addIssue({ code: 'custom', path, message });
  return z.NEVER;
});
const sourcedSchema = entrySchema.refine((entry) => filesOf(entry).every(({ sources }) => sources.length > 0), {
  error: 'sources is missing, for the whole folder or for each file',
});
const catalogueSchema = z.strictObject({
  /** Ids of models that come before all others, of any catalogue. */
  defaults: z.array(described.id).default([]),
  models: z.array(sourcedSchema).refine((models) => new Set(models.map(({ id }) => id)).size === models.length, {
    error: 'two models have the same id',
  }),
});

/** What a catalogue file says. */
export type CatalogueFile = z.output<typeof catalogueSchema>;

/** A source of a model's file. */
export type ModelSource = z.output<typeof fileSourceSchema>;
/** One model of the store: what it is, the digests of its files, and their sources, tried in order. */
export type ModelEntry = z.output<typeof oneFileSchema> | z.output<typeof filesSchema>;

export interface ModelFile {
  /** For several files also a path, with slashes. */
  name: string;
  sha256: string;
  bytes: number;
  sources: readonly ModelSource[];
}

/** The files of a model. */
export function filesOf(entry: ModelEntry): ModelFile[] {
  if ('file' in entry) return [{ ...entry.file, sources: entry.sources }];
  return entry.files.map(({ sources, ...file }) => ({
    ...file,
    sources: sources ?? entry.sources.map((folder) => within(folder, file.name)),
  }));
}

function within(folder: z.output<typeof folderSourceSchema>, file: string): ModelSource {
  if ('url' in folder) return { url: new URL(file, folder.url.replace(/\/?$/, '/')).href };
  if ('file' in folder) return { file: join(folder.file, file) };
  const { folder: path, ...repository } = folder.hub;
  return { hub: { ...repository, file: path === undefined ? file : `${path}/${file}` } };
}

/** Whether its files are on this machine, wherever they are. */
export function isLocal(entry: ModelEntry): boolean {
  return filesOf(entry).every(({ sources }) => sources.every((source) => 'file' in source));
}

/** Whether its files came with this package, so that having them needs no permission to fetch. */
export function isShipped(entry: ModelEntry): boolean {
  const isAsset = (source: ModelSource) => 'file' in source && source.file.startsWith(assets);
  return filesOf(entry).every(({ sources }) => sources.every(isAsset));
}

export function bytesOf(entry: ModelEntry): number {
  return filesOf(entry).reduce((total, { bytes }) => total + bytes, 0);
}

/** Identifies a model's bytes: the file's SHA-256, or the digest of all files' names and digests. */
export function modelDigest(entry: ModelEntry): string {
  if ('file' in entry) return entry.file.sha256;
  const lines = entry.files.map(({ name, sha256 }) => `${sha256}  ${name}\n`).sort();
  return createHash('sha256').update(lines.join('')).digest('hex');
}

/** The operator's catalogues. Either may be absent. */
export interface CatalogueFiles {
  /** Written by the operator; it must exist. */
  own?: string | null;
  /** Written by `npm run models -- add`; it need not exist. */
  added?: string | null;
}

/**
 * The models on offer: the operator's own, those that were added, then the built-in ones that they do not replace. What
 * a catalogue names as defaults comes before all. The first of a task is that task's default ([MODEL3]).
 * @throws StartupError that names the file and the invalid value
 */
export function loadModelCatalogue({ own = null, added = null }: CatalogueFiles = {}): ModelEntry[] {
  const files = [own, added !== null && existsSync(added) ? added : null, builtIn].filter((file) => file !== null);
  const catalogues = files.map(readCatalogue);
  const models = new Map<string, ModelEntry>();
  for (const entry of catalogues.flatMap((catalogue) => catalogue.models))
    if (!models.has(entry.id)) models.set(entry.id, entry);
  const first = catalogues.flatMap(({ defaults }) => defaults.flatMap((id) => models.get(id) ?? []));
  return [...new Set([...first, ...models.values()])];
}

/** The catalogue of the models that were added, in a data folder. */
export function addedModelsFile(dataDir: string): string {
  return join(dataDir, 'added-models.json');
}

/** @throws StartupError that names the file and the invalid value */
export function readCatalogue(path: string): CatalogueFile {
  const parsed = catalogueSchema.safeParse(readJson(path));
  if (parsed.success)
    return { ...parsed.data, models: parsed.data.models.map((entry) => withAbsoluteFiles(entry, dirname(path))) };
  const problems = parsed.error.issues.map(({ path: keys, message }) => `  ${keys.join('.') || '(whole)'}: ${message}`);
  throw new StartupError([`The model catalogue ${path} is invalid:`, ...problems].join('\n'));
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new StartupError(`The model catalogue ${path} cannot be read: ${(error as Error).message}`);
  }
}

/** The path of a file source is relative to its catalogue. */
function withAbsoluteFiles(entry: ModelEntry, folder: string): ModelEntry {
  const absolute = <Source extends object>(source: Source) =>
    'file' in source ? { ...source, file: resolve(folder, String(source.file)) } : source;
  if ('file' in entry) return { ...entry, sources: entry.sources.map(absolute) };
  const files = entry.files.map((file) => (file.sources ? { ...file, sources: file.sources.map(absolute) } : file));
  return { ...entry, files, sources: entry.sources.map(absolute) };
}
