import { SignJWT } from 'jose';
import { type AuthConfig, loadConfig } from '../../config.ts';
import { StartupError } from '../../lib/errors.ts';
import { ROLES } from '../../listeners/listeners.ts';
import { createTokenReader } from '../../transport/tokens/token.ts';
import { parseCommandLine, runCommand, UsageError, visible } from '../command.ts';
import { print } from '../display.ts';

const USAGE = `npm run token -- --sub ID [--roles ROLE,…] [--hours N] [--name NAME]

  Signs a token with CADENZA_JWT_SECRET, for development: in production an identity provider signs them. Send it as
  "Authorization: Bearer TOKEN", over WebSocket as the connection parameter "authorization".

  --sub ID         the listener: 1–128 characters
  --roles ROLE,…   ${ROLES.join(', ')}; LISTENER unless told
  --hours N        how long it is valid, at most CADENZA_JWT_MAX_HOURS; 1 unless told
  --name NAME      the listener's display name`;

const options = {
  sub: { type: 'string' },
  roles: { type: 'string', default: 'LISTENER' },
  hours: { type: 'string', default: '1' },
  name: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const;

async function run(args: string[]): Promise<number> {
  const { values } = parseCommandLine({ args, options });
  if (values.help) return print(USAGE);
  const { sub, name } = values;
  if (sub === undefined) throw new UsageError('--sub is missing: the listener whose token it is to be');
  const claims = { sub, roles: rolesOf(values.roles), ...(name !== undefined && { name }) };
  return print(await sign(claims, hoursOf(values.hours), secretAuth()));
}

function rolesOf(text: string): string[] {
  const roles = text.split(/[\s,]+/).filter((role) => role !== '');
  const unknown = roles.find((role) => !ROLES.some((known) => known === role));
  if (unknown === undefined && roles.length > 0) return roles;
  throw new UsageError(`--roles: ${visible(unknown ?? 'nothing')} is no role; there are ${ROLES.join(', ')}`);
}

function hoursOf(text: string): number {
  const hours = Number(text);
  if (hours > 0 && Number.isFinite(hours)) return hours;
  throw new UsageError(`--hours: ${visible(text)} is not a number above 0`);
}

type SecretAuth = AuthConfig & { kind: 'secret' };

function secretAuth(): SecretAuth {
  const { auth } = loadConfig();
  if (auth?.kind === 'secret') return auth;
  throw new StartupError(
    auth
      ? 'CADENZA_JWKS_URL is set: tokens come from that identity provider, and only it can sign them'
      : 'CADENZA_JWT_SECRET is not set: without it the server takes no tokens, and X-Listener-Id names the listener',
  );
}

/** What the server would refuse is refused here, for the same reason. */
async function sign(claims: object, hours: number, auth: SecretAuth): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  const token = await new SignJWT({ ...claims })
    .setProtectedHeader({ alg: 'HS256' })
    .setIssuedAt(now)
    .setExpirationTime(now + Math.round(hours * 3600))
    .setIssuer(auth.issuer ?? 'cadenza')
    .setAudience(auth.audience ?? 'cadenza')
    .sign(new TextEncoder().encode(auth.secret));
  await createTokenReader(auth)(token);
  return token;
}

await runCommand({ usage: USAGE, run });
