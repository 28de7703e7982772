import { InvalidInputError } from '../lib/errors.ts';
import { checkLength, checkRange, checkText } from '../lib/text/check-text.ts';
import type { Cover, CoverInput, ExternalUrl } from './contract.ts';

const MAX_LENGTH = 2_000;
/** The part of a picture's address that the requested size takes the place of. */
const SIZE = '{size}';
/** What no address contains unescaped: spaces, control characters and what would end an attribute of a page. */
const UNSAFE = /[\s\p{C}"<>\\^`{|}]/u;

/** An address that a page may show or follow: https, no user name, nothing that needs escaping. */
function checkAddress(value: string, field: string): string {
  const text = checkText(value, field, { max: MAX_LENGTH });
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url?.protocol !== 'https:' || !/^https:\/\/[^/]/i.test(text)) {
    throw new InvalidInputError(`${field} must be an address that begins with https://`, field);
  }
  if (UNSAFE.test(text) || url.username !== '' || url.password !== '') {
    throw new InvalidInputError(`${field} must be an address without spaces, quotes, braces or a user name`, field);
  }
  return text;
}

export const optionalAddress = (value: string | null | undefined, field: string): string | null =>
  value == null || value.trim() === '' ? null : checkAddress(value, field);

/** Pictures of one cover, the smallest first. A template stands alone. */
export function checkCovers(covers: readonly CoverInput[] | null | undefined, field: string): Cover[] {
  checkLength(covers ?? [], field, 20);
  const clean = (covers ?? []).map(({ url, size }, i) => checkCover(url, size ?? null, `${field}.${i}`));
  const sizes = new Set(clean.map(({ size }) => size));
  if (sizes.size < clean.length) throw new InvalidInputError(`${field} has two pictures of one size`, field);
  if (sizes.has(null) && clean.length > 1) {
    throw new InvalidInputError(`${field} must state the size of each picture, or be one address`, field);
  }
  return clean.sort((a, b) => (a.size ?? 0) - (b.size ?? 0));
}

function checkCover(url: string, size: number | null, field: string): Cover {
  const isTemplate = url.includes(SIZE);
  checkAddress(url.replaceAll(SIZE, '1'), `${field}.url`);
  if (isTemplate && size !== null) {
    throw new InvalidInputError(`${field} has a size, and ${SIZE} in its address: one of them`, field);
  }
  return { url: url.trim(), size: size === null ? null : checkRange(size, `${field}.size`, 1, 10_000) };
}

/** The smallest picture that is at least as large as wanted, otherwise the largest. Null if there is none. */
export function coverAddress(covers: readonly Cover[], size: number): string | null {
  const fit = covers.find((cover) => cover.size === null || cover.size >= size) ?? covers.at(-1);
  return fit ? fit.url.replaceAll(SIZE, String(size)) : null;
}

const SERVICE = /^[a-z0-9][a-z0-9.-]{0,39}$/;

export function checkExternalUrls(urls: readonly ExternalUrl[] | null | undefined, field: string): ExternalUrl[] {
  checkLength(urls ?? [], field, 20);
  const clean = (urls ?? []).map(({ service, url }, i) => ({
    service: checkService(service, `${field}.${i}.service`),
    url: checkAddress(url, `${field}.${i}.url`),
  }));
  const services = new Set(clean.map(({ service }) => service));
  if (services.size === clean.length) return clean;
  throw new InvalidInputError(`${field} names a service twice`, field);
}

function checkService(value: string, field: string): string {
  const service = value.trim().toLowerCase();
  if (SERVICE.test(service)) return service;
  throw new InvalidInputError(`${field} must have 1 to 40 letters, digits, dots and hyphens, like "spotify"`, field);
}
