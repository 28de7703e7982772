import { describe, expect, it, onTestFinished } from 'vitest';
import { secretAuth } from '../support/access/tokens.ts';
import { commandOf } from '../support/command.ts';
import { ask } from '../support/listening.ts';
import { createDatabase } from '../support/postgres/database.ts';
import { startServer } from '../support/server.ts';

const run = commandOf('access/keys');

describe('[KEY6] npm run keys', () => {
  it('creates, lists, rotates and revokes keys, and a running server notices at once', async () => {
    const database = await createDatabase({ connections: 1 });
    onTestFinished(() => database[Symbol.asyncDispose]());
    const env = { DATABASE_URL: database.url };
    const server = await startServer({ ...env, CADENZA_JWT_SECRET: secretAuth.secret });
    const created = await run(env, 'create', '--owner', 'ann', '--name', 'ci', '--roles', 'SERVICE', '--days', '30');
    expect(created.code).toBe(0);
    const viewer = async (secret: string) => {
      const headers = { authorization: `Bearer ${secret.trim()}` };
      const { data } = await ask(`${server.url}/graphql`, '{ viewer { externalId } }', {}, headers);
      return (data?.viewer as { externalId: string } | undefined)?.externalId;
    };
    expect(await viewer(created.output)).toBe('ann');
    const { output } = await run(env, 'list');
    const [prefix = ''] = output.split(' ');
    expect(output).toMatch(/^cadenza_\w{10} {2}ACTIVE {3}ann {2}SERVICE {2}until \d{4}-\d\d-\d\d {2}ci\n$/);
    expect(created.output).toContain(prefix);
    const rotated = await run(env, 'rotate', prefix, '--grace', '1');
    // Also if the wake-up is still on its way.
    expect([await viewer(rotated.output), await viewer(created.output)]).toEqual(['ann', 'ann']);
    expect((await run(env, 'revoke', prefix)).output).toBe(`${prefix} is revoked.\n`);
    await expect.poll(() => viewer(rotated.output)).toBeUndefined();
  });

  it.each([
    ['no command', [], /a command is missing/],
    ['an unknown command', ['make'], /no command make/],
    ['no owner', ['create', '--name', 'k'], /--owner is missing/],
    ['no name', ['create', '--owner', 'ann'], /--name is missing/],
    ['an unknown role', ['create', '--owner', 'ann', '--name', 'k', '--roles', 'KING'], /KING is no role/],
    ['a time that is none', ['create', '--owner', 'ann', '--name', 'k', '--days', 'soon'], /--days/],
    ['too much', ['list', 'all'], /unexpected argument/],
  ] as const)('refuses %s with status 2', async (_, args, reason) => {
    const { code, errors } = await run({ DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' }, ...args);
    expect(code).toBe(2);
    expect(errors).toMatch(reason);
  });
});
