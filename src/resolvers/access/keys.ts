import type { ApiKey, IssuedKey, NewApiKey, QuotaInput, QuotaState } from '../../access/access.ts';
import { ForbiddenError, NotFoundError } from '../../lib/errors.ts';
import type { Page, PageArgs } from '../../lib/page.ts';
import { accountOf, may } from '../../listeners/listeners.ts';
import { type Context, requireRole } from '../context.ts';
import { asSent, numberOf } from '../global-id.ts';

/** A key is visible to its owner and to ADMIN. */
export const maySeeKey = ({ owner }: Pick<ApiKey, 'owner'>, { viewer }: Context): boolean =>
  owner.id === accountOf(viewer).id || may(viewer, 'ADMIN');

/** Of all owners for ADMIN who names none, otherwise the viewer's own. */
export async function visibleKeys(
  { ownerId, ...page }: PageArgs & { ownerId?: string | null },
  context: Context,
): Promise<Page<ApiKey>> {
  const { viewer, keys } = context;
  const own = accountOf(viewer).id;
  const asked = ownerId == null ? null : numberOf('Listener', ownerId, 'ownerId');
  if (asked !== null && asked !== own) requireRole(context, 'ADMIN');
  return keys.list(asked ?? (may(viewer, 'ADMIN') ? null : own), page);
}

export async function createApiKey(input: NewApiKey, context: Context): Promise<IssuedKey> {
  return context.keys.create(input, accountOf(context.viewer));
}

export async function rotateApiKey(id: string, graceSeconds: number, context: Context): Promise<IssuedKey> {
  const key = await keyToChange(id, context);
  return asSent(id, () => context.keys.rotate(key.id, graceSeconds));
}

export async function revokeApiKey(id: string, context: Context): Promise<{ apiKey: ApiKey }> {
  const key = await keyToChange(id, context);
  return { apiKey: await asSent(id, () => context.keys.revoke(key.id)) };
}

/** Whoever found a key must not be able to replace it and lock its owner out ([KEY3]). */
async function keyToChange(id: string, context: Context): Promise<ApiKey> {
  const { keys, viewer } = context;
  const number = numberOf('ApiKey', id, 'id');
  const key = (await keys.byIds([number])).get(number);
  if (!key || !maySeeKey(key, context)) throw new NotFoundError('There is no such API key, or it is not yours', id);
  if (viewer.key && !may(viewer, 'ADMIN'))
    throw new ForbiddenError('An API key cannot change keys: sign in as its owner, or use one of an ADMIN');
  return key;
}

/** Only ADMIN gets here. */
export async function setApiKeyQuota(id: string, quota: QuotaInput, context: Context): Promise<{ apiKey: ApiKey }> {
  const number = numberOf('ApiKey', id, 'id');
  return { apiKey: await asSent(id, () => context.keys.setQuota(number, quota)) };
}

export async function quotasOf(keyId: number, { usage }: Context): Promise<readonly QuotaState[]> {
  return (await usage.quotasOf([keyId])).get(keyId) ?? [];
}
