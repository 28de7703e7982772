/** A server as a URL names it: a host and a port, or the folder of a Unix socket. */
export interface DatabaseServer {
  /** A name or an address, IPv6 without brackets; for a Unix socket the absolute path of its folder. */
  host: string;
  port: number;
}

const tlsModes = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'] as const;

/** What a connection URL says, in libpq's grammar: `postgres://user:password@host:port,host:port/database?parameters`. */
export interface DatabaseTarget {
  /** At least one. The server that takes writes is used. */
  servers: readonly DatabaseServer[];
  user: string | undefined;
  password: string | undefined;
  database: string;
  tls: {
    mode: (typeof tlsModes)[number];
    /** Whether TLS begins with the first byte, without asking the server (PostgreSQL 17). */
    isDirect: boolean;
    /** Files of the authority, and of the client's certificate and key. `system` stands for the authorities of Node.js. */
    rootCertificate: string | undefined;
    certificate: string | undefined;
    key: string | undefined;
  };
  /** Null if the URL states none. */
  connectSeconds: number | null;
  /** The server's own settings, sent with each connection. */
  settings: Readonly<Record<string, string>>;
}

const URL_PARTS = /^postgres(?:ql)?:\/\/(?:([^@/?#]*)@)?([^@/?#]*)(?:\/([^/?#]*))?(?:\?([^#]*))?$/i;
const DEFAULT_PORT = 5432;

/** Parameters of libpq that change nothing here: limits of its own sockets, and of methods that are not used. */
const WITHOUT_EFFECT = new Set([
  ...['keepalives', 'keepalives_idle', 'keepalives_interval', 'keepalives_count', 'tcp_user_timeout'],
  ...['sslcompression', 'sslsni', 'fallback_application_name', 'krbsrvname', 'gsslib', 'client_encoding', 'timezone'],
]);
const READ_HERE = new Set([
  ...['host', 'port', 'user', 'password', 'dbname', 'sslmode', 'sslnegotiation', 'sslrootcert', 'sslcert', 'sslkey'],
  ...['target_session_attrs', 'connect_timeout', 'channel_binding', 'gssencmode', 'load_balance_hosts'],
]);
/** Parameters that ask for what would silently not be done. */
const REFUSED: Readonly<Record<string, string>> = {
  ...Object.fromEntries(['schema', 'currentschema', 'search_path'].map((name) => [name, 'set CADENZA_SCHEMA instead'])),
  connection_limit: 'set CADENZA_DATABASE_CONNECTIONS instead',
  service: 'services are not read; name host, user and database',
  passfile: 'password files are not read; set PGPASSWORD, or put the password into the URL',
  hostaddr: 'write the address as the host',
  sslcrl: 'revocation lists are not read',
  sslpassword: 'keys with a passphrase are not read',
  replication: 'it is not for replication',
};

/** A connection URL without its passwords, for display. */
export function maskPassword(url: string): string {
  return url
    .replace(/^([a-z]+:\/\/[^:@/?#]*):[^@/?#]*@/i, '$1:***@')
    .replace(/([?&](?:ssl)?password=)[^&#]*/gi, '$1***');
}

/** The problem of a connection URL, in words that do not quote it. Null if there is none. */
export function databaseUrlProblem(text: string): string | null {
  const read = readDatabaseUrl(text);
  return typeof read === 'string' ? read : null;
}

/** @throws Error for a URL that has a problem */
export function parseDatabaseUrl(text: string): DatabaseTarget {
  const read = readDatabaseUrl(text);
  if (typeof read === 'string') throw new Error(`The URL of the database ${read}`);
  return read;
}

/** @returns the problem in words, if there is one */
function readDatabaseUrl(text: string): DatabaseTarget | string {
  const [whole, userInfo = '', authority = '', path = '', query = ''] = URL_PARTS.exec(text) ?? [];
  if (whole === undefined) return formProblem(text);
  if (/%(?![\da-f]{2})/i.test(text)) return 'has a % that is not part of a percent-encoded character';
  const parameters = new Map([...new URLSearchParams(query)].map(([name, value]) => [name.toLowerCase(), value]));
  const problem = parameterProblem(parameters);
  if (problem) return problem;
  const servers = readServers(authority, parameters);
  if (typeof servers === 'string') return servers;
  const database = parameters.get('dbname') ?? decodeURIComponent(path);
  if (database === '') return 'names no database after the host';
  const [user, password] = userInfo.split(/:(.*)/s, 2).map(decodeURIComponent);
  return {
    servers,
    user: parameters.get('user') ?? (user || undefined),
    password: parameters.get('password') ?? password,
    database,
    tls: readTls(parameters, servers),
    connectSeconds: parameters.has('connect_timeout') ? Number(parameters.get('connect_timeout')) : null,
    settings: Object.fromEntries([...parameters].filter(([name]) => !READ_HERE.has(name) && !WITHOUT_EFFECT.has(name))),
  };
}

function formProblem(text: string): string {
  if (!/^[a-z][a-z\d+.-]*:\/\//i.test(text))
    return 'is not a URL; a password with special characters needs them percent-encoded';
  if (!/^postgres(ql)?:/i.test(text)) return 'does not start with postgres://';
  return 'is not a URL of a database; a password with special characters needs them percent-encoded';
}

function parameterProblem(parameters: ReadonlyMap<string, string>): string | null {
  for (const [name, value] of parameters) {
    const reason = REFUSED[name] ?? valueProblem(name, value);
    if (reason) return `has ${name}, which cannot be used: ${reason}`;
  }
  return null;
}

function valueProblem(name: string, value: string): string | null {
  const among = (values: readonly string[]): string | null =>
    values.includes(value) ? null : `it has to be one of ${values.join(', ')}`;
  switch (name) {
    case 'sslmode':
      return among(tlsModes);
    case 'sslnegotiation':
      return among(['postgres', 'direct']);
    case 'target_session_attrs':
      return /^(read-only|standby|prefer-standby)$/.test(value)
        ? 'Cadenza writes, so it needs the primary; leave it out'
        : among(['any', 'read-write', 'primary']);
    case 'channel_binding':
      return value === 'require' ? 'remove it; sslmode=verify-full makes sure which server answers' : null;
    case 'gssencmode':
      return value === 'require' ? 'GSSAPI is not supported; use sslmode=require' : null;
    case 'load_balance_hosts':
      return value === 'disable' ? null : 'the first server that takes writes is used';
    case 'connect_timeout':
      return /^\d{1,4}$/.test(value) ? null : 'it has to be a number of seconds';
    default:
      return null;
  }
}

/** Hosts and ports of the authority, or of `?host=` and `?port=`, which stand for the parts that the authority lacks. */
function readServers(authority: string, parameters: ReadonlyMap<string, string>): DatabaseServer[] | string {
  const ports = (parameters.get('port') ?? '').split(',');
  const named =
    authority === '' || authority.startsWith(':') ? `${parameters.get('host') ?? ''}${authority}` : authority;
  const parts = named.split(',');
  const servers: DatabaseServer[] = [];
  for (const [i, part] of parts.entries()) {
    const [, host = '', given] = /^(\[[^\]]*\]|[^:[\]]*)(?::(.*))?$/.exec(decodeURIComponent(part)) ?? [];
    if (host === '') return /^(:\d*)?$/.test(part) ? NO_HOST : BAD_HOST;
    const port = given || (ports.length === 1 ? ports[0] : ports[i]) || String(DEFAULT_PORT);
    if (!/^\d{1,5}$/.test(port) || Number(port) < 1 || Number(port) > 65_535) return BAD_PORT;
    servers.push({ host: host.replace(/^\[(.*)\]$/, '$1'), port: Number(port) });
  }
  return servers;
}

const NO_HOST = 'names no host; a Unix socket’s folder is named with ?host=/var/run/postgresql';
const BAD_HOST = 'has a host that is none; an IPv6 address is written in brackets, [::1]';
const BAD_PORT =
  'has a port that is no number from 1 to 65535; a password with special characters needs them percent-encoded';

function readTls(parameters: ReadonlyMap<string, string>, servers: readonly DatabaseServer[]): DatabaseTarget['tls'] {
  const rootCertificate = parameters.get('sslrootcert');
  const stated = tlsModes.find((mode) => mode === parameters.get('sslmode'));
  const mode = stated ?? (servers.every(isOfThisMachine) ? 'disable' : 'prefer');
  return {
    mode: rootCertificate === 'system' ? 'verify-full' : rootCertificate && mode === 'require' ? 'verify-ca' : mode,
    isDirect: parameters.get('sslnegotiation') === 'direct',
    rootCertificate,
    certificate: parameters.get('sslcert'),
    key: parameters.get('sslkey'),
  };
}

const isOfThisMachine = ({ host }: DatabaseServer): boolean =>
  host.startsWith('/') || host === 'localhost' || host === '::1' || host.startsWith('127.');
