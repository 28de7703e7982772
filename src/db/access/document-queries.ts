import { asc, eq } from 'drizzle-orm';
import type { Database, Queryable } from '../client.ts';
import { trustedDocuments } from './access-tables.ts';

export interface TrustedDocumentRow {
  id: string;
  text: string;
  client: string;
  createdAt: Date;
}

export function selectTrustedDocuments(db: Queryable): Promise<TrustedDocumentRow[]> {
  return db.select().from(trustedDocuments).orderBy(asc(trustedDocuments.client), asc(trustedDocuments.id));
}

/** An arbitrary constant that nothing else in the database uses. */
const REGISTER_LOCK = 0x646f6373;

/**
 * Registers all of them or none; those that are known stay as they are.
 * @returns the number of new ones; null if there would be more than `most`, or of more than `mostBytes` together
 */
export function insertTrustedDocuments(
  { sql: driver }: Database,
  documents: readonly Pick<TrustedDocumentRow, 'id' | 'text' | 'client'>[],
  most: { documents: number; bytes: number },
): Promise<number | null> {
  return driver.begin(async (tx) => {
    await tx`select pg_advisory_xact_lock(${REGISTER_LOCK})`;
    const made = await tx`
      insert into trusted_documents (id, text, client)
      select id, text, client from jsonb_to_recordset(${JSON.stringify(documents)}::text::jsonb) as d (id text, text text, client text)
      on conflict do nothing returning id`;
    const [held] = await tx<[{ documents: number; bytes: number }]>`
      select count(*)::int as documents, coalesce(sum(octet_length(text)), 0)::float8 as bytes from trusted_documents`;
    if (held.documents <= most.documents && held.bytes <= most.bytes) return made.length;
    await tx`delete from trusted_documents where id = any(${`{${made.map(({ id }) => String(id)).join(',')}}`}::text[])`;
    return null;
  });
}

/** @returns whether there was such a document */
export async function deleteTrustedDocument(db: Queryable, id: string): Promise<boolean> {
  const rows = await db
    .delete(trustedDocuments)
    .where(eq(trustedDocuments.id, id))
    .returning({ id: trustedDocuments.id });
  return rows.length > 0;
}
