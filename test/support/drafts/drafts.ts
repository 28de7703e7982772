import type { Database } from '../../../src/db/client.ts';

/** `n` finished drafts of a listener, a millisecond apart; tells their ids, newest first. */
export async function addDrafts(database: Database, listenerId: number, n: number): Promise<string[]> {
  const sampling = { temperature: 0, topK: 1, topP: 1, minP: 0, repetitionPenalty: 1, maxTokens: 1, seed: 1, stop: [] };
  const usage = { promptTokens: 1, completionTokens: 1, timeToFirstTokenMs: null, tokensPerSecond: null };
  const turns = [{ instruction: null, sampling, from: 1, before: usage }];
  const event = { type: 'tokens', text: 'drip', tokens: [] };
  const rows = await database.sql<{ id: string }[]>`
    insert into drafts (id, listener_id, kind, title, prompt, visibility, status, finish_reason, model_id, sampling, turns,
      usage, sequence, created_at)
    select gen_random_uuid(), ${listenerId}, 'POEM', 'Draft ' || n, 'rain', 'PRIVATE', 'COMPLETED', 'LENGTH', 'scripted',
      ${JSON.stringify(sampling)}::jsonb, ${JSON.stringify(turns)}::jsonb, ${JSON.stringify(usage)}::jsonb, 1,
      now() - make_interval(secs => n / 1000.0)
    from generate_series(1, ${n}) n returning id`;
  await database.sql`insert into draft_events (draft_id, sequence, event)
    select id, 1, ${JSON.stringify(event)}::jsonb from drafts where listener_id = ${listenerId}`;
  return rows.map(({ id }) => id);
}
