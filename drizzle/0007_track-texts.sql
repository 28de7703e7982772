CREATE TABLE "track_texts" (
	"track_id" bigint PRIMARY KEY NOT NULL,
	"title" text collate "C",
	"artist" text collate "C",
	"song_key" text collate "C",
	"recording_key" text collate "C",
	"search" "tsvector"
);
--> statement-breakpoint
DROP INDEX "tracks_title_index";--> statement-breakpoint
ALTER TABLE "track_texts" ADD CONSTRAINT "track_texts_track_id_tracks_id_fk" FOREIGN KEY ("track_id") REFERENCES "public"."tracks"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "track_texts_title_track_id_index" ON "track_texts" USING btree ("title","track_id");--> statement-breakpoint
CREATE INDEX "track_texts_song_key_index" ON "track_texts" USING btree ("song_key");--> statement-breakpoint
CREATE INDEX "track_texts_recording_key_index" ON "track_texts" USING btree ("recording_key");--> statement-breakpoint
CREATE INDEX "track_texts_search_index" ON "track_texts" USING gin ("search");--> statement-breakpoint
CREATE INDEX "track_texts_missing_index" ON "track_texts" USING btree ("track_id") WHERE "track_texts"."search" is null;--> statement-breakpoint
-- Their texts are made when the schema is up to date: see src/db/normal-forms.ts.
INSERT INTO "track_texts" ("track_id") SELECT "id" FROM "tracks";--> statement-breakpoint
-- Ids are stored composed; of two that would be the same the second stays as it is.
UPDATE "tracks" SET "external_id" = "ids"."composed" FROM (
  SELECT min("id") AS "id", "composed" FROM (
    SELECT "id", "external_id", CASE WHEN getdatabaseencoding() = 'UTF8' THEN normalize("external_id") ELSE "external_id" END AS "composed" FROM "tracks"
  ) AS "all" GROUP BY "composed"
  HAVING bool_and("external_id" <> "composed")
) AS "ids" WHERE "tracks"."id" = "ids"."id";
