CREATE TYPE "public"."artist_role" AS ENUM('MAIN', 'FEATURED', 'REMIXER', 'COMPOSER', 'LYRICIST', 'PRODUCER', 'CONDUCTOR', 'PERFORMER');--> statement-breakpoint
CREATE TYPE "public"."metadata_type" AS ENUM('STRING', 'STRINGS', 'NUMBER', 'BOOLEAN');--> statement-breakpoint
CREATE TABLE "album_artists" (
	"album_id" bigint NOT NULL,
	"artist_id" bigint NOT NULL,
	"position" integer NOT NULL,
	CONSTRAINT "album_artists_album_id_artist_id_pk" PRIMARY KEY("album_id","artist_id")
);
--> statement-breakpoint
CREATE TABLE "albums" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "albums_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"key" text NOT NULL,
	"external_id" text,
	"title" text NOT NULL,
	"release_date" text,
	"covers" jsonb DEFAULT '[]' NOT NULL,
	"name_text" text collate "C",
	"search" "tsvector",
	CONSTRAINT "albums_key_unique" UNIQUE("key")
);
--> statement-breakpoint
CREATE TABLE "metadata_keys" (
	"name" text PRIMARY KEY NOT NULL,
	"type" "metadata_type" NOT NULL
);
--> statement-breakpoint
CREATE TABLE "track_artists" (
	"track_id" bigint NOT NULL,
	"artist_id" bigint NOT NULL,
	"role" "artist_role" NOT NULL,
	"position" integer NOT NULL,
	CONSTRAINT "track_artists_track_id_artist_id_role_pk" PRIMARY KEY("track_id","artist_id","role")
);
--> statement-breakpoint
CREATE TABLE "track_details" (
	"track_id" bigint PRIMARY KEY NOT NULL,
	"isrc" text,
	"covers" jsonb DEFAULT '[]' NOT NULL,
	"preview_url" text,
	"external_urls" jsonb DEFAULT '[]' NOT NULL,
	"metadata" jsonb DEFAULT '{}' NOT NULL
);
--> statement-breakpoint
ALTER TABLE "artists" ADD COLUMN "name_text" text collate "C";--> statement-breakpoint
ALTER TABLE "artists" ADD COLUMN "search" "tsvector";--> statement-breakpoint
ALTER TABLE "tags" ADD COLUMN "name_text" text collate "C";--> statement-breakpoint
ALTER TABLE "tags" ADD COLUMN "search" "tsvector";--> statement-breakpoint
ALTER TABLE "tracks" ADD COLUMN "album_id" bigint;--> statement-breakpoint
ALTER TABLE "tracks" ADD COLUMN "disc_number" integer;--> statement-breakpoint
ALTER TABLE "tracks" ADD COLUMN "track_number" integer;--> statement-breakpoint
ALTER TABLE "album_artists" ADD CONSTRAINT "album_artists_album_id_albums_id_fk" FOREIGN KEY ("album_id") REFERENCES "public"."albums"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "album_artists" ADD CONSTRAINT "album_artists_artist_id_artists_id_fk" FOREIGN KEY ("artist_id") REFERENCES "public"."artists"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "track_artists" ADD CONSTRAINT "track_artists_track_id_tracks_id_fk" FOREIGN KEY ("track_id") REFERENCES "public"."tracks"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "track_artists" ADD CONSTRAINT "track_artists_artist_id_artists_id_fk" FOREIGN KEY ("artist_id") REFERENCES "public"."artists"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "track_details" ADD CONSTRAINT "track_details_track_id_tracks_id_fk" FOREIGN KEY ("track_id") REFERENCES "public"."tracks"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "album_artists_artist_id_index" ON "album_artists" USING btree ("artist_id");--> statement-breakpoint
CREATE INDEX "albums_name_text_id_index" ON "albums" USING btree ("name_text","id");--> statement-breakpoint
CREATE INDEX "albums_newest_index" ON "albums" USING btree ("release_date" DESC NULLS LAST,"id");--> statement-breakpoint
CREATE INDEX "albums_search_index" ON "albums" USING gin ("search");--> statement-breakpoint
CREATE INDEX "albums_missing_index" ON "albums" USING btree ("id") WHERE "albums"."search" is null;--> statement-breakpoint
CREATE INDEX "track_artists_artist_id_index" ON "track_artists" USING btree ("artist_id");--> statement-breakpoint
CREATE INDEX "track_details_isrc_index" ON "track_details" USING btree ("isrc");--> statement-breakpoint
CREATE INDEX "track_details_metadata_index" ON "track_details" USING gin ("metadata" jsonb_path_ops);--> statement-breakpoint
ALTER TABLE "tracks" ADD CONSTRAINT "tracks_album_id_albums_id_fk" FOREIGN KEY ("album_id") REFERENCES "public"."albums"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "artists_name_text_id_index" ON "artists" USING btree ("name_text","id");--> statement-breakpoint
CREATE INDEX "artists_search_index" ON "artists" USING gin ("search");--> statement-breakpoint
CREATE INDEX "artists_missing_index" ON "artists" USING btree ("id") WHERE "artists"."search" is null;--> statement-breakpoint
CREATE INDEX "tags_name_text_id_index" ON "tags" USING btree ("name_text","id");--> statement-breakpoint
CREATE INDEX "tags_search_index" ON "tags" USING gin ("search");--> statement-breakpoint
CREATE INDEX "tags_missing_index" ON "tags" USING btree ("id") WHERE "tags"."search" is null;--> statement-breakpoint
CREATE INDEX "tracks_album_id_index" ON "tracks" USING btree ("album_id");--> statement-breakpoint
INSERT INTO "track_artists" ("track_id", "artist_id", "role", "position") SELECT "id", "artist_id", 'MAIN', 0 FROM "tracks";--> statement-breakpoint
INSERT INTO "albums" ("key", "title") SELECT DISTINCT 'migrated:' || "artist_id" || ':' || md5("album"), "album" FROM "tracks" WHERE "album" IS NOT NULL;--> statement-breakpoint
UPDATE "tracks" SET "album_id" = "albums"."id" FROM "albums" WHERE "albums"."key" = 'migrated:' || "tracks"."artist_id" || ':' || md5("tracks"."album");--> statement-breakpoint
INSERT INTO "album_artists" ("album_id", "artist_id", "position") SELECT DISTINCT "album_id", "artist_id", 0 FROM "tracks" WHERE "album_id" IS NOT NULL;
