// Preloaded (`node --import`), it makes a process see the packages that `npm ci --omit=dev` installs, and no others.
import { readFileSync } from 'node:fs';
import { register } from 'node:module';
import process from 'node:process';
import { URL } from 'node:url';
import { isMainThread } from 'node:worker_threads';

const lock = new URL('../../package-lock.json', import.meta.url);
const root = new URL('../..', import.meta.url).href;
const { packages } = JSON.parse(readFileSync(lock, 'utf8'));

/** A hook of the loader. */
export async function resolve(specifier, context, next) {
  const resolved = await next(specifier, context);
  const name = /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(resolved.url.slice(root.length))?.[0];
  if (packages[name]?.dev) throw new Error(`${name} is a development dependency, and ${context.parentURL} needs it`);
  return resolved;
}

if (isMainThread && !process.env.PRODUCTION_ONLY_HOOKED) {
  process.env.PRODUCTION_ONLY_HOOKED = 'yes';
  register(import.meta.url);
}
