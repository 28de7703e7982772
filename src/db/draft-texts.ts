import { and, desc, eq, sql } from 'drizzle-orm';
import { beginningsIn, type TermQuery, termsIn } from '../lib/text/search-terms.ts';
import type { Database } from './client.ts';
import { type DraftSelection, selected } from './drafts/draft-queries.ts';
import { olderThan } from './queries/per-owner.ts';
import { opened } from './sealing/sealed-values.ts';
import { KeyDestroyedError, type Vault } from './sealing/vault.ts';
import { drafts, draftTexts } from './tables.ts';

/** Before terms that are stored as they are, and before those that are sealed. */
const [CLEAR, SEALED] = [0, 1];
const placeOf = (draftId: string): string => `draft_texts ${draftId}`;

/** A draft that has changed since it was indexed, or was never, with its title as it is stored. */
export interface UnindexedDraft {
  id: string;
  storedTitle: string;
}

/** These listeners' drafts that were changed after they were indexed, in the order of their ids, at most `limit`. */
export async function selectUnindexed(
  { sql: run }: Database,
  listenerIds: readonly number[],
  after: string | null,
  limit: number,
): Promise<UnindexedDraft[]> {
  return run<UnindexedDraft[]>`
    select d.id, d.title as "storedTitle" from drafts d left join draft_texts x on x.draft_id = d.id
    where d.listener_id in (select value::bigint from jsonb_array_elements_text(${JSON.stringify(listenerIds)}::jsonb))
      and (${after}::uuid is null or d.id > ${after}::uuid)
      and (x.draft_id is null or x.until < d.sequence or x.title <> d.title or d.status in ('QUEUED', 'GENERATING'))
    order by d.id limit ${limit}`;
}

interface IndexedDraft extends UnindexedDraft {
  listenerId: number;
  title: string;
  prompt: string;
  text: string;
  sequence: number;
}

/** Indexes a draft as it is now, unless a later state of it is indexed already, or it is gone. */
export async function indexDraft({ sql: run, vault }: Database, draft: IndexedDraft): Promise<void> {
  const { id, listenerId, storedTitle, sequence } = draft;
  const terms = `\n${termsOfDraft(draft).join('\n')}\n`;
  const sealer = await vault.sealerOf(listenerId);
  const bytes = sealer
    ? Buffer.concat([Buffer.of(SEALED), sealer.seal(terms, placeOf(id))])
    : Buffer.concat([Buffer.of(CLEAR), Buffer.from(terms)]);
  await run`
    insert into draft_texts (draft_id, title, until, terms)
    select d.id, ${storedTitle}, ${sequence}, ${bytes} from drafts d where d.id = ${id} for key share
    on conflict (draft_id) do update set title = excluded.title, until = excluded.until, terms = excluded.terms
      where draft_texts.until <= excluded.until`;
}

function termsOfDraft({ title, prompt, text }: IndexedDraft): string[] {
  const { words, parts } = termsIn(title);
  return [...new Set([...words, ...parts, ...beginningsIn(prompt), ...beginningsIn(text)])];
}

/** Number of drafts whose terms are read at once. */
const READ_AT_ONCE = 200;
/** Maximum number of a listener's newest drafts that a search looks through. */
const MOST_SEARCHED = 10_000;

export interface DraftSearch {
  listenerId: number;
  selection: DraftSelection;
  query: TermQuery;
  /** Only older drafts. */
  after: { createdAt: Date; id: string } | null;
  /** The search ends when so many are found. */
  most: number;
}

/**
 * The ids of a listener's indexed drafts that have all words: each begins a word of the title, the prompt or the text, or is part
 * of one in the title. What is written there is encrypted, so that it is looked through here, the newest first.
 */
export async function findDrafts(database: Database, search: DraftSearch): Promise<string[]> {
  const found: string[] = [];
  let { after } = search;
  for (let read = 0; read < MOST_SEARCHED && found.length < search.most; read += READ_AT_ONCE) {
    const rows = await selectTerms(database, { ...search, after });
    const terms = await Promise.all(rows.map((row) => openTerms(database.vault, row)));
    found.push(...rows.filter((_, i) => hasAll(terms[i] ?? '', search.query)).map(({ id }) => id));
    after = rows.at(-1) ?? null;
    if (rows.length < READ_AT_ONCE) break;
  }
  return found.slice(0, search.most);
}

interface TermsRow {
  id: string;
  createdAt: Date;
  terms: Buffer;
}

function selectTerms({ db }: Database, { listenerId, selection, after }: DraftSearch): Promise<TermsRow[]> {
  const beyond = after && olderThan(drafts.createdAt, drafts.id, { at: after.createdAt, id: after.id });
  return db
    .select({ id: drafts.id, createdAt: drafts.createdAt, terms: draftTexts.terms })
    .from(drafts)
    .innerJoin(draftTexts, eq(draftTexts.draftId, drafts.id))
    .where(and(eq(drafts.listenerId, sql`${listenerId}::bigint`), selected(selection), beyond ?? undefined))
    .orderBy(desc(drafts.createdAt), desc(drafts.id))
    .limit(READ_AT_ONCE);
}

async function openTerms(vault: Vault, { id, terms }: TermsRow): Promise<string> {
  if (terms[0] !== SEALED) return terms.toString('utf8', 1);
  try {
    return (await opened(vault, terms.subarray(1), placeOf(id))).toString();
  } catch (error) {
    if (error instanceof KeyDestroyedError) return '';
    throw error;
  }
}

/** @param terms each between line breaks */
const hasAll = (terms: string, query: TermQuery): boolean =>
  query.every((spellings) =>
    spellings.some((asked) => asked.every(({ text, whole }) => terms.includes(`\n${text}${whole ? '\n' : ''}`))),
  );
