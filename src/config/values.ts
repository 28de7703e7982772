import { isIP } from 'node:net';
import proxyaddr from 'proxy-addr';
import { z } from 'zod';
import { databaseUrlProblem } from '../lib/database-url.ts';
import { isOrigin } from '../lib/text/origin.ts';

/** Parsers for one kind of value each. An error text follows the variable's name and value. */
export const wholeNumber = (least: number, most: number) =>
  z
    .string()
    .refine((text) => /^\d+$/.test(text) && Number(text) >= least && Number(text) <= most, {
      error: `is not a whole number from ${least} to ${most}`,
    })
    .transform(Number);

export const share = (most: number) =>
  z
    .string()
    .refine((text) => /^\d*\.?\d+$/.test(text) && Number(text) <= most, { error: `is not a number from 0 to ${most}` })
    .transform(Number);

export const oneOf = <Choice extends string>(choices: readonly Choice[]) =>
  z.enum(choices, { error: `is not one of ${choices.join(', ')}` });

export const httpUrl = z.url({ protocol: /^https?$/, error: 'is not an http(s) URL' });

export function isHost(text: string): boolean {
  return isIP(text) !== 0 || (/^(?!-)[a-z\d-]+(\.[a-z\d-]+)*$/i.test(text) && !/^[\d.]+$/.test(text));
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

export function splitList(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

const HEADER = /^([!#$%&'*+.^_`|~\w-]+)=([\x20-\x7e]*)$/;

/** Headers as OpenTelemetry's variables have them. */
export const headerList = z
  .string()
  .transform(splitList)
  .refine((headers) => headers.every((header) => HEADER.test(header)), {
    error: 'is not a list of name=value, separated by commas',
  })
  .transform((headers): Record<string, string> =>
    Object.fromEntries(
      headers.map((header) => [HEADER.exec(header)?.[1] ?? '', HEADER.exec(header)?.[2]?.trim() ?? '']),
    ),
  );

/** What feedback may be used for. */
export const purposes = ['training', 'analytics'] as const;

/** A list of purposes, or `none`. */
export const purposeList = z
  .string()
  .transform(splitList)
  .refine((named) => named.join() === 'none' || named.every((name) => purposes.some((purpose) => purpose === name)), {
    error: `is neither none nor a list of ${purposes.join(', ')}`,
  })
  .transform((named) => ({ training: named.includes('training'), analytics: named.includes('analytics') }));

export function checkOrigins(origins: readonly string[], context: z.RefinementCtx): void {
  const wrong = origins.find((origin) => !isOrigin(origin));
  if (wrong === undefined) return;
  const message = `is not a list of origins: ${JSON.stringify(wrong)} should be a scheme, a host and optionally a port`;
  context.addIssue({ code: 'custom', message });
}

export function checkProxies(proxies: readonly string[], context: z.RefinementCtx): void {
  const wrong = proxies.find((proxy) => !isNetwork(proxy));
  if (wrong === undefined) return;
  const message = `is not a list of addresses: ${JSON.stringify(wrong)} is neither an address nor a network (10.0.0.0/8), nor loopback, linklocal or uniquelocal`;
  context.addIssue({ code: 'custom', message });
}

function isNetwork(text: string): boolean {
  try {
    proxyaddr.compile(text);
    return true;
  } catch {
    return false;
  }
}

export function checkDatabaseUrl(text: string, context: z.RefinementCtx): void {
  const problem = databaseUrlProblem(text);
  if (problem) context.addIssue({ code: 'custom', message: problem });
}
