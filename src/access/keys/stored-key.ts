import { z } from 'zod';
import type { ApiKeyRow } from '../../db/access/key-queries.ts';
import { parseStored } from '../../lib/stored-data.ts';
import { ROLES } from '../../listeners/listeners.ts';
import { type ApiKey, type KeyStatus, type Quota, QUOTAS } from '../contract.ts';

const allowance = z.object({ soft: z.number().nullable(), hard: z.number().nullable() });
const quota = z
  .object(Object.fromEntries(QUOTAS.map((name) => [name, allowance])))
  .partial()
  .transform((stated): Quota => Object.fromEntries(Object.entries(stated).filter(([, limits]) => limits)));
const roles = z.array(z.enum(ROLES));

/** The stored limits of a key. @throws StoredDataError */
export const quotaOf = (stored: unknown): Quota => parseStored(quota, stored, 'the quota of an API key');

/** The key of a row, without its digests. */
export function keyOfRow(row: ApiKeyRow, now: number): ApiKey {
  const { digest: _, previousDigest: __, ...shown } = row;
  return {
    ...shown,
    roles: parseStored(roles, row.roles, 'the roles of an API key'),
    quota: quotaOf(row.quota),
    status: statusOf(row, now),
  };
}

function statusOf({ revokedAt, expiresAt }: ApiKeyRow, now: number): KeyStatus {
  if (revokedAt) return 'REVOKED';
  return expiresAt && expiresAt.getTime() <= now ? 'EXPIRED' : 'ACTIVE';
}
