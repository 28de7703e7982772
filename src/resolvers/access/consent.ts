import { ForbiddenError, InvalidInputError } from '../../lib/errors.ts';
import { type Consent, type ConsentInput, type Listener, may } from '../../listeners/listeners.ts';
import type { Context } from '../context.ts';
import { asSent, numberOf } from '../global-id.ts';
import { idByExternalId, orErased, requireSight } from '../listeners.ts';

export function consentOf(listener: Listener, context: Context): Consent | Promise<Consent> {
  requireSight(listener.id, context);
  const found = context.loaders.consents.get(listener.id);
  return found instanceof Promise ? found.then(orErased) : orErased(found);
}

interface NamedListener {
  listenerId?: string | null | undefined;
  externalId?: string | null | undefined;
}

/** @throws InvalidInputError, NotFoundError; ForbiddenError for somebody else's without SERVICE */
export async function setConsent(
  { listenerId, externalId, ...said }: ConsentInput & NamedListener,
  context: Context,
): Promise<Consent> {
  const id = await idOf({ listenerId, externalId }, context);
  const consent = await asSent(listenerId ?? externalId ?? '', () => context.listeners.setConsent(id, said));
  context.loaders.consents.clear();
  return consent;
}

/** The viewer's, unless somebody else is named. */
async function idOf({ listenerId, externalId }: NamedListener, context: Context): Promise<number> {
  const own = context.viewer.listener;
  if (listenerId != null && externalId != null)
    throw new InvalidInputError('input must name one listener, by listenerId or externalId', 'input');
  if (listenerId == null && (externalId == null || externalId === own.externalId)) return own.id;
  const id = listenerId == null ? null : numberOf('Listener', listenerId, 'input.listenerId');
  if (id === own.id) return id;
  if (!may(context.viewer, 'SERVICE'))
    throw new ForbiddenError("Changing another listener's consent requires the SERVICE role");
  return id ?? idByExternalId(externalId ?? '', context);
}
