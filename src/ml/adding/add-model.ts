import { readFile, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { ConflictError, InvalidInputError } from '../../lib/errors.ts';
import { makeFolder } from '../../lib/folders.ts';
import type { ModelEntry } from '../store/model-catalogue.ts';
import { defaultPatience, type FetchOptions, type ModelStore } from '../store/model-store.ts';
import type { Network } from '../store/network.ts';
import { chooseFiles } from './choose-files.ts';
import { listFiles, type Listing, type ListingContext } from './listing.ts';
import { expectedBytes, look } from './look.ts';
import { parseReference } from './reference.ts';
import type { NamedFile } from './shadow.ts';

export interface ExaminationOptions {
  /** For temporary files. */
  folder: string;
  network: Network;
  /** Whether this id belongs to a model that was not added. */
  isTaken: (id: string) => boolean;
  /** Made from the source's name if it is null. */
  id: string | null;
  weights: ModelEntry['weights'];
  signal: AbortSignal;
}

/** A model that can be added, as far as it can be known before it is fetched. */
export interface ModelOffer {
  id: string;
  name: string;
  version: string;
  /** Null for an ONNX export: nothing tells until it is there. */
  family: string | null;
  license: string | null;
  parameters: number | null;
  context: number;
  weights: ModelEntry['weights'];
  /** To fetch. */
  bytes: number;
  /** In bytes, for the weights and for one draft of so many tokens; null if unknown. */
  memory: { weights: number; draft: number; draftTokens: number } | null;
  isFolder: boolean;
  files: readonly NamedFile[];
}

/** The longest draft that the memory is told for. */
const DRAFT_TOKENS = 8_192;

/**
 * Finds out what a reference leads to, and tries what can be tried without the weights ([MODEL16]).
 * @throws InvalidInputError; ModelUnavailableError; ConflictError if the id is another model's; the signal's reason
 */
export async function examineModel(source: string, options: ExaminationOptions): Promise<ModelOffer> {
  const { folder, weights } = options;
  const context: ListingContext = { ...options, ...defaultPatience };
  try {
    const listing = await listFiles(parseReference(source), context);
    const { files: chosen, isFolder, variant } = chooseFiles(listing);
    const name = listing.title.includes(variant) ? listing.title : `${listing.title} ${variant}`;
    const files = chosen.map((file) => ({ ...file, name: nameOf(file.path, isFolder) }));
    const { shape, context: tokens, license } = await look(files, { ...context, title: name, isFolder });
    const draftTokens = Math.min(DRAFT_TOKENS, tokens);
    return {
      ...{ id: idOf(options, listing, variant), name, version: listing.version.slice(0, 40), isFolder, files, weights },
      ...{ family: shape?.architecture ?? null, parameters: shape?.parameters ?? null, context: tokens },
      license: listing.license ?? license,
      bytes: files.reduce((total, { bytes }) => total + bytes, 0),
      memory: shape && { ...expectedBytes(shape, weights, draftTokens), draftTokens },
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Names that a catalogue takes. A single file may be called anything else. */
const PLAIN = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;

function nameOf(path: string, isFolder: boolean): string {
  const name = path.endsWith('.gguf') ? basename(path) : path;
  if (isFolder || PLAIN.test(name)) return name;
  return 'model.gguf';
}

/** @throws InvalidInputError; ConflictError */
function idOf({ id, isTaken }: ExaminationOptions, { title }: Listing, variant: string): string {
  const made = `${title.replace(/\.gguf$/i, '')}-${title.toLowerCase().includes(variant.toLowerCase()) ? '' : variant}`
    .toLowerCase()
    .replace(/-gguf(?=-|$)|-safetensors$/g, '')
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/^[^a-z0-9]+|[^a-z0-9]+$/g, '')
    .slice(0, 100);
  const wanted = id ?? made;
  if (!/^[a-z0-9][a-z0-9._-]{0,99}$/.test(wanted))
    throw new InvalidInputError(`the id ${wanted} must be lower-case letters, digits, dots and dashes`, 'id');
  if (isTaken(wanted)) throw new ConflictError(`there is a model ${wanted} already: name this one with --id`);
  return wanted;
}

/**
 * Fetches a model's files and resumes what is there. A file whose digest nobody has told is pinned as it came.
 * @returns the entry with which anybody gets the same bytes
 * @throws DiskFullError; ModelUnavailableError that names the problem of each source; ConflictError; the signal's reason
 */
export async function fetchOffer(
  addition: ModelOffer,
  store: ModelStore,
  options: Required<FetchOptions> & { isAdded: boolean },
): Promise<ModelEntry> {
  await forgetOthersBytes(addition, store, options.isAdded);
  const { id, name, isFolder } = addition;
  const digests: string[] = [];
  let before = 0;
  for (const { name: file, bytes, sha256, source } of addition.files) {
    const onProgress = (done: number) => options.onProgress(before + done);
    const pin = () =>
      store.fetchUnpinned({ id, name, isFolder }, { name: file, bytes, sources: [source] }, { ...options, onProgress });
    digests.push(sha256 ?? (await pin()));
    if (sha256 === null) before += bytes;
  }
  const entry = entryOf(addition, digests);
  await store.fetch(entry, options);
  return entry;
}

function entryOf({ id, name, version, license, parameters, context, weights, ...rest }: ModelOffer, digests: string[]) {
  const described = { id, name, task: 'TEXT_GENERATION' as const, version, license, parameters, context, weights };
  const files = rest.files.map(({ name: file, bytes, source }, i) => {
    return { name: file, bytes, sha256: digests[i] ?? '', sources: [source] };
  });
  const [only] = files;
  if (rest.isFolder || !only) return { ...described, files, sources: [] };
  const { sources, ...file } = only;
  return { ...described, file, sources };
}

const NOTE = 'adding.json';

/**
 * What an interrupted fetch has left is gone on with only if it is of the same files: of those without a digest nothing
 * else would tell.
 */
async function forgetOthersBytes(
  { id, files, version }: ModelOffer,
  store: ModelStore,
  isAdded: boolean,
): Promise<void> {
  const folder = store.folder({ id });
  const note = JSON.stringify({
    version,
    files: files.map(({ bytes, sha256, source }) => ({ bytes, sha256, source })),
  });
  const found = await readFile(join(folder, NOTE), 'utf8').catch(() => null);
  if (found === note) return;
  if (isAdded)
    throw new ConflictError(
      `there is a model ${id} already, of other files: remove it first, or name this one with --id`,
    );
  await rm(folder, { recursive: true, force: true });
  await makeFolder(folder);
  await writeFile(join(folder, NOTE), note);
}
