CREATE SEQUENCE "public"."catalogue_revisions" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1;--> statement-breakpoint
CREATE TABLE "chores" (
	"name" text PRIMARY KEY NOT NULL,
	"done_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
ALTER TABLE "tracks" ADD COLUMN "revision" bigint DEFAULT nextval('catalogue_revisions') NOT NULL;--> statement-breakpoint
ALTER TABLE "tracks" ADD COLUMN "description_revision" bigint DEFAULT nextval('catalogue_revisions') NOT NULL;--> statement-breakpoint
CREATE INDEX "tracks_revision_index" ON "tracks" USING btree ("revision");