DROP INDEX "track_texts_song_key_index";--> statement-breakpoint
ALTER TABLE "track_texts" DROP COLUMN "song_key";