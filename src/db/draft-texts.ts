import { inArray, type SQL, sql } from 'drizzle-orm';
import { beginningsIn, type TermQuery, termsIn } from '../lib/text/search-terms.ts';
import type { Database, Queryable } from './client.ts';
import { drafts, draftTexts } from './tables.ts';
import { termWeights, tsquery, vectorOf } from './term-vectors.ts';

/** Every word must begin a word of the title, the prompt or the text, or be part of one in the title. */
export function foundBy(db: Queryable, query: TermQuery): SQL {
  const found = db
    .select({ id: draftTexts.draftId })
    .from(draftTexts)
    .where(sql`${draftTexts.search} @@ ${tsquery(query)}::tsquery`);
  return inArray(drafts.id, found);
}

/** The ids of these listeners' drafts that were changed after they were indexed, in order, at most `limit`. */
export async function selectUnindexed(
  { sql: run }: Database,
  listenerIds: readonly number[],
  after: string | null,
  limit: number,
): Promise<string[]> {
  const rows = await run<{ id: string }[]>`
    select d.id from drafts d left join draft_texts x on x.draft_id = d.id
    where d.listener_id in (select value::bigint from jsonb_array_elements_text(${JSON.stringify(listenerIds)}::jsonb))
      and (${after}::uuid is null or d.id > ${after}::uuid)
      and (x.draft_id is null or x.until < d.sequence or x.title <> d.title or d.status in ('QUEUED', 'GENERATING'))
    order by d.id limit ${limit}`;
  return rows.map(({ id }) => id);
}

interface IndexedDraft {
  id: string;
  title: string;
  prompt: string;
  text: string;
  sequence: number;
}

/** Indexes a draft as it is now, unless a later state of it is indexed already, or it is gone. */
export async function indexDraft({ sql: run }: Database, draft: IndexedDraft): Promise<void> {
  const { id, title, sequence } = draft;
  await run`
    insert into draft_texts (draft_id, title, until, search)
    select d.id, ${title}, ${sequence}, ${vectorOfDraft(draft)}::tsvector from drafts d where d.id = ${id} for key share
    on conflict (draft_id) do update set title = excluded.title, until = excluded.until, search = excluded.search
      where draft_texts.until <= excluded.until`;
}

function vectorOfDraft({ title, prompt, text }: IndexedDraft): string {
  const { words, parts } = termsIn(title);
  return vectorOf([
    [words, termWeights.name],
    [parts, termWeights.partOfName],
    [beginningsIn(prompt), termWeights.about],
    [beginningsIn(text), termWeights.about],
  ]);
}
