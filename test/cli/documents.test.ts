import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { generate } from '@graphql-codegen/cli';
import { describe, expect, it, onTestFinished } from 'vitest';
import { commandOf } from '../support/command.ts';
import { temporaryFolder } from '../support/folder.ts';
import { createDatabase } from '../support/postgres/database.ts';

const run = commandOf('access/documents');

/** What graphql-codegen writes for the example client. */
async function manifestOf(folder: string): Promise<string> {
  const files = (await generate(
    {
      schema: 'schema.graphql',
      documents: 'examples/client/operations.graphql',
      silent: true,
      generates: {
        [`${folder}/`]: { preset: 'client', presetConfig: { persistedDocuments: { hashAlgorithm: 'sha256' } } },
      },
    },
    false,
  )) as { filename: string; content: string }[];
  const file = files.find(({ filename }) => filename.endsWith('.json'));
  const path = join(folder, 'persisted-documents.json');
  await writeFile(path, file!.content);
  return path;
}

describe('[TRUST1] npm run documents', () => {
  it("registers the documents of graphql-codegen's manifest, lists and removes them", async () => {
    const database = await createDatabase({ connections: 1 });
    onTestFinished(() => database[Symbol.asyncDispose]());
    const env = { DATABASE_URL: database.url };
    const manifest = await manifestOf(await temporaryFolder());
    const made = await run(env, 'register', manifest, '--client', 'example');
    expect(made.errors).toBe('');
    expect(made.output).toMatch(/^[1-9]\d* registered, 0 known before/);
    expect((await run(env, 'register', manifest, '--client', 'example')).output).toMatch(/^0 registered/);
    const [first = ''] = (await run(env, 'list')).output.split('\n');
    expect(first).toMatch(/^[\da-f]{64} {2}example {2}\w+$/);
    expect((await run(env, 'remove', first.slice(0, 64))).output).toBe('1 removed.\n');
    expect((await run(env, 'remove', first.slice(0, 64))).errors).toMatch(/no document/);
  });

  it('refuses what does not fit the schema, and registers nothing', async () => {
    const path = join(await temporaryFolder(), 'documents.json');
    const text = '{ nothing }';
    await writeFile(path, JSON.stringify({ [createHash('sha256').update(text).digest('hex')]: text }));
    const nowhere = { DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' };
    const { code, errors } = await run(nowhere, 'register', path, '--client', 'x');
    expect(code).toBe(1);
    expect(errors).toMatch(/Nothing was registered: .*Cannot query field "nothing"/);
  });

  it.each([
    ['no command', [], /a command is missing/],
    ['no manifest', ['register', '--client', 'x'], /one MANIFEST/],
    ['no client', ['register', 'x.json'], /--client is missing/],
  ] as const)('refuses %s with status 2', async (_, args, reason) => {
    const { code, errors } = await run({}, ...args);
    expect(code).toBe(2);
    expect(errors).toMatch(reason);
  });
});
