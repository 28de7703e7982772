ALTER TABLE "tracks" ADD COLUMN "all_time_listeners" integer;--> statement-breakpoint
ALTER TABLE "tracks" ADD COLUMN "rejecters" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "tracks" ADD COLUMN "withdrawn_at" timestamp (3) with time zone;--> statement-breakpoint
CREATE INDEX "tracks_withdrawn_index" ON "tracks" USING btree ("id") WHERE "tracks"."withdrawn_at" is not null;