CREATE TYPE "public"."list_surface" AS ENUM('RECOMMENDATIONS', 'SIMILAR');--> statement-breakpoint
CREATE TYPE "public"."reason_kind" AS ENUM('HISTORY', 'PREFERENCE', 'POPULARITY', 'NONE');--> statement-breakpoint
ALTER TABLE "recommendation_lists" ALTER COLUMN "state" DROP NOT NULL;--> statement-breakpoint
ALTER TABLE "recommendation_lists" ADD COLUMN "surface" "list_surface" DEFAULT 'RECOMMENDATIONS' NOT NULL;--> statement-breakpoint
ALTER TABLE "recommendation_lists" ADD COLUMN "first_rank" integer DEFAULT 1 NOT NULL;--> statement-breakpoint
ALTER TABLE "recommendation_lists" ADD COLUMN "track_ids" bigint[] DEFAULT '{}' NOT NULL;--> statement-breakpoint
ALTER TABLE "recommendation_lists" ADD COLUMN "propensities" double precision[] DEFAULT '{}' NOT NULL;--> statement-breakpoint
ALTER TABLE "recommendation_lists" ADD COLUMN "reasons" "reason_kind"[] DEFAULT '{}' NOT NULL;--> statement-breakpoint
CREATE INDEX "feedback_request_id_index" ON "feedback" USING btree ("request_id") WHERE "feedback"."request_id" is not null;--> statement-breakpoint
CREATE INDEX "recommendation_lists_state_index" ON "recommendation_lists" USING btree ("created_at") WHERE "recommendation_lists"."state" is not null;--> statement-breakpoint
-- Lists of the last day can still be paged through: their tracks move to where they are read from now on.
UPDATE "recommendation_lists" SET
  "track_ids" = coalesce((SELECT array_agg(id::bigint ORDER BY place) FROM jsonb_array_elements_text("state" -> 'trackIds') WITH ORDINALITY AS t (id, place)), '{}'),
  "propensities" = array_fill(1::double precision, ARRAY[jsonb_array_length("state" -> 'trackIds')]),
  "reasons" = array_fill('NONE'::reason_kind, ARRAY[jsonb_array_length("state" -> 'trackIds')]),
  "state" = "state" - 'trackIds';
