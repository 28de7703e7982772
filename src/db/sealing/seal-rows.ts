import type { Database } from '../client.ts';
import type { Transaction } from '../connection/transaction.ts';
import { sealState } from '../recommend/served-list-queries.ts';
import type { StoredEvent } from '../sealing/sealed-events.ts';
import { plainDraft, plainEvent, plainList, plainListener } from './rewrap.ts';
import { sealAssists, sealDocuments, sealVersions } from './seal-documents.ts';
import { sealChanges } from './sealed-drafts.ts';
import { sealEvent } from './sealed-events.ts';
import { sealName, sealPreferences } from './sealed-listeners.ts';
import type { Sealer } from './vault.ts';

const AT_ONCE = 100;

/** Number of rows that were sealed. */
export interface SealedRows {
  listeners: number;
  drafts: number;
  lists: number;
  documents: number;
  versions: number;
  assists: number;
}

/**
 * Encrypts what was stored before there was a master key ([SEAL5]). It may run beside the server, be interrupted, and be
 * repeated: what is sealed is left as it is.
 */
export async function sealStoredRows(database: Database, signal: AbortSignal): Promise<SealedRows> {
  const { sql } = database;
  // They are made again when drafts are searched.
  await sql`delete from draft_texts where get_byte(terms, 0) = 0`;
  // Whoever is there says so again.
  await sql`delete from document_presence where not starts_with(state, E'\\x01k')`;
  return {
    listeners: await each(signal, () => sealListeners(database)),
    drafts: await each(signal, () => sealDrafts(database)),
    lists: await each(signal, () => sealLists(database)),
    documents: await each(signal, () => sealDocuments(database)),
    versions: await each(signal, () => sealVersions(database)),
    assists: await each(signal, () => sealAssists(database)),
  };
}

/** Repeats a step until it finds nothing more. @returns the sum */
async function each(signal: AbortSignal, step: () => Promise<number>): Promise<number> {
  for (let done = 0; ;) {
    signal.throwIfAborted();
    const some = await step();
    if (some === 0) return done;
    done += some;
  }
}

interface OpenListener {
  id: number;
  externalId: string;
  displayName: string;
  tags: string[];
  text: string | null;
}

async function sealListeners(database: Database): Promise<number> {
  const { sql, vault } = database;
  const rows = await sql<{ id: number }[]>`
    select id::float8 as id from listeners where ${plainListener(sql)} order by id limit ${AT_ONCE}`;
  for (const { id } of rows) {
    const sealer = await vault.sealerOf(id);
    await sql.begin(async (tx) => {
      const [row] = await tx<OpenListener[]>`
        select id::float8 as id, external_id as "externalId", display_name as "displayName",
          to_jsonb(preference_tags) as tags, preference_text as text
        from listeners where id = ${id} and ${plainListener(sql)} for update`;
      if (row) await writeListener(tx, sealer, row);
    });
  }
  return rows.length;
}

async function writeListener(tx: Transaction, sealer: Sealer | null, row: OpenListener): Promise<void> {
  const { id, displayName } = row;
  const name = isOpen(displayName) && displayName !== row.externalId ? sealName(sealer, displayName, id) : displayName;
  const tags = row.tags.every(isOpen) ? row.tags : undefined;
  const text = row.text !== null && isOpen(row.text) ? row.text : undefined;
  const sealed = sealPreferences(sealer, { ...(tags && { tags }), ...(text !== undefined && { text }) }, id);
  const json = JSON.stringify(sealed.preferenceTags ?? row.tags);
  await tx`
    update listeners set display_name = ${name}, preference_text = ${sealed.preferenceText ?? row.text},
      preference_tags = array(select jsonb_array_elements_text(${json}::text::jsonb))
    where id = ${id}`;
}

const isOpen = (stored: string): boolean => !stored.startsWith('\u0001k');

interface OpenDraft {
  title: string;
  prompt: string;
  sampling: unknown;
  turns: unknown;
  origin: unknown;
  texts: string[] | null;
  inputDigest: string | null;
}

async function sealDrafts(database: Database): Promise<number> {
  const { sql, vault } = database;
  const rows = await sql<{ id: string; owner: number }[]>`
    select id, listener_id::float8 as owner from drafts
    where ${plainDraft(sql)} or id in (select draft_id from draft_events where ${plainEvent(sql)} limit ${AT_ONCE})
    order by id limit ${AT_ONCE}`;
  for (const { id, owner } of rows) {
    const sealer = await vault.sealerOf(owner);
    if (!sealer) continue;
    await sql.begin(async (tx) => {
      // Whoever appends to it waits.
      await tx`select from drafts where id = ${id} for update`;
      const [row] = await tx<OpenDraft[]>`
        select title, prompt, sampling, turns, origin, to_jsonb(texts) as texts, input_digest as "inputDigest"
        from drafts where id = ${id} and ${plainDraft(sql)}`;
      if (row) await writeDraft(tx, id, sealChanges(sealer, row, id));
      await sealEvents(tx, sql, sealer, id);
    });
  }
  return rows.length;
}

async function writeDraft(tx: Transaction, id: string, row: OpenDraft): Promise<void> {
  const json = (value: unknown): string => JSON.stringify(value ?? null);
  await tx`
    update drafts set title = ${row.title}, prompt = ${row.prompt}, sampling = ${json(row.sampling)}::text::jsonb,
      turns = ${json(row.turns)}::text::jsonb, origin = nullif(${json(row.origin)}::text::jsonb, 'null'::jsonb),
      texts = case when texts is null then null else array(select jsonb_array_elements_text(${json(row.texts ?? [])}::text::jsonb)) end,
      input_digest = ${row.inputDigest}
    where id = ${id}`;
}

async function sealEvents(tx: Transaction, sql: Database['sql'], sealer: Sealer, draftId: string): Promise<void> {
  const rows = await tx<(StoredEvent & { sequence: number })[]>`
    select sequence, event, text, tokens from draft_events where draft_id = ${draftId} and ${plainEvent(sql)} for update`;
  for (const row of rows) {
    const { tokens } = sealEvent(sealer, row, draftId, row.sequence);
    await tx`
      update draft_events set event = null, text = '', tokens = ${tokens}
      where draft_id = ${draftId} and sequence = ${row.sequence}`;
  }
}

async function sealLists(database: Database): Promise<number> {
  const { sql, vault } = database;
  const rows = await sql<{ id: string; listenerId: number; state: Buffer }[]>`
    select id, listener_id::float8 as "listenerId", state from recommendation_lists
    where ${plainList(sql)} limit ${AT_ONCE}`;
  for (const row of rows) {
    const { state } = await sealState(vault, row);
    // A page that was served meanwhile has stored it anew.
    await sql`update recommendation_lists set state = ${state} where id = ${row.id} and state = ${row.state}`;
  }
  return rows.length;
}
