import { z } from 'zod';
import { checkDatabaseUrl, isHost, oneOf, wholeNumber } from '../values.ts';
import { documented } from './documented.ts';

/** Where the server listens, what it stores and where. */
export const installationVariables = {
  PORT: documented(wholeNumber(0, 65_535).prefault('4000'), {
    meaning: 'Port to listen on. 0 selects any free port.',
    default: '4000',
    example: '8080',
  }),
  HOST: documented(
    z.string().refine(isHost, { error: 'is neither an IP address nor a host name' }).prefault('127.0.0.1'),
    {
      meaning: 'Address to listen on. Any address other than loopback requires authentication to be configured.',
      default: '127.0.0.1',
      example: '0.0.0.0',
    },
  ),
  DATABASE_URL: documented(z.string().superRefine(checkDatabaseUrl).optional(), {
    meaning: 'URL of a PostgreSQL server, version 15 or later, to use instead of the embedded one.',
    default: null,
    example: 'postgres://cadenza:password@db.example.com:5432/cadenza',
    secret: true,
  }),
  CADENZA_ENV_FILE: documented(z.string().optional(), {
    meaning:
      'File with more of these variables, one `NAME=value` per line. They take precedence over the environment, and SIGHUP reads them again.',
    default: null,
    example: '/etc/cadenza/cadenza.env',
  }),
  CADENZA_SCHEMA: documented(
    z
      .string()
      .regex(/^(?!pg_|information_schema$)[a-z_][a-z\d_]{0,62}$/, {
        error: 'is not a name of lower-case letters, digits and _',
      })
      .prefault('public'),
    {
      meaning:
        'Schema of the tables in the database. It is created if it is missing. Installations in schemas of one database are apart.',
      default: 'public',
      example: 'cadenza',
    },
  ),
  CADENZA_DATABASE_CONNECTIONS: documented(wholeNumber(7, 1_000).prefault('8'), {
    meaning: 'Maximum number of connections of this node to the database, all together.',
    default: '8',
    example: '16',
  }),
  CADENZA_DATA_DIR: documented(z.string().prefault('.cadenza'), {
    meaning: 'Folder for everything that the server stores on disk: the embedded database and the models.',
    default: '.cadenza',
    example: '/var/lib/cadenza',
  }),
  CADENZA_MASTER_KEY: documented(z.string().optional(), {
    meaning:
      'Keys that protect the keys with which what people write is encrypted: 32 bytes in base64 or hexadecimal each, separated by commas, the one in use first (docs/privacy.md). An embedded database has one in `master.key` in the data folder; without any, another database stores texts as they are.',
    default: null,
    example: '"$(openssl rand -base64 32)"',
    secret: true,
  }),
  CADENZA_MASTER_KEY_FILE: documented(z.string().optional(), {
    meaning: 'File with these keys, one per line.',
    default: null,
    example: '/run/secrets/cadenza-master-key',
  }),
  CADENZA_MASTER_KEY_COMMAND: documented(z.string().optional(), {
    meaning: 'Command that prints these keys, one per line. It is run at the start, by the shell.',
    default: null,
    example: 'vault kv get -field=keys secret/cadenza',
    secret: true,
  }),
  CADENZA_PRODUCTION: documented(oneOf(['on', 'off']).prefault('off'), {
    meaning:
      '`on`: GraphiQL, GET, introspection and the demo are off unless their own variables say otherwise, and the server refuses to start with what is unsafe (docs/deploying.md).',
    default: 'off',
    example: 'on',
  }),
  CADENZA_DEMO: documented(oneOf(['auto', 'off']).optional(), {
    meaning: '`auto`: load the built-in demo into an empty database. `off`: leave it empty.',
    default: 'auto; off in production',
    example: 'off',
  }),
};
