import * as queries from '../../db/access/key-queries.ts';
import { updateQuota } from '../../db/access/usage-queries.ts';
import type { Database } from '../../db/client.ts';
import { onEach, type Wakeups } from '../../lib/async/wakeups.ts';
import type { Clock } from '../../lib/clock.ts';
import { indexBy } from '../../lib/collections.ts';
import { ConflictError, NotFoundError } from '../../lib/errors.ts';
import { checkFirst, decodeCursor, keyPart, pageOf } from '../../lib/page.ts';
import { erasureWakeup, type Listeners } from '../../listeners/listeners.ts';
import type { ApiKey, ApiKeys } from '../contract.ts';
import { apiKeysWakeup } from '../wakeup-keys.ts';
import { keyDigest, newKey, newPrefix } from './key-format.ts';
import { checkGrace, checkNewKey, checkQuota } from './key-input.ts';
import { PresentedKeys } from './presented-keys.ts';
import { keyOfRow } from './stored-key.ts';

export interface ApiKeysOptions {
  database: Database;
  listeners: Pick<Listeners, 'ensure'>;
  wakeups: Wakeups;
  clock: Clock;
}

/** Number of keys of one owner that are not revoked. */
const MOST_OF_OWNER = 100;
const LIST = 'api keys';

export function createApiKeys({ database, listeners, wakeups, clock }: ApiKeysOptions): ApiKeys {
  const { db } = database;
  const presented = new PresentedKeys(db, clock);
  const closing = new AbortController();
  for (const key of [apiKeysWakeup, erasureWakeup])
    void onEach(wakeups.changes(key, closing.signal), () => presented.lookAgain());
  const keyOf = (row: queries.ApiKeyRow): ApiKey => keyOfRow(row, clock.now());
  const existing = async (id: number): Promise<ApiKey> => {
    const [row] = await queries.selectKeysByIds(db, [id]);
    if (row) return keyOf(row);
    throw new NotFoundError('There is no such API key', String(id));
  };
  return {
    create: async (input, by) => {
      const { owner, actsFor, ...checked } = checkNewKey(input, clock.now());
      const key = newKey(newPrefix());
      const row = {
        ...checked,
        ...{ prefix: key.prefix, digest: keyDigest(key), createdBy: by?.id ?? null },
        ownerId: (await listeners.ensure(owner)).id,
        listenerId: actsFor === null ? null : (await listeners.ensure(actsFor)).id,
      };
      const id = await queries.insertKey(db, row, MOST_OF_OWNER);
      if (id === null) throw new ConflictError(`${owner} has ${MOST_OF_OWNER} API keys: revoke one first`);
      return { apiKey: await existing(id), secret: key.secret };
    },
    rotate: async (id, graceSeconds) => {
      const grace = checkGrace(graceSeconds);
      const key = newKey((await existing(id)).prefix);
      const at = new Date(clock.now());
      const rotation = { digest: keyDigest(key), previousUntil: new Date(at.getTime() + grace * 1000), at };
      if (!(await queries.rotateKey(db, id, rotation))) throw new ConflictError('The API key has been revoked');
      wakeups.wake(apiKeysWakeup);
      return { apiKey: await existing(id), secret: key.secret };
    },
    revoke: async (id) => {
      await queries.revokeKey(db, id, new Date(clock.now()));
      wakeups.wake(apiKeysWakeup);
      return existing(id);
    },
    setQuota: async (id, given) => {
      const quota = checkQuota(given, 'quota');
      await existing(id);
      await updateQuota(db, id, quota);
      wakeups.wake(apiKeysWakeup);
      return existing(id);
    },
    byIds: async (ids) =>
      indexBy(ids.length > 0 ? (await queries.selectKeysByIds(db, ids)).map(keyOf) : [], ({ id }) => id),
    byPrefix: async (prefix) => {
      const row = await queries.selectKeyByPrefix(db, prefix);
      return row && keyOf(row);
    },
    list: async (ownerId, args) => {
      const { first, after } = args;
      const [last] = after == null ? [0] : decodeCursor(after, LIST, [keyPart.id]);
      const rows = await queries.selectKeysAfter(db, ownerId, last, checkFirst(first) + 1);
      return pageOf(
        rows.map(keyOf),
        LIST,
        args,
        ({ id }) => [id],
        () => queries.countKeys(db, ownerId),
      );
    },
    identify: (secret, origin) => presented.identify(secret, origin),
    [Symbol.asyncDispose]: async () => {
      closing.abort();
      await presented[Symbol.asyncDispose]();
    },
  };
}
