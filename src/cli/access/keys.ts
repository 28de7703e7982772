import {
  type ApiKey,
  type ApiKeys,
  AuditLog,
  createApiKeys,
  type IssuedKey,
  type QuotaInput,
} from '../../access/access.ts';
import { loadConfig } from '../../config.ts';
import { openDatabaseBeside } from '../../db/imports/import-database.ts';
import { openWakeups } from '../../db/wakeups.ts';
import { Disposal } from '../../lib/async/disposal.ts';
import { systemClock } from '../../lib/clock.ts';
import { NotFoundError } from '../../lib/errors.ts';
import { createLogger } from '../../lib/log.ts';
import { createListeners, type Role, ROLES } from '../../listeners/listeners.ts';
import { parseCommandLine, runCommand, UsageError, visible } from '../command.ts';
import { print } from '../display.ts';

const USAGE = `npm run keys -- create --owner ID --name NAME [--roles ROLE,…] [--acts-for ID] [--days N] [--origins ORIGIN,…]
npm run keys -- list
npm run keys -- rotate PREFIX [--grace HOURS]
npm run keys -- revoke PREFIX
npm run keys -- quota PREFIX [--requests-per-day LIMITS] [--drafts-per-day LIMITS] [--tokens-per-day LIMITS] [--tokens-per-month LIMITS]

  API keys of the configured database, for programs that call the server. Send one as "Authorization: Bearer KEY", over
  WebSocket as the connection parameter "authorization". A key is shown once, when it is created or rotated.

  --owner ID          the listener who answers for the key
  --name NAME         what it is for
  --roles ROLE,…      ${ROLES.join(', ')}; LISTENER unless told
  --acts-for ID       the only listener that it acts for
  --days N            how long it is accepted; for ever unless told
  --origins ORIGIN,…  origins of the pages that may use it; any caller unless told
  --grace HOURS       how long the key before is accepted after a rotation; 0 unless told
  LIMITS              SOFT:HARD, SOFT: or HARD: whole numbers. Whatever is not told has no limit from then on`;

