ALTER TABLE "drafts" ADD COLUMN "text_turns" integer[];--> statement-breakpoint
ALTER TABLE "drafts" ADD COLUMN "texts_before" integer;
--> statement-breakpoint
-- The text before the last turn, which was in the events until a draft was compacted.
WITH turns AS (
  SELECT d.id, t.n, d.texts[t.n] AS text, CASE WHEN t.n = 1 THEN 0 ELSE (t.turn->>'from')::int END AS begins,
    (d.turns->(t.n::int)->>'from')::int AS ends
  FROM drafts d, jsonb_array_elements(d.turns) WITH ORDINALITY AS t (turn, n)
  WHERE jsonb_array_length(d.turns) > 1 AND d.texts_until < (d.turns->-1->>'from')::int
), kept AS (
  SELECT t.id, max(t.ends) AS until, array_agg(coalesce(t.text, (
    SELECT string_agg(e.event->>'text', '' ORDER BY e.sequence) FROM draft_events e
    WHERE e.draft_id = t.id AND e.sequence > t.begins AND e.sequence <= t.ends), '') ORDER BY t.n) AS texts
  FROM turns t WHERE t.ends IS NOT NULL GROUP BY t.id
)
UPDATE drafts d SET texts = kept.texts, texts_until = kept.until FROM kept WHERE d.id = kept.id;
