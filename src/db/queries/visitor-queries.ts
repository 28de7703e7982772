import { moveConsent } from '../access/consent-queries.ts';
import type { Database } from '../client.ts';
import type { Sql, Transaction } from '../connection/transaction.ts';
import { namesNobody } from '../failures.ts';
import { openPreferences, sealPreferences } from '../sealing/sealed-listeners.ts';
import type { Sealer, Vault } from '../sealing/vault.ts';

/** Number of rows that became an account's. */
export interface ClaimedRows {
  /** Null if there was no such listener: the visitor has done nothing, or was claimed before. */
  visitorId: number | null;
  feedback: number;
  /** Reactions, saved and hidden tracks, including those taken back. */
  verdicts: number;
  /** Whether the account has the visitor's preferences now. */
  preferences: boolean;
  lists: number;
  drafts: number;
}

const nothing: ClaimedRows = { visitorId: null, feedback: 0, verdicts: 0, preferences: false, lists: 0, drafts: 0 };

/** Whether the visitor with this external id has become an account. */
export async function isVisitorClaimed(sql: Sql, externalId: string): Promise<boolean> {
  const rows = await sql`select from claimed_visitors where external_id = ${externalId}`;
  return rows.length > 0;
}

/**
 * Gives all rows of a visitor to an account and deletes the visitor, in one transaction ([VISIT3], [VISIT4]).
 * @returns 'account' if there is no such account; 'other' if the visitor has become another one, and then nothing is changed
 */
export async function claimVisitorRows(
  { sql, vault }: Database,
  externalId: string,
  accountId: number,
): Promise<ClaimedRows | 'account' | 'other'> {
  // Before the transaction, which locks what a new data key needs.
  const sealer = await vault.sealerOf(accountId).catch(nullIfNobody);
  return sql.begin(async (tx): Promise<ClaimedRows | 'account' | 'other'> => {
    // Whoever adds a row for a listener holds a share of this lock until the row is there.
    const account = await tx`select from listeners where id = ${accountId} for update`;
    if (account.length === 0) return 'account';
    const isFirst = await tx`
      insert into claimed_visitors (external_id, listener_id) values (${externalId}, ${accountId})
      on conflict do nothing`;
    if (isFirst.count === 0) {
      const own =
        await tx`select from claimed_visitors where external_id = ${externalId} and listener_id = ${accountId}`;
      return own.length > 0 ? nothing : 'other';
    }
    const [visitor] = await tx<{ id: number }[]>`
      select id::float8 as id from listeners where external_id = ${externalId} for update`;
    if (!visitor) return nothing;
    const moved = await moveRows(tx, visitor.id, accountId, { sealer, vault });
    await tx`delete from listeners where id = ${visitor.id}`;
    return moved;
  });
}

interface Sealing {
  /** Of the account. */
  sealer: Sealer | null;
  vault: Vault;
}

function nullIfNobody(error: unknown): null {
  if (namesNobody(error)) return null;
  throw error;
}

async function moveRows(tx: Transaction, visitor: number, account: number, sealing: Sealing): Promise<ClaimedRows> {
  // What is sealed with the visitor's keys stays so, and the keys become the account's.
  await tx`update data_keys set listener_id = ${account} where listener_id = ${visitor}`;
  await moveDocuments(tx, visitor, account);
  await moveUsage(tx, visitor, account);
  await moveConsent(tx, visitor, account);
  return {
    visitorId: visitor,
    feedback: await moveFeedback(tx, visitor, account),
    verdicts: await moveVerdicts(tx, visitor, account),
    preferences: await movePreferences(tx, visitor, account, sealing),
    lists: (await tx`update recommendation_lists set listener_id = ${account} where listener_id = ${visitor}`).count,
    drafts: await moveDrafts(tx, visitor, account),
  };
}

/** What was sent again after signing in, with the same key, is the same event. */
async function moveFeedback(tx: Transaction, visitor: number, account: number): Promise<number> {
  await tx`
    delete from feedback f using feedback own
    where f.listener_id = ${visitor} and own.listener_id = ${account} and own.dedupe_key = f.dedupe_key`;
  return (await tx`update feedback set listener_id = ${account} where listener_id = ${visitor}`).count;
}

