import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect as connectSocket, isIP, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import { type DatabaseServer, type DatabaseTarget, parseDatabaseUrl } from '../../lib/database-url.ts';
import { StartupError } from '../../lib/errors.ts';
import { type DatabasePlace, openDriver } from './driver.ts';

/** Time for one server to accept a connection, before the next is tried. */
const CONNECT_MS = 2_000;
/** The message that asks for TLS, and the answer that grants it. */
const TLS_REQUEST = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]);
const GRANTED = 'S';

/** Says that none of several servers takes writes. */
export const NO_PRIMARY = 'ENOPRIMARY';
/** Says that a server has no TLS where the URL asks for it. */
export const NO_TLS = 'ENOTLS';

/**
 * Where the tables of a URL are.
 * @throws StartupError if a file that it names cannot be read
 */
export function placeOf(url: string, schema: string | null = null): DatabasePlace {
  const target = parseDatabaseUrl(url);
  return { target, servers: new Servers(target), schema };
}

/**
 * The servers that a URL names, and their connections. The driver by itself splits hosts at ":", which breaks IPv6, and
 * takes a standby for a server that takes writes.
 *
 * Of several servers the first that takes writes is used. They are asked again for each connection, so that another one
 * that took over is found; connections that are opened at the same moment ask once.
 */
class Servers {
  readonly #target: DatabaseTarget;
  readonly #tls: ConnectionOptions | null;
  #finding: Promise<DatabaseServer> | null = null;

  /** @throws StartupError if a file of the URL cannot be read */
  constructor(target: DatabaseTarget) {
    this.#target = target;
    this.#tls = tlsOptions(target.tls);
  }

  /**
   * A connection for the driver's `socket`, which needs one in any case: where there is none, it gets one that fails.
   * With one server and without TLS there is nothing to wait for; the socket buffers what the driver sends.
   */
  open(): Duplex | Promise<Duplex> {
    const [only, ...others] = this.#target.servers;
    if (only && others.length === 0) return this.#tls ? this.#openTo(only) : dial(only);
    return this.#primary().then((server) => this.#openTo(server), deadLine);
  }

  async #openTo(server: DatabaseServer): Promise<Duplex> {
    const socket = dial(server);
    try {
      await next(socket, 'connect');
      return this.#tls ? await this.#secured(socket, server, this.#tls) : socket;
    } catch (error) {
      socket.destroy();
      return deadLine(error);
    }
  }

  #primary(): Promise<DatabaseServer> {
    this.#finding ??= this.#findPrimary().finally(() => (this.#finding = null));
    return this.#finding;
  }

  /** @throws the failure that tells most: a server that refuses us, before one that is not there */
  async #findPrimary(): Promise<DatabaseServer> {
    const failures: unknown[] = [];
    for (const server of this.#target.servers) {
      try {
        if (await this.#takesWrites(server)) return server;
        failures.push(failure(NO_PRIMARY, 'None of the servers takes writes'));
      } catch (error) {
        failures.push(error);
      }
    }
    throw failures.find(isAnswer) ?? failures.find((error) => codeOf(error) === NO_PRIMARY) ?? failures[0];
  }

  async #takesWrites(server: DatabaseServer): Promise<boolean> {
    const socket = () => this.#openTo(server);
    const place = { target: this.#target, servers: this, schema: null };
    const asking = openDriver(place, { max: 1, prepare: false, connect_timeout: CONNECT_MS / 1000, socket });
    try {
      const [row] = await asking<{ takesWrites: boolean }[]>`
        select not (pg_is_in_recovery() or current_setting('transaction_read_only')::bool) as "takesWrites"`;
      return row?.takesWrites === true;
    } finally {
      await asking.end({ timeout: 1 });
    }
  }

  async #secured(socket: Socket, { host }: DatabaseServer, options: ConnectionOptions): Promise<Duplex> {
    const { mode, isDirect } = this.#target.tls;
    if (!isDirect && !(await hasTls(socket))) {
      if (mode === 'prefer' || mode === 'allow') return socket;
      throw failure(NO_TLS, 'The server does not support TLS');
    }
    const secured = connectTls({
      socket,
      ...(isIP(host) === 0 && { servername: host }),
      ...(isDirect && { ALPNProtocols: ['postgresql'] }),
      ...{ ...options, host },
    });
    await next(secured, 'secureConnect');
    return secured;
  }
}

/** A connection that cannot be used. Whoever tries gets this error. */
export function deadLine(error: unknown): Duplex {
  const { message, ...facts } = error instanceof Error ? error : new Error(String(error));
  const broken = (): Error => Object.assign(new Error(message), facts);
  return new Duplex({ read: () => undefined, write: (_chunk, _encoding, done) => done(broken()) });
}

function dial({ host, port }: DatabaseServer): Socket {
  if (host.startsWith('/')) return connectSocket(`${host}/.s.PGSQL.${port}`);
  // Sets the name for the driver's errors.
  return Object.assign(connectSocket({ host, port }), { host, port });
}

async function hasTls(socket: Socket): Promise<boolean> {
  socket.write(TLS_REQUEST);
  const [answer] = await next(socket, 'data');
  // More than one byte would be somebody in between, who puts words before the encryption.
  return Buffer.isBuffer(answer) && answer.toString('latin1') === GRANTED;
}

/** What comes with the next event of this name. @throws the socket's error, also if it closes or nothing happens in time */
async function next(socket: Socket, event: string): Promise<unknown[]> {
  const giveUp = new AbortController();
  const timer = setTimeout(() => giveUp.abort(failure('ETIMEDOUT', 'The server does not answer')), CONNECT_MS);
  const onClose = (): void => giveUp.abort(failure('ECONNRESET', 'The server has closed the connection'));
  socket.once('close', onClose);
  try {
    return (await once(socket, event, { signal: giveUp.signal })) as unknown[];
  } catch (error) {
    throw giveUp.signal.aborted ? giveUp.signal.reason : error;
  } finally {
    clearTimeout(timer);
    socket.off('close', onClose);
  }
}

/** @throws StartupError if a file cannot be read */
function tlsOptions({ mode, rootCertificate, certificate, key }: DatabaseTarget['tls']): ConnectionOptions | null {
  if (mode === 'disable') return null;
  const file = (name: string, path: string | undefined) =>
    path === undefined ? {} : { [name]: readNamed(name, path) };
  return {
    ...file('ca', rootCertificate === 'system' ? undefined : rootCertificate),
    ...file('cert', certificate),
    ...file('key', key),
    rejectUnauthorized: mode === 'verify-ca' || mode === 'verify-full',
    ...(mode === 'verify-ca' && { checkServerIdentity: () => undefined }),
  };
}

const PARAMETERS: Readonly<Record<string, string>> = { ca: 'sslrootcert', cert: 'sslcert', key: 'sslkey' };

function readNamed(name: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    throw new StartupError(
      `The file ${path}, which ${PARAMETERS[name]} in DATABASE_URL names, cannot be read (${code}).`,
    );
  }
}

const failure = (code: string, message: string): Error => Object.assign(new Error(message), { code });
const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
/** An SQLSTATE, or a problem of certificates: a server was there, and an operator has something to mend. */
const isAnswer = (error: unknown): boolean => /^(?!57P)[\dA-Z]{5}$|CERT|TLS/.test(codeOf(error));