const options = {
  owner: { type: 'string' },
  name: { type: 'string' },
  roles: { type: 'string', default: 'LISTENER' },
  'acts-for': { type: 'string' },
  days: { type: 'string' },
  origins: { type: 'string', default: '' },
  grace: { type: 'string', default: '0' },
  'requests-per-day': { type: 'string' },
  'drafts-per-day': { type: 'string' },
  'tokens-per-day': { type: 'string' },
  'tokens-per-month': { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const;

type Values = ReturnType<typeof parseCommandLine<{ options: typeof options }>>['values'];

async function run(args: string[]): Promise<number> {
  const { values, positionals } = parseCommandLine({ args, options, allowPositionals: true });
  if (values.help) return print(USAGE);
  const [command, prefix, ...rest] = positionals;
  const extra = rest[0] ?? (command === 'create' || command === 'list' ? prefix : undefined);
  if (extra !== undefined) throw new UsageError(`${visible(extra)} is an unexpected argument`);
  switch (command) {
    case 'create': {
      const key = newKeyOf(values);
      return withKeys('create', async (keys) => printIssued(await keys.create(key, null)));
    }
    case 'list':
      return withKeys(null, list);
    case 'rotate': {
      const grace = graceOf(values);
      return withKeys('rotate', async (keys) => printIssued(await keys.rotate((await find(keys, prefix)).id, grace)));
    }
    case 'revoke':
      return withKeys('revoke', async (keys) => {
        const revoked = await keys.revoke((await find(keys, prefix)).id);
        print(`${revoked.prefix} is revoked.`);
        return revoked;
      });
    case 'quota': {
      const quota = quotaOf(values);
      return withKeys('quota', async (keys) => {
        const limited = await keys.setQuota((await find(keys, prefix)).id, quota);
        print(`${limited.prefix} may use ${JSON.stringify(limited.quota)}.`);
        return limited;
      });
    }
    case undefined:
      throw new UsageError('a command is missing');
    default:
      throw new UsageError(`there is no command ${visible(command)}`);
  }
}

function newKeyOf(values: Values) {
  const { owner, name, days } = values;
  if (owner === undefined) throw new UsageError('--owner is missing: the listener who answers for the key');
  if (name === undefined) throw new UsageError('--name is missing: what the key is for');
  const expiresAt = days === undefined ? null : new Date(Date.now() + numberOf('--days', days) * 24 * 3_600_000);
  const actsFor = values['acts-for'] ?? null;
  return { owner, name, actsFor, roles: rolesOf(values.roles), origins: listOf(values.origins), expiresAt };
}

const listOf = (text: string): string[] => text.split(/[\s,]+/).filter((one) => one !== '');

const rolesOf = (text: string): Role[] =>
  listOf(text).map((name) => {
    const role = ROLES.find((one) => one === name);
    if (role) return role;
    throw new UsageError(`--roles: ${visible(name)} is no role; there are ${ROLES.join(', ')}`);
  });

function quotaOf(values: Values): QuotaInput {
  return {
    requestsPerDay: limitsOf('--requests-per-day', values['requests-per-day']),
    draftsPerDay: limitsOf('--drafts-per-day', values['drafts-per-day']),
    tokensPerDay: limitsOf('--tokens-per-day', values['tokens-per-day']),
    tokensPerMonth: limitsOf('--tokens-per-month', values['tokens-per-month']),
  };
}

function limitsOf(name: string, text: string | undefined): Partial<Record<'soft' | 'hard', number | null>> | null {
  if (text === undefined) return null;
  const [before = '', after] = text.split(':');
  const limit = (part: string): number | null => (part === '' ? null : numberOf(name, part));
  return after === undefined ? { hard: limit(before) } : { soft: limit(before), hard: limit(after) };
}

const graceOf = ({ grace }: Values): number => Math.round(numberOf('--grace', grace) * 3600);

function numberOf(name: string, text: string): number {
  const number = Number(text);
  if (text !== '' && number >= 0 && Number.isFinite(number)) return number;
  throw new UsageError(`${name}: ${visible(text)} is not a number`);
}

async function find(keys: ApiKeys, prefix: string | undefined): Promise<ApiKey> {
  if (prefix === undefined) throw new UsageError('the PREFIX of a key is missing');
  const key = await keys.byPrefix(prefix);
  if (key) return key;
  throw new NotFoundError(`there is no API key ${visible(prefix)}`, prefix);
}

async function list(keys: ApiKeys): Promise<null> {
  for (let after: string | null = null; ;) {
    const page = await keys.list(null, { first: 100, after });
    for (const { node } of page.edges) print(lineOf(node));
    if (!page.hasNextPage) return null;
    after = page.edges.at(-1)?.cursor ?? null;
  }
}

function lineOf({ prefix, status, owner, roles, expiresAt, name }: ApiKey): string {
  const until = expiresAt ? `until ${expiresAt.toISOString().slice(0, 10)}` : 'no end';
  return [prefix, status.padEnd(7), visible(owner.externalId), roles.join(','), until, visible(name)].join('  ');
}

function printIssued({ apiKey, secret }: IssuedKey): ApiKey {
  process.stderr.write(`${apiKey.prefix} of ${visible(apiKey.owner.externalId)}. It is shown this once:\n`);
  print(secret);
  return apiKey;
}

/** @param change what the audit log calls the command. Null if it changes nothing */
async function withKeys(change: string | null, act: (keys: ApiKeys) => Promise<ApiKey | null>): Promise<number> {
  const config = loadConfig();
  const log = createLogger({ ...config, logLevel: 'warn' });
  await using disposal = new Disposal();
  const database = disposal.use(await openDatabaseBeside(config, log));
  const wakeups = disposal.use(await openWakeups(database, log));
  const listeners = createListeners({ database, wakeups, clock: systemClock });
  const key = await act(disposal.use(createApiKeys({ database, listeners, wakeups, clock: systemClock })));
  if (change !== null && key) {
    const action = `npm run keys -- ${change}`;
    await new AuditLog(database).record({ action, subjectId: key.owner.id, object: key.prefix, outcome: 'DONE' });
  }
  return 0;
}

await runCommand({ usage: USAGE, run });