/** Of two verdicts on one track the later holds. */
async function moveVerdicts(tx: Transaction, visitor: number, account: number): Promise<number> {
  await tx`
    delete from verdicts v using verdicts own
    where v.listener_id = ${visitor} and own.listener_id = ${account}
      and own.track_id = v.track_id and own.dimension = v.dimension and own.at >= v.at`;
  await tx`
    delete from verdicts own using verdicts v
    where v.listener_id = ${visitor} and own.listener_id = ${account}
      and own.track_id = v.track_id and own.dimension = v.dimension`;
  return (await tx`update verdicts set listener_id = ${account} where listener_id = ${visitor}`).count;
}

/** An account that has stated any keeps them: a visitor's few words must not replace what somebody chose over years. */
async function movePreferences(tx: Transaction, visitor: number, account: number, sealing: Sealing): Promise<boolean> {
  const taken = await tx`
    update listeners own set allow_explicit = v.allow_explicit, preferences_updated_at = v.preferences_updated_at
    from listeners v
    where own.id = ${account} and v.id = ${visitor} and own.preferences_updated_at is null
      and v.preferences_updated_at is not null`;
  if (taken.count === 0) return false;
  await moveWords(tx, visitor, account, sealing);
  await tx`update listener_genres set listener_id = ${account} where listener_id = ${visitor}`;
  await tx`update listener_artists set listener_id = ${account} where listener_id = ${visitor}`;
  return true;
}

/** Of two roles in one document the account's holds; in its own it needs none. */
async function moveDocuments(tx: Transaction, visitor: number, account: number): Promise<void> {
  await tx`update documents set listener_id = ${account} where listener_id = ${visitor}`;
  await tx`
    insert into document_members (document_id, listener_id, role)
    select document_id, ${account}, role from document_members where listener_id = ${visitor} on conflict do nothing`;
  await tx`
    delete from document_members m using documents d
    where d.id = m.document_id and m.listener_id = ${account} and d.listener_id = ${account}`;
  await tx`update document_updates set author_id = ${account} where author_id = ${visitor}`;
  await tx`update document_versions set author_id = ${account} where author_id = ${visitor}`;
  await tx`update document_assists set listener_id = ${account} where listener_id = ${visitor}`;
  await tx`update document_assists set undone_by = ${account} where undone_by = ${visitor}`;
}

/** Sums are by listener, key and day: what the visitor used is added to the account's as if it were noted now. */
async function moveUsage(tx: Transaction, visitor: number, account: number): Promise<void> {
  await tx`update usage_entries set listener_id = ${account} where listener_id = ${visitor}`;
  await tx`
    insert into usage_entries (day, listener_id, key_id, requests, drafts, tokens_in, tokens_out, engine_ms)
    select day, ${account}, key_id, requests, drafts, tokens_in, tokens_out, engine_ms
    from usage_days where listener_id = ${visitor}`;
  await tx`update drafts set payer_id = null where listener_id = ${visitor} and payer_id = ${visitor}`;
}

/** What is sealed is bound to its row, so that it is sealed again. */
async function moveWords(tx: Transaction, visitor: number, account: number, { sealer, vault }: Sealing): Promise<void> {
  const [stored] = await tx<{ tags: string[]; text: string | null }[]>`
    select to_jsonb(preference_tags) as tags, preference_text as text from listeners where id = ${visitor}`;
  if (!stored) return;
  const [words] = await openPreferences(vault, [{ ...NOTHING_STATED, listenerId: visitor, ...stored }]);
  const { preferenceTags = [], preferenceText = null } = sealPreferences(sealer, words ?? {}, account);
  await tx`
    update listeners set preference_tags = array(select jsonb_array_elements_text(${JSON.stringify(preferenceTags)}::text::jsonb)),
      preference_text = ${preferenceText}
    where id = ${account}`;
}

const NOTHING_STATED = { genres: [], artistIds: [], allowExplicit: true, updatedAt: null };

/** A key that the account has used names the account's draft. */
async function moveDrafts(tx: Transaction, visitor: number, account: number): Promise<number> {
  await tx`
    update drafts d set idempotency_key = null, input_digest = null from drafts own
    where d.listener_id = ${visitor} and own.listener_id = ${account} and own.idempotency_key = d.idempotency_key`;
  return (await tx`update drafts set listener_id = ${account} where listener_id = ${visitor}`).count;
}
