ALTER TYPE "public"."list_surface" ADD VALUE 'PREVIEW';--> statement-breakpoint
DROP INDEX "feedback_listener_id_dedupe_key_index";--> statement-breakpoint
DROP INDEX "feedback_listener_id_at_id_index";--> statement-breakpoint
DROP INDEX "feedback_listener_id_track_id_index";--> statement-breakpoint
DROP INDEX "feedback_at_index";--> statement-breakpoint
ALTER TABLE "draft_events" ALTER COLUMN "event" DROP NOT NULL;--> statement-breakpoint
ALTER TABLE "recommendation_lists" ALTER COLUMN "propensities" DROP DEFAULT;--> statement-breakpoint
ALTER TABLE "recommendation_lists" ALTER COLUMN "propensities" DROP NOT NULL;--> statement-breakpoint
ALTER TABLE "recommendation_lists" ALTER COLUMN "state" SET DATA TYPE "bytea" USING convert_to("state"::text, 'UTF8');--> statement-breakpoint
ALTER TABLE "draft_events" ADD COLUMN "text" text;--> statement-breakpoint
ALTER TABLE "draft_events" ADD COLUMN "tokens" "bytea";--> statement-breakpoint
ALTER TABLE "recommendation_lists" ADD COLUMN "causes" text DEFAULT '' NOT NULL;--> statement-breakpoint
UPDATE "recommendation_lists" SET
  "propensities" = CASE WHEN 1 = ALL ("propensities") THEN NULL ELSE "propensities" END,
  "causes" = array_to_string(ARRAY(
    SELECT CASE reason WHEN 'HISTORY' THEN 'h' WHEN 'PREFERENCE' THEN 'p' WHEN 'POPULARITY' THEN 'o' ELSE '-' END
    FROM unnest("reasons") WITH ORDINALITY AS one (reason, number) ORDER BY number), E'\n');--> statement-breakpoint
CREATE UNIQUE INDEX "feedback_key_index" ON "feedback" USING btree ("listener_id","dedupe_key") WHERE "feedback"."dedupe_key" is not null;--> statement-breakpoint
CREATE INDEX "feedback_listener_index" ON "feedback" USING btree ("listener_id","at");--> statement-breakpoint
CREATE INDEX "feedback_at_blocks" ON "feedback" USING brin ("at");--> statement-breakpoint
ALTER TABLE "draft_events" ADD CONSTRAINT "draft_events_form" CHECK (num_nonnulls("draft_events"."event", "draft_events"."tokens") = 1 and num_nulls("draft_events"."text", "draft_events"."tokens") in (0, 2));