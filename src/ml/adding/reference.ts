import { homedir } from 'node:os';
import { resolve } from 'node:path';
import { HUB_URL } from '@huggingface/hub';
import { InvalidInputError } from '../../lib/errors.ts';

/** Where somebody has a model. `want` is a file, or a part of its name such as a quantisation. */
export type ModelReference =
  | { kind: 'hub'; repo: string; revision: string; want: string | null }
  | { kind: 'url'; url: string }
  | { kind: 'path'; path: string }
  | { kind: 'pip'; package: string; version: string | null; want: string | null };

const HUB = /^hf:(?<repo>[\w-][\w.-]*\/[\w-][\w.-]*)(?::(?<want>[^@]+))?(?:@(?<revision>[^@\s]+))?$/;
const PIP = /^pip:(?<name>[A-Za-z0-9][\w.-]*)(?:==(?<version>[\w.!+-]+))?(?::(?<want>.+))?$/;
/** The address of a repository's page, or of one of its files. */
const PAGE =
  /^(?<repo>[\w-][\w.-]*\/[\w-][\w.-]*)(?:\/(?:blob|resolve|tree)\/(?<revision>[^/]+)(?:\/(?<want>[^?]+))?)?\/?$/;

/**
 * @param text `hf:owner/name[:file or quantisation][@revision]`, `pip:package[==version][:file]`, a URL, a file or a
 * folder
 * @throws InvalidInputError
 */
export function parseReference(text: string): ModelReference {
  if (text.startsWith('hf:')) return hubReference(HUB.exec(text)?.groups, text);
  if (text.startsWith('pip:')) return pipReference(PIP.exec(text)?.groups, text);
  if (!/^https?:\/\//i.test(text)) return { kind: 'path', path: resolve(text.replace(/^~(?=\/)/, homedir())) };
  if (!URL.canParse(text)) throw new InvalidInputError(`${text} is not a URL`, 'source');
  if (!text.startsWith(`${HUB_URL}/`)) return { kind: 'url', url: text };
  return hubReference(PAGE.exec(text.slice(HUB_URL.length + 1))?.groups, text);
}

type Groups = Readonly<Record<string, string | undefined>> | undefined;

function hubReference(groups: Groups, text: string): ModelReference {
  const { repo, revision = 'main', want = null } = groups ?? {};
  if (repo !== undefined) return { kind: 'hub', repo, revision, want };
  throw new InvalidInputError(`${text} is not hf:owner/name[:file or quantisation][@revision]`, 'source');
}

function pipReference(groups: Groups, text: string): ModelReference {
  const { name, version = null, want = null } = groups ?? {};
  if (name !== undefined) return { kind: 'pip', package: name, version, want };
  throw new InvalidInputError(`${text} is not pip:package[==version][:file]`, 'source');
}
