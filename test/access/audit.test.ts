import { describe, expect, it } from 'vitest';
import { AuditLog } from '../../src/access/access.ts';
import { bearer, withAuth } from '../support/access/auth.ts';
import { admin, createKey } from '../support/access/keys.ts';
import { ask, startListening } from '../support/listening.ts';
import { testDatabase } from '../support/postgres/database.ts';

const LOG = `query ($action: String, $first: Int, $after: String) { auditLog(action: $action, first: $first, after: $after) {
  totalCount pageInfo { endCursor hasNextPage }
  nodes { action actor keyPrefix subject object address requestId outcome } } }`;

interface Log {
  totalCount: number;
  pageInfo: { endCursor: string; hasNextPage: boolean };
  nodes: Record<string, string | null>[];
}

async function start() {
  const server = await startListening({ config: withAuth });
  const read = async (variables: object = {}) => {
    const { data, errors } = await ask(server.graphqlUrl, LOG, { first: 100, ...variables }, await admin());
    expect(errors).toBeUndefined();
    return (data as { auditLog: Log }).auditLog;
  };
  return { ...server, read };
}

describe('[AUDIT1] the audit log', () => {
  it('has who did what to whom, from where and with what outcome, for a scripted day', async () => {
    const { graphqlUrl, read, database } = await start();
    const root = await admin();
    const [service, ann] = [await bearer({ sub: 'shop', roles: ['SERVICE'] }), await bearer({ sub: 'ann' })];
    const act = (query: string, headers: Record<string, string>) => ask(graphqlUrl, query, {}, headers);
    const { id, headers, prefix } = await createKey({ graphqlUrl }, { owner: 'ann', roles: ['SERVICE'] });
    await act('mutation { createApiKey(input: { name: "k", owner: "ann" }) { __typename } }', ann);
    await act('mutation { upsertTracks(input: []) { __typename } }', headers);
    await act('{ listener(externalId: "ann") { displayName } }', service);
    await act('{ listener(externalId: "ann") { displayName } }', ann);
    await act('mutation { activateModelVersion(modelVersion: "none") { __typename } }', root);
    await act(`mutation { revokeApiKey(id: "${id}") { __typename } }`, ann);
    await act('mutation { eraseMe(confirm: "bob") { __typename } }', ann);
    await act('mutation { eraseListener(input: { externalId: "shop" }) { __typename } }', root);
    await act('{ viewer { id } }', ann);
    await act('mutation { setPreferences(input: { tags: ["rain"] }) { __typename } }', ann);
    const { nodes, totalCount } = await read();
    const told = nodes
      .toReversed()
      .map(({ action, actor, subject, object, outcome, keyPrefix }) =>
        [action, actor, subject, object, outcome, keyPrefix].map((cell) => cell ?? '-').join(' '),
      );
    expect(told).toEqual([
      'createApiKey root - - DONE -',
      'createApiKey ann ann - ForbiddenError -',
      `upsertTracks ann - 0 items DONE ${prefix}`,
      // The service has been erased since.
      'listener - ann - DONE -',
      'listener ann ann - FORBIDDEN -',
      'activateModelVersion root - none NotFoundError -',
      `revokeApiKey ann - ${id} DONE -`,
      'eraseMe ann ann - InvalidInputError -',
      'eraseListener root - - DONE -',
    ]);
    expect(totalCount).toBe(9);
    for (const { address, requestId } of nodes) {
      expect(address).toBe('127.0.0.1');
      expect(requestId).toMatch(/./);
    }
    const [row] = await database.sql<{ all: string }[]>`select jsonb_agg(a)::text as all from audit_entries a`;
    expect(row?.all).not.toContain('shop');
  });

  it('is read by ADMIN alone, in pages and by action', async () => {
    const { graphqlUrl, read } = await start();
    for (let i = 0; i < 3; i++) await createKey({ graphqlUrl });
    await ask(graphqlUrl, 'mutation { upsertTracks(input: []) { __typename } }', {}, await admin());
    const first = await read({ action: 'createApiKey', first: 2 });
    expect(first).toMatchObject({ totalCount: 3, pageInfo: { hasNextPage: true } });
    const rest = await read({ action: 'createApiKey', first: 2, after: first.pageInfo.endCursor });
    expect([rest.nodes.length, rest.pageInfo.hasNextPage]).toEqual([1, false]);
    const staff = await bearer({ sub: 'eve', roles: ['SERVICE', 'ANALYST'] });
    const { errors } = await ask(graphqlUrl, '{ auditLog { totalCount } }', {}, staff);
    expect(errors?.[0]?.extensions?.code).toBe('FORBIDDEN');
  });
});

describe('[AUDIT2] an entry', () => {
  it('cannot be changed or removed, by no statement, until it is as old as configured', async () => {
    const database = await testDatabase();
    const { sql } = database;
    await sql`insert into audit_entries (action, outcome, at)
      select 'old', 'DONE', now() - interval '31 days' union all select 'new', 'DONE', now() - interval '29 days'`;
    const refused = /cannot be changed or removed/;
    await expect(sql`update audit_entries set outcome = 'x'`).rejects.toThrow(refused);
    await expect(sql`delete from audit_entries`).rejects.toThrow(refused);
    await expect(sql`truncate audit_entries`).rejects.toThrow(refused);
    const cheating = sql.begin(async (tx) => {
      await tx`select set_config('cadenza.audit_days', '-1', true)`;
      await tx`delete from audit_entries where action = 'new' and at > now() - interval '1 hour'`;
      await tx`insert into audit_entries (action, outcome) values ('now', 'DONE')`;
      await tx`delete from audit_entries where action = 'now'`;
    });
    await expect(cheating).rejects.toThrow(refused);
    expect(await new AuditLog(database).removeOlder(30, 10)).toBe(1);
    const left = await sql<{ action: string }[]>`select action from audit_entries`;
    expect(left.map(({ action }) => action)).toEqual(['new']);
  });
});
