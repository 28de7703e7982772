import type { IncomingMessage } from 'node:http';
import { InvalidInputError, NotFoundError } from '../../lib/errors.ts';
import { checkText } from '../../lib/text/check-text.ts';
import type { Listener } from '../../listeners/listeners.ts';
import type { Context } from '../../resolvers/context.ts';
import { requireRole } from '../../resolvers/context.ts';

export const PERSONAL_EXPORT_PATH = '/export/listener';

/**
 * `GET /export/listener`: everything that is stored about the viewer or, with `?externalId=…` and the role SERVICE, about
 * somebody, as one JSON object that is written as it is read ([EXPORT3]).
 * @throws ForbiddenError, NotFoundError, InvalidInputError
 */
export async function personalExportOf({ url = '' }: IncomingMessage, context: Context) {
  const given = new URLSearchParams(url.slice(url.indexOf('?') + 1 || url.length));
  const unknown = [...given.keys()].find((name) => name !== 'externalId');
  if (unknown !== undefined)
    throw new InvalidInputError(`there is no parameter ${unknown.slice(0, 60)}`, unknown.slice(0, 60));
  const listener = await listenerOf(given.get('externalId'), context);
  return { name: 'cadenza.json', type: 'application/json; charset=utf-8', chunks: jsonOf(listener, context) };
}

async function listenerOf(externalId: string | null, context: Context): Promise<Listener> {
  const { viewer, listeners } = context;
  if (externalId === null || externalId === viewer.listener.externalId) return viewer.listener;
  requireRole(context, 'SERVICE');
  const found = await listeners.byExternalId(checkText(externalId, 'externalId', { max: 128 }));
  if (!found) throw new NotFoundError('externalId: there is no such listener', externalId, 'externalId');
  return found;
}

async function* jsonOf({ id, externalId, displayName }: Listener, context: Context): AsyncGenerator<string> {
  const { listeners, drafts, documents, assists, usage } = context;
  const preferences = (await listeners.preferences([id])).get(id) ?? null;
  const consent = (await listeners.consents([id])).get(id) ?? null;
  const { feedback, verdicts, lists } = listeners.everythingOf(id);
  const { documents: written, versions } = documents.everythingOf(id);
  const texts = { drafts: drafts.everythingOf(id), documents: written, versions, assists: assists.everythingOf(id) };
  const all = { feedback, verdicts, lists, ...texts, usage: usage.everythingOf(id) };
  const head = { exportedAt: new Date(), listener: { externalId, displayName }, preferences, consent };
  yield JSON.stringify(head).slice(0, -1);
  for (const [name, rows] of Object.entries(all)) {
    yield `,\n"${name}":[`;
    let separator = '\n';
    for await (const row of rows) {
      yield separator + JSON.stringify(row);
      separator = ',\n';
    }
    yield ']';
  }
  yield '}\n';
}
