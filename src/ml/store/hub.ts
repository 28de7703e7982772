import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import { downloadFile, HUB_URL, listFiles, listModels, modelInfo } from '@huggingface/hub';
import { z } from 'zod';
import type { ModelSource } from './model-catalogue.ts';
import { fetchWithToken } from './network.ts';
import {
  type FetchContext,
  type OpenSource,
  patientFetch,
  type SourceContext,
  UnreachableError,
} from './patient-fetch.ts';

/** A repository of a hub at one commit. */
export interface HubRepository {
  /** The commit's hash. */
  revision: string;
  license: string | null;
  files: { path: string; bytes: number; sha256: string | null }[];
}

/** Maximum number of files of a repository that are looked at. */
const MAX_FILES = 10_000;

/** Lists the files of a model's repository. @throws Error whose message says briefly why it cannot be read */
export async function lookIntoHub(repo: string, revision: string, context: FetchContext): Promise<HubRepository> {
  const { hubUrl, fetch, refused } = accessTo(repo, null, context);
  try {
    const { sha, tags } = await modelInfo({ name: repo, revision, hubUrl, fetch, additionalFields: ['sha', 'tags'] });
    const files: HubRepository['files'] = [];
    for await (const { type, path, size, lfs } of listFiles({ repo, revision: sha, recursive: true, hubUrl, fetch })) {
      if (type === 'file') files.push({ path, bytes: lfs?.size ?? size, sha256: lfs?.oid ?? null });
      if (files.length > MAX_FILES) throw new Error(`it has more than ${MAX_FILES} files`);
    }
    return { revision: sha, license: licenseOf(tags), files };
  } catch (error) {
    context.signal.throwIfAborted();
    throw refused(error) ?? error;
  }
}

/** What a search finds of a repository. */
export interface FoundRepository {
  /** OWNER/NAME. */
  name: string;
  downloads: number;
  license: string | null;
  /** Whether its files need access that has been asked for. */
  isGated: boolean;
}

/** A hub's answer is as untrusted as its files, and names are printed. */
const foundSchema = z.object({
  name: z.string().regex(/^[\w.-]{1,100}\/[\w.-]{1,100}$/),
  downloads: z.int().nonnegative(),
  gated: z.union([z.boolean(), z.string()]),
  tags: z.array(z.string()).default([]),
});

/** The models with GGUF files whose names have these words, the most downloaded first. @throws Error that says why not */
export async function searchHub(words: string, most: number, context: FetchContext): Promise<FoundRepository[]> {
  const { hubUrl, fetch, refused } = accessTo('models', null, context);
  const search = { query: words, tags: ['gguf'] };
  const found: FoundRepository[] = [];
  try {
    const models = listModels({ search, sort: 'downloads', limit: most, additionalFields: ['tags'], hubUrl, fetch });
    for await (const entry of models) {
      const { data } = foundSchema.safeParse(entry);
      if (!data) continue;
      const { name, downloads, gated, tags } = data;
      found.push({ name, downloads, license: plainLicense(tags), isGated: gated !== false });
    }
    return found;
  } catch (error) {
    context.signal.throwIfAborted();
    throw refused(error) ?? error;
  }
}

function plainLicense(tags: readonly string[]): string | null {
  const license = licenseOf(tags);
  return license !== null && /^[\w.+-]{1,60}$/.test(license) ? license : null;
}

function licenseOf(tags: readonly string[] | undefined): string | null {
  return tags?.find((tag) => tag.startsWith('license:'))?.slice('license:'.length) ?? null;
}

function accessTo(repo: string, endpoint: string | null, context: FetchContext) {
  const { hubToken, hubEndpoint } = context.network;
  const hubUrl = endpoint ?? hubEndpoint ?? HUB_URL;
  const fetch = fetchWithToken(patientFetch(context), hubToken, hubUrl);
  const refused = (error: unknown) => refusalOf(error, `${hubUrl}/${repo}`, hubToken !== null);
  return { hubUrl, fetch, refused };
}

type HubFile = Extract<ModelSource, { hub: unknown }>['hub'];

/** Opens a file of a hub. @throws Error whose message says briefly why it cannot be read */
export async function openHub(from: HubFile, context: SourceContext): Promise<OpenSource> {
  const { repo, revision, file, endpoint = null } = from;
  const { hubUrl, fetch, refused } = accessTo(repo, endpoint, context);
  const blob = await downloadFile({ repo, revision, path: file, hubUrl, fetch }).catch((error: unknown) => {
    throw refused(error) ?? error;
  });
  if (blob === null) throw new Error(`there is no file ${file} at ${revision}`);
  const start = context.offset <= blob.size ? context.offset : 0;
  // A range without bytes would be refused.
  if (start === blob.size) return { start, body: Readable.from([]) };
  return { start, body: Readable.fromWeb(blob.slice(start, blob.size).stream() as ReadableStream) };
}

/**
 * The advice if the hub refuses a repository, or is not reached. It gives the same answer if the repository does not exist.
 */
function refusalOf(error: unknown, repository: string, hasToken: boolean): Error | null {
  if (error instanceof UnreachableError)
    return new Error(`${error.message}: set HTTPS_PROXY, or HF_ENDPOINT to a mirror`, { cause: error });
  const status = error instanceof Error && 'statusCode' in error ? error.statusCode : null;
  if (status !== 401 && status !== 403) return null;
  const told = hasToken
    ? `the token in HF_TOKEN may not read it, or there is none: ask for access at ${repository}`
    : 'it is gated or private, or there is none: set HF_TOKEN to an access token that may read it';
  return new Error(`${told} (the server answered ${status})`, { cause: error });
}
