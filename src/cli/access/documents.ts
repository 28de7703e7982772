import { readFile } from 'node:fs/promises';
import { parse, validate } from 'graphql';
import { z } from 'zod';
import { TrustedDocuments } from '../../access/access.ts';
import { loadConfig } from '../../config.ts';
import { openDatabaseBeside } from '../../db/imports/import-database.ts';
import { openWakeups } from '../../db/wakeups.ts';
import { Disposal } from '../../lib/async/disposal.ts';
import { asError, InvalidInputError } from '../../lib/errors.ts';
import { createLogger } from '../../lib/log.ts';
import { buildSchema } from '../../schema/schema.ts';
import { parseCommandLine, runCommand, UsageError, visible } from '../command.ts';
import { print } from '../display.ts';

const USAGE = `npm run documents -- register MANIFEST --client NAME
npm run documents -- list
npm run documents -- remove ID…

  GraphQL documents that clients name by their SHA-256 ("documentId") in place of sending them. MANIFEST is the
  persisted-documents.json that graphql-codegen's client preset writes with
  persistedDocuments: { hashAlgorithm: 'sha256' }. Documents that do not fit the schema are refused, and nothing is
  registered. Running servers take them at once. With CADENZA_DOCUMENTS=required they execute no others.

  --client NAME  whose they are`;

const options = { client: { type: 'string' }, help: { type: 'boolean', short: 'h' } } as const;

async function run(args: string[]): Promise<number> {
  const { values, positionals } = parseCommandLine({ args, options, allowPositionals: true });
  if (values.help) return print(USAGE);
  const [command, ...rest] = positionals;
  switch (command) {
    case 'register': {
      const [path, extra] = rest;
      if (path === undefined || extra !== undefined) throw new UsageError('register needs one MANIFEST');
      const { client } = values;
      if (client === undefined) throw new UsageError('--client is missing: whose documents they are');
      return register(await readManifest(path), client);
    }
    case 'list':
      if (rest.length > 0) throw new UsageError('list takes no argument');
      return withDocuments(list);
    case 'remove':
      if (rest.length === 0) throw new UsageError('remove needs the ID of a document');
      return withDocuments(async (documents) => {
        for (const id of rest) await documents.remove(id);
        return print(`${rest.length} removed.`);
      });
    case undefined:
      throw new UsageError('a command is missing');
    default:
      throw new UsageError(`there is no command ${visible(command)}`);
  }
}

const manifest = z.record(z.string(), z.string());

async function readManifest(path: string): Promise<Record<string, string>> {
  const parsed = manifest.safeParse(await jsonIn(path));
  if (parsed.success) return parsed.data;
  throw new InvalidInputError(`${visible(path)} is not a manifest: an object with the text of each document by its id`);
}

async function jsonIn(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    throw new InvalidInputError(`${visible(path)} cannot be read: ${asError(error).message}`);
  }
}

/** Whatever a server would refuse is found here, where it can still be changed. */
async function register(documents: Record<string, string>, client: string): Promise<number> {
  const schema = buildSchema();
  const problems = Object.entries(documents).flatMap(([id, text]) =>
    problemsOf(schema, text).map((one) => `${visible(id)}: ${one}`),
  );
  if (problems.length > 0) throw new InvalidInputError(`Nothing was registered: ${problems.join('; ')}`);
  return withDocuments(async (registered) => {
    const made = await registered.register(client, documents);
    return print(`${made} registered, ${Object.keys(documents).length - made} known before.`);
  });
}

function problemsOf(schema: ReturnType<typeof buildSchema>, text: string): string[] {
  try {
    return validate(schema, parse(text)).map(({ message }) => message);
  } catch (error) {
    return [asError(error).message];
  }
}

async function list(documents: TrustedDocuments): Promise<0> {
  for (const { id, client, text } of await documents.list())
    print([id, visible(client), visible(nameOf(text))].join('  '));
  return 0;
}

const nameOf = (text: string): string => /\b(?:query|mutation|subscription)\s+(\w+)/.exec(text)?.[1] ?? '–';

async function withDocuments(act: (documents: TrustedDocuments) => Promise<number>): Promise<number> {
  const config = loadConfig();
  const log = createLogger({ ...config, logLevel: 'warn' });
  await using disposal = new Disposal();
  const database = disposal.use(await openDatabaseBeside(config, log));
  const wakeups = disposal.use(await openWakeups(database, log));
  await using documents = await TrustedDocuments.open({ database, wakeups, log });
  return await act(documents);
}

await runCommand({ usage: USAGE, run });
