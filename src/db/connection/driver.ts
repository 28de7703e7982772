import type { Duplex } from 'node:stream';
import postgres from 'postgres';
import type { DatabaseServer, DatabaseTarget } from '../../lib/database-url.ts';

/** Where our tables are: what the URL says, its servers, and the schema, which null leaves to the server's search_path. */
export interface DatabasePlace {
  target: DatabaseTarget;
  servers: { open(): Duplex | Promise<Duplex> };
  schema: string | null;
}

type DriverOptions = Pick<
  postgres.Options<Record<string, never>>,
  'max' | 'prepare' | 'connect_timeout' | 'backoff' | 'max_lifetime' | 'debug' | 'onnotice'
> & {
  max_pipeline?: number;
  connection?: { application_name: string };
  socket?: () => Duplex | Promise<Duplex>;
};

/** The driver as each of our connections uses it, whatever for. */
export function openDriver({ target, servers, schema }: DatabasePlace, options: DriverOptions): postgres.Sql {
  const { user, password, database, settings, connectSeconds } = target;
  return postgres({
    // Our own sockets know where they lead, and encrypt by themselves. The path is for the driver's messages.
    ...{ host: 'localhost', path: target.servers.map(nameOf).join(','), ssl: false },
    ...{ database, ...(user !== undefined && { user }), ...(password !== undefined && { password }) },
    onnotice: () => undefined,
    // The driver would query the array types on each new connection, and a connection lost during that query causes a
    // rejection that cannot be caught. Drizzle parses arrays itself.
    fetch_types: false,
    connect_timeout: connectSeconds ?? 10,
    ...{ socket: () => servers.open() },
    ...options,
    connection: {
      ...{ application_name: 'cadenza', ...settings, TimeZone: 'UTC', ...options.connection },
      ...(schema !== null && { search_path: quoted(schema) }),
    },
  });
}

const nameOf = ({ host, port }: DatabaseServer): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;
