CREATE TYPE "public"."draft_kind" AS ENUM('LYRICS', 'POEM', 'STORY', 'ARTICLE', 'TUNE');--> statement-breakpoint
CREATE TYPE "public"."draft_status" AS ENUM('QUEUED', 'GENERATING', 'COMPLETED', 'CANCELLED', 'FAILED');--> statement-breakpoint
CREATE TYPE "public"."draft_visibility" AS ENUM('PRIVATE', 'SHARED');--> statement-breakpoint
CREATE TYPE "public"."feedback_kind" AS ENUM('PLAY', 'COMPLETE', 'LIKE', 'SAVE', 'SKIP', 'DISLIKE', 'HIDE');--> statement-breakpoint
CREATE TYPE "public"."finish_reason" AS ENUM('STOP', 'LENGTH', 'CANCELLED', 'ERROR');--> statement-breakpoint
CREATE TABLE "artists" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "artists_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"name" text NOT NULL,
	"name_key" text NOT NULL,
	CONSTRAINT "artists_nameKey_unique" UNIQUE("name_key")
);
--> statement-breakpoint
CREATE TABLE "draft_events" (
	"draft_id" uuid NOT NULL,
	"sequence" integer NOT NULL,
	"event" jsonb NOT NULL,
	"at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "draft_events_draft_id_sequence_pk" PRIMARY KEY("draft_id","sequence")
);
--> statement-breakpoint
CREATE TABLE "drafts" (
	"id" uuid PRIMARY KEY NOT NULL,
	"listener_id" bigint NOT NULL,
	"kind" "draft_kind" NOT NULL,
	"title" text NOT NULL,
	"prompt" text NOT NULL,
	"visibility" "draft_visibility" NOT NULL,
	"status" "draft_status" NOT NULL,
	"finish_reason" "finish_reason",
	"model_id" text NOT NULL,
	"sampling" jsonb NOT NULL,
	"turns" jsonb NOT NULL,
	"usage" jsonb NOT NULL,
	"failure" text,
	"sequence" integer DEFAULT 0 NOT NULL,
	"idempotency_key" text,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "evaluations" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "evaluations_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"model_version" text NOT NULL,
	"dataset" text NOT NULL,
	"protocol" text NOT NULL,
	"metric" text NOT NULL,
	"value" double precision NOT NULL,
	"at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "feedback" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "feedback_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"listener_id" bigint NOT NULL,
	"track_id" bigint NOT NULL,
	"kind" "feedback_kind" NOT NULL,
	"plays" integer DEFAULT 1 NOT NULL,
	"listened_ms" integer,
	"at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"request_id" uuid,
	"dedupe_key" text,
	CONSTRAINT "feedback_plays" CHECK ("feedback"."plays" >= 1)
);
--> statement-breakpoint
CREATE TABLE "genres" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "genres_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"slug" text NOT NULL,
	"name" text NOT NULL,
	CONSTRAINT "genres_slug_unique" UNIQUE("slug")
);
--> statement-breakpoint
CREATE TABLE "listener_artists" (
	"listener_id" bigint NOT NULL,
	"artist_id" bigint NOT NULL,
	"position" integer NOT NULL,
	CONSTRAINT "listener_artists_listener_id_artist_id_pk" PRIMARY KEY("listener_id","artist_id")
);
--> statement-breakpoint
CREATE TABLE "listener_genres" (
	"listener_id" bigint NOT NULL,
	"genre_id" bigint NOT NULL,
	"weight" real NOT NULL,
	CONSTRAINT "listener_genres_listener_id_genre_id_pk" PRIMARY KEY("listener_id","genre_id"),
	CONSTRAINT "listener_genres_weight" CHECK ("listener_genres"."weight" between -1 and 1)
);
--> statement-breakpoint
CREATE TABLE "listeners" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "listeners_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"external_id" text NOT NULL,
	"display_name" text NOT NULL,
	"simulated" boolean DEFAULT false NOT NULL,
	"allow_explicit" boolean DEFAULT true NOT NULL,
	"preference_tags" text[] DEFAULT '{}' NOT NULL,
	"preference_text" text,
	"preferences_updated_at" timestamp (3) with time zone,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "listeners_externalId_unique" UNIQUE("external_id")
);
--> statement-breakpoint
CREATE TABLE "recommendation_lists" (
	"id" uuid PRIMARY KEY NOT NULL,
	"listener_id" bigint NOT NULL,
	"model_version" text NOT NULL,
	"state" jsonb NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "recommender_versions" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "recommender_versions_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"version" text NOT NULL,
	"trained_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"parameters" jsonb NOT NULL,
	"weights" "bytea",
	"active" boolean DEFAULT false NOT NULL,
	CONSTRAINT "recommender_versions_version_unique" UNIQUE("version")
);
--> statement-breakpoint
CREATE TABLE "tags" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "tags_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"name" text NOT NULL,
	CONSTRAINT "tags_name_unique" UNIQUE("name")
);
--> statement-breakpoint
CREATE TABLE "track_genres" (
	"track_id" bigint NOT NULL,
	"genre_id" bigint NOT NULL,
	"position" integer DEFAULT 0 NOT NULL,
	CONSTRAINT "track_genres_track_id_genre_id_pk" PRIMARY KEY("track_id","genre_id")
);
--> statement-breakpoint
CREATE TABLE "track_tags" (
	"track_id" bigint NOT NULL,
	"tag_id" bigint NOT NULL,
	"weight" real NOT NULL,
	CONSTRAINT "track_tags_track_id_tag_id_pk" PRIMARY KEY("track_id","tag_id")
);
--> statement-breakpoint
CREATE TABLE "tracks" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "tracks_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"external_id" text NOT NULL,
	"title" text NOT NULL,
	"artist_id" bigint NOT NULL,
	"album" text,
	"release_year" integer,
	"duration_ms" integer,
	"explicit" boolean DEFAULT false NOT NULL,
	"recent_listeners" integer DEFAULT 0 NOT NULL,
	"popularity" double precision DEFAULT 0 NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "tracks_externalId_unique" UNIQUE("external_id")
);
--> statement-breakpoint
ALTER TABLE "draft_events" ADD CONSTRAINT "draft_events_draft_id_drafts_id_fk" FOREIGN KEY ("draft_id") REFERENCES "public"."drafts"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "drafts" ADD CONSTRAINT "drafts_listener_id_listeners_id_fk" FOREIGN KEY ("listener_id") REFERENCES "public"."listeners"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "feedback" ADD CONSTRAINT "feedback_listener_id_listeners_id_fk" FOREIGN KEY ("listener_id") REFERENCES "public"."listeners"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "feedback" ADD CONSTRAINT "feedback_track_id_tracks_id_fk" FOREIGN KEY ("track_id") REFERENCES "public"."tracks"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "listener_artists" ADD CONSTRAINT "listener_artists_listener_id_listeners_id_fk" FOREIGN KEY ("listener_id") REFERENCES "public"."listeners"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "listener_artists" ADD CONSTRAINT "listener_artists_artist_id_artists_id_fk" FOREIGN KEY ("artist_id") REFERENCES "public"."artists"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "listener_genres" ADD CONSTRAINT "listener_genres_listener_id_listeners_id_fk" FOREIGN KEY ("listener_id") REFERENCES "public"."listeners"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "listener_genres" ADD CONSTRAINT "listener_genres_genre_id_genres_id_fk" FOREIGN KEY ("genre_id") REFERENCES "public"."genres"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "recommendation_lists" ADD CONSTRAINT "recommendation_lists_listener_id_listeners_id_fk" FOREIGN KEY ("listener_id") REFERENCES "public"."listeners"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "track_genres" ADD CONSTRAINT "track_genres_track_id_tracks_id_fk" FOREIGN KEY ("track_id") REFERENCES "public"."tracks"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "track_genres" ADD CONSTRAINT "track_genres_genre_id_genres_id_fk" FOREIGN KEY ("genre_id") REFERENCES "public"."genres"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "track_tags" ADD CONSTRAINT "track_tags_track_id_tracks_id_fk" FOREIGN KEY ("track_id") REFERENCES "public"."tracks"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "track_tags" ADD CONSTRAINT "track_tags_tag_id_tags_id_fk" FOREIGN KEY ("tag_id") REFERENCES "public"."tags"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "tracks" ADD CONSTRAINT "tracks_artist_id_artists_id_fk" FOREIGN KEY ("artist_id") REFERENCES "public"."artists"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "drafts_listener_id_idempotency_key_index" ON "drafts" USING btree ("listener_id","idempotency_key");--> statement-breakpoint
CREATE INDEX "drafts_listener_id_created_at_id_index" ON "drafts" USING btree ("listener_id","created_at" DESC NULLS LAST,"id" DESC NULLS LAST);--> statement-breakpoint
CREATE INDEX "drafts_status_index" ON "drafts" USING btree ("status");--> statement-breakpoint
CREATE INDEX "evaluations_at_id_index" ON "evaluations" USING btree ("at" DESC NULLS LAST,"id" DESC NULLS LAST);--> statement-breakpoint
CREATE UNIQUE INDEX "feedback_listener_id_dedupe_key_index" ON "feedback" USING btree ("listener_id","dedupe_key");--> statement-breakpoint
CREATE INDEX "feedback_listener_id_at_id_index" ON "feedback" USING btree ("listener_id","at" DESC NULLS LAST,"id" DESC NULLS LAST);--> statement-breakpoint
CREATE INDEX "feedback_track_id_index" ON "feedback" USING btree ("track_id");--> statement-breakpoint
CREATE INDEX "feedback_at_index" ON "feedback" USING btree ("at");--> statement-breakpoint
CREATE INDEX "recommendation_lists_listener_id_created_at_index" ON "recommendation_lists" USING btree ("listener_id","created_at");--> statement-breakpoint
CREATE INDEX "recommendation_lists_created_at_index" ON "recommendation_lists" USING btree ("created_at");--> statement-breakpoint
CREATE INDEX "track_genres_genre_id_index" ON "track_genres" USING btree ("genre_id");--> statement-breakpoint
CREATE INDEX "track_tags_tag_id_index" ON "track_tags" USING btree ("tag_id");--> statement-breakpoint
CREATE INDEX "tracks_artist_id_index" ON "tracks" USING btree ("artist_id");--> statement-breakpoint
CREATE INDEX "tracks_popularity_id_index" ON "tracks" USING btree ("popularity" DESC NULLS LAST,"id");--> statement-breakpoint
CREATE INDEX "tracks_release_year_id_index" ON "tracks" USING btree ("release_year" DESC NULLS LAST,"id");--> statement-breakpoint
CREATE INDEX "tracks_title_index" ON "tracks" USING btree (lower("title"),"id");