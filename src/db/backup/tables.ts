import type { Sql, Transaction } from '../connection/transaction.ts';

/** A table as it is copied: without what the database computes itself. */
export interface CopiedTable {
  name: string;
  columns: readonly string[];
}

/** All tables of the schema, each after those that its rows refer to. */
export async function tablesOf(sql: Sql | Transaction): Promise<CopiedTable[]> {
  const tables = await sql<CopiedTable[]>`
    select c.relname as name, json_agg(a.attname order by a.attnum) as columns
    from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
    where c.relnamespace = current_schema()::regnamespace and c.relkind = 'r' and c.relname <> '__drizzle_migrations'
    group by c.relname order by c.relname`;
  const references = await sql<{ from: string; to: string }[]>`
    select f.relname as from, t.relname as to from pg_constraint k
    join pg_class f on f.oid = k.conrelid join pg_class t on t.oid = k.confrelid
    where k.contype = 'f' and f.relnamespace = current_schema()::regnamespace and f.oid <> t.oid`;
  return inOrder(tables, references);
}

function inOrder(tables: readonly CopiedTable[], references: readonly { from: string; to: string }[]): CopiedTable[] {
  const ordered: CopiedTable[] = [];
  let waiting = [...tables];
  while (waiting.length > 0) {
    const isWaiting = new Set(waiting.map(({ name }) => name));
    const ready = waiting.filter(({ name }) => !references.some(({ from, to }) => from === name && isWaiting.has(to)));
    if (ready.length === 0) throw new Error(`Tables refer to each other in a circle: ${[...isWaiting].join(', ')}`);
    ordered.push(...ready);
    waiting = waiting.filter((table) => !ready.includes(table));
  }
  return ordered;
}

export const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** For COPY. */
export const columnsOf = ({ name, columns }: CopiedTable): string =>
  `${quoted(name)} (${columns.map(quoted).join(', ')})`;
